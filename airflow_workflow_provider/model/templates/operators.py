"""The operators of templates between two values."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from jinja2 import nodes

from airflow_workflow_provider.model.expressions.bounds import INTEGER_BITS
from airflow_workflow_provider.model.expressions.errors import ExpressionFailure
from airflow_workflow_provider.model.templates.texts import percent_format
from airflow_workflow_provider.model.templates.values import kind_of

if TYPE_CHECKING:
    from airflow_workflow_provider.model.templates.budget import Budget

ARITHMETIC: Final[Mapping[type[nodes.Node], Callable[[Any, Any], Any]]] = {
    nodes.Add: operator.add,
    nodes.Sub: operator.sub,
    nodes.Mul: operator.mul,
    nodes.Div: operator.truediv,
    nodes.FloorDiv: operator.floordiv,
    nodes.Mod: operator.mod,
    nodes.Pow: operator.pow,
}


def calculated(kind: type[nodes.Node], left: Any, right: Any, budget: Budget) -> Any:
    """Return what an operator gives, after a look at how large that gets."""
    if kind is nodes.Mod and isinstance(left, str):
        return percent_format(left, right, budget)
    if isinstance(left, str | list | tuple) or isinstance(right, str | list | tuple):
        _look_at_sizes(kind, left, right, budget)
    elif kind is nodes.Pow and isinstance(left, int) and isinstance(right, int):
        _look_at_power(left, right)
    try:
        return budget.made(ARITHMETIC[kind](left, right))
    except TypeError as error:
        raise unfit(left, right) from error


def _look_at_power(base: int, exponent: int) -> None:
    if abs(base) > 1 and base.bit_length() * max(exponent, 0) > INTEGER_BITS:
        message = f"the template computes an integer of more than {INTEGER_BITS} bits"
        raise ExpressionFailure(message)


def _look_at_sizes(kind: type[nodes.Node], left: Any, right: Any, budget: Budget) -> None:
    if kind is nodes.Add and type(left) is type(right):
        length = len(left) + len(right)
    elif kind is nodes.Mul and (isinstance(left, int) or isinstance(right, int)):
        length = len(right) * max(left, 0) if isinstance(left, int) else len(left) * max(right, 0)
    else:
        raise unfit(left, right)
    if isinstance(left, str) or isinstance(right, str):
        budget.characters(length)
    else:
        budget.entries(length)


def unfit(left: Any, right: Any) -> ExpressionFailure:
    """Return the failure of an operator between values that it does not take."""
    return ExpressionFailure(f"the operator does not take {kind_of(left)} and {kind_of(right)}")
