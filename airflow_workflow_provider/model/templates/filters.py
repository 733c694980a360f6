"""The filters that templates have: those of Jinja that only compute, over plain values and within bounds.

Each is called with the evaluator and the value in front of its own arguments, which are named as in Jinja.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.model.expressions.errors import ExpressionFailure
from airflow_workflow_provider.model.templates import filters_of_lists as lists
from airflow_workflow_provider.model.templates import filters_of_texts as texts
from airflow_workflow_provider.model.templates.values import Undefined, kind_of

if TYPE_CHECKING:
    from airflow_workflow_provider.model.templates.evaluating import Evaluation

Filter = Callable[..., Any]

MAX_PRECISION: Final = 400


def _default(_: Evaluation, value: Any, default_value: Any = "", boolean: Any = False) -> Any:
    return default_value if isinstance(value, Undefined) or (boolean and not value) else value


def _number(value: Any) -> Any:
    if isinstance(value, int | float):
        return value
    message = f"a number is needed, not {kind_of(value)}"
    raise ExpressionFailure(message)


def _abs(_: Evaluation, x: Any) -> Any:
    return abs(_number(x))


def _round(_: Evaluation, value: Any, precision: Any = 0, method: Any = "common") -> Any:
    from jinja2.filters import do_round

    if not isinstance(precision, int) or abs(precision) > MAX_PRECISION:
        message = f"round takes a whole number of digits, at most {MAX_PRECISION}"
        raise ExpressionFailure(message)
    if method not in ("common", "ceil", "floor"):
        message = "the method of round is 'common', 'ceil' or 'floor'"
        raise ExpressionFailure(message)
    return do_round(_number(value), precision, method)


def _int(evaluator: Evaluation, value: Any, default: Any = 0, base: Any = 10) -> Any:
    try:
        if isinstance(value, str):
            evaluator.budget.characters(len(value) * 20)
            return int(value, base)
        return int(_number(value))
    except (ValueError, OverflowError):
        pass
    try:
        return int(float(value))
    except (ValueError, OverflowError):
        return default


def _float(evaluator: Evaluation, value: Any, default: Any = 0.0) -> Any:
    evaluator.budget.size(value)
    try:
        return float(value)
    except (ValueError, OverflowError):
        return default


def _length(_: Evaluation, value: Any) -> int:
    if isinstance(value, str | list | tuple | dict):
        return len(value)
    message = f"{kind_of(value)} has no length"
    raise ExpressionFailure(message)


FILTERS: Final[Mapping[str, Filter]] = {
    "abs": _abs,
    "count": _length,
    "d": _default,
    "default": _default,
    "float": _float,
    "int": _int,
    "length": _length,
    "round": _round,
    **lists.FILTERS,
    **texts.FILTERS,
}

INSTEAD: Final[Mapping[str, str]] = {
    "attr": "write the name after a dot, or in square brackets",
    "pprint": "use tojson",
    "random": "compute the value by a transform in the step's arguments",
    "urlize": "use urlencode or escape",
    "xmlattr": "write the attributes, with escape",
}
"""What to use for the filters of Jinja that are not here."""


def advice(name: str, known: Iterable[str]) -> str:
    """Return what to do about a filter that there is not."""
    from airflow_workflow_provider.model.words import did_you_mean

    return INSTEAD.get(name) or did_you_mean(name, known) or "docs/tasks.md lists the filters"
