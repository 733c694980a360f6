"""The tests (``is …``) and comparisons that templates have."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.model.expressions.errors import ExpressionFailure
from airflow_workflow_provider.model.templates.values import Undefined, kind_of

if TYPE_CHECKING:
    from airflow_workflow_provider.model.templates.evaluating import Evaluation

COMPARISONS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
    "in": lambda left, right: left in right,
    "notin": lambda left, right: left not in right,
}
"""The operators, by Jinja's names for them."""


def _is(check: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda _, value: check(value)


def _compares(name: str) -> Callable[..., Any]:
    return lambda evaluator, value, other: evaluator.compared(name, value, other)


def _rest(value: Any, number: Any) -> Any:
    for each in (value, number):
        # With a text in front, Python's operator fills in a pattern.
        if not isinstance(each, int | float):
            message = f"a number is needed, not {kind_of(each)}"
            raise ExpressionFailure(message)
    return value % number


def _same(_: Evaluation, value: Any, other: Any) -> bool:
    return value is other


def _cased(method: Callable[[str], bool]) -> Callable[..., Any]:
    return lambda evaluator, value: method(evaluator.text(value))


TESTS: Final[Mapping[str, Callable[..., Any]]] = {
    "boolean": _is(lambda value: isinstance(value, bool)),
    "defined": _is(lambda value: not isinstance(value, Undefined)),
    "divisibleby": lambda _, value, number: _rest(value, number) == 0,
    "even": _is(lambda value: _rest(value, 2) == 0),
    "false": _is(lambda value: value is False),
    "float": _is(lambda value: isinstance(value, float)),
    "integer": _is(lambda value: isinstance(value, int) and not isinstance(value, bool)),
    "iterable": _is(lambda value: isinstance(value, str | list | tuple | dict)),
    "lower": _cased(str.islower),
    "mapping": _is(lambda value: isinstance(value, dict)),
    "none": _is(lambda value: value is None),
    "number": _is(lambda value: isinstance(value, int | float)),
    "odd": _is(lambda value: _rest(value, 2) == 1),
    "sameas": _same,
    "sequence": _is(lambda value: isinstance(value, str | list | tuple | dict)),
    "string": _is(lambda value: isinstance(value, str)),
    "true": _is(lambda value: value is True),
    "undefined": _is(lambda value: isinstance(value, Undefined)),
    "upper": _cased(str.isupper),
    **{name: _compares("eq") for name in ("==", "eq", "equalto")},
    **{name: _compares("ne") for name in ("!=", "ne")},
    **{name: _compares("lt") for name in ("<", "lt", "lessthan")},
    **{name: _compares("lteq") for name in ("<=", "le")},
    **{name: _compares("gt") for name in (">", "gt", "greaterthan")},
    **{name: _compares("gteq") for name in (">=", "ge")},
    "in": _compares("in"),
}

TOLERANT: Final = frozenset({"defined", "undefined"})
"""The tests that take what is not there."""
