"""Texts made by a pattern: ``'%s' % value`` and ``'{}'.format(value)``, over plain values and within bounds."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.model.expressions.errors import ExpressionFailure
from airflow_workflow_provider.model.templates.values import kind_of
from airflow_workflow_provider.model.words import shown

if TYPE_CHECKING:
    from airflow_workflow_provider.model.templates.budget import Budget

MAX_WIDTH: Final = 1_000
"""Largest width and precision of one value."""

_PERCENT: Final = re.compile(
    r"%(?:\((?P<key>[^()]*)\))?(?P<how>[-+ #0]*)(?P<width>\d*)(?:\.(?P<precision>\d*))?(?P<kind>[diouxXeEfFgGcrs%])?"
)
_SPEC: Final = re.compile(
    r"(?:.?[<>=^])?[-+ ]?z?#?0?(?P<width>\d*)[,_]?(?:\.(?P<precision>\d+))?[bcdeEfFgGosxX%]?", re.S
)


def percent_format(pattern: str, values: Any, budget: Budget) -> str:
    """Return what ``pattern % values`` gives.

    :raises ExpressionFailure: the pattern is none, its widths are too large, or the values do not fit
    """
    made: list[str] = []
    given = list(values) if isinstance(values, tuple) else [values]
    taken = end = 0
    budget.characters(len(pattern))
    for match in _PERCENT.finditer(pattern):
        made.append(pattern[end : match.start()])
        end = match.end()
        if match["kind"] is None:
            message = f"{shown(match[0])} is not a placeholder; write %% for a percent sign"
            raise ExpressionFailure(message)
        if match["kind"] == "%":
            made.append("%")
            continue
        if match["key"] is not None:
            value = _by_name(values, match["key"])
        elif taken < len(given):
            value, taken = given[taken], taken + 1
        else:
            message = f"the pattern has more places than the {len(given)} values"
            raise ExpressionFailure(message)
        _check_widths(match["width"], match["precision"])
        made.append(_percent(match, value, budget))
    made.append(pattern[end:])
    if taken < len(given) and not isinstance(values, Mapping):
        message = f"the pattern has {taken} places for {len(given)} values"
        raise ExpressionFailure(message)
    budget.characters(sum(map(len, made)))
    return "".join(made)


def _by_name(values: Any, key: str) -> Any:
    if not isinstance(values, dict) or key not in values:
        message = f"the pattern needs a value {key!r}"
        raise ExpressionFailure(message)
    return values[key]


def _percent(match: re.Match[str], value: Any, budget: Budget) -> str:
    budget.characters(budget.size(value))
    precision = "" if match["precision"] is None else f".{match['precision']}"
    try:
        text = f"%{match['how']}{match['width']}{precision}{match['kind']}" % (value,)
    except TypeError as error:
        message = f"{shown(match[0])} does not take {kind_of(value)}"
        raise ExpressionFailure(message) from error
    budget.characters(len(text))
    return text


def _check_widths(*widths: str | None) -> None:
    for width in widths:
        if width and (len(width) > len(str(MAX_WIDTH)) or int(width) > MAX_WIDTH):
            message = f"a width or precision of {shown(width)} is above {MAX_WIDTH:,}"
            raise ExpressionFailure(message)


class _Formatter(string.Formatter):
    """Python's formatter, whose fields are those of the values and nothing else."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, str]:
        if not re.fullmatch(r"\w*", field_name):
            message = f"{{{field_name}}} is not a placeholder; give the field itself as an argument"
            raise ExpressionFailure(message)
        key: int | str = int(field_name) if field_name.isdecimal() else field_name
        if key not in (kwargs if isinstance(key, str) else range(len(args))):
            message = f"the pattern needs a value {field_name!r}"
            raise ExpressionFailure(message)
        return (kwargs[key] if isinstance(key, str) else args[key]), field_name

    def convert_field(self, value: Any, conversion: str | None) -> Any:
        self._budget.characters(self._budget.size(value))
        return super().convert_field(value, conversion)

    def format_field(self, value: Any, format_spec: str) -> str:
        match = _SPEC.fullmatch(format_spec)
        if match is None:
            message = f"{shown(format_spec)} does not say how to write a value"
            raise ExpressionFailure(message)
        _check_widths(match["width"], match["precision"])
        if format_spec and not isinstance(value, str | int | float):
            message = f"{kind_of(value)} takes no {shown(format_spec)}"
            raise ExpressionFailure(message)
        text = format(value, format_spec) if format_spec else str(value)
        self._budget.characters(len(text))
        return text


def brace_format(pattern: str, args: Sequence[Any], kwargs: Mapping[str, Any], budget: Budget) -> str:
    """Return what ``pattern.format(…)`` gives; a place names a whole value, without fields or attributes of it.

    :raises ExpressionFailure: the pattern is none, its widths are too large, or the values do not fit
    """
    budget.characters(len(pattern))
    return _Formatter(budget).vformat(pattern, args, kwargs)
