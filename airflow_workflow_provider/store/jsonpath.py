"""Conditions on a JSON column, written as a small part of SQL's JSON path.

``$.customer.id``, ``$.lines[0].sku == "A-1"``, ``$.amount >= 1000``: a path of names and positions, and at most one
comparison with a literal. It is read here and given to PostgreSQL as a parameter; nothing of it becomes SQL text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, bindparam, cast, func
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH

from airflow_workflow_provider.errors import InvalidDefinition, Misuse
from airflow_workflow_provider.model.json_text import dumps, loads_data
from airflow_workflow_provider.vocabulary import ProblemCode

MAX_LENGTH: Final = 500
OPERATORS: Final = ("==", "!=", "<=", ">=", "<", ">")

_MEMBER: Final = re.compile(r"""\.(?P<name>[A-Za-z_]\w*)|\[(?P<index>\d{1,6})\]|\.?(?P<quoted>"(?:[^"\\]|\\.)*")""")
_COMPARISON: Final = re.compile(r"\s*(?P<operator>==|!=|<=|>=|<|>)\s*(?P<literal>.+?)\s*", re.DOTALL)


@dataclass(frozen=True)
class InputCondition:
    """One condition.

    :param path: names and positions below the root
    :param operator: one of :data:`OPERATORS`; null asks only whether the place exists
    :param literal: a text, number, boolean or null
    """

    path: tuple[str | int, ...]
    operator: str | None = None
    literal: str | float | bool | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the path, positions left out."""
        return tuple(part for part in self.path if isinstance(part, str))


def values_touched(document: Any, condition: InputCondition) -> list[Any]:
    """Return the values of a document that a condition looks at, lists on the way and at its end included."""
    found = [document]
    for part in condition.path:
        inner: list[Any] = []
        for value in found:
            each = value if isinstance(value, list) else [value]
            if isinstance(part, int):
                inner += each[part : part + 1]
            else:
                inner += [item[part] for item in each if isinstance(item, dict) and part in item]
        found = inner
    return found


def parse_condition(text: str) -> InputCondition:
    """Read a condition.

    :raises Misuse: it is not of the form above
    """
    if len(text) > MAX_LENGTH or not text.startswith("$"):
        raise _refused(text)
    path: list[str | int] = []
    at = 1
    while found := _MEMBER.match(text, at):
        path.append(_part(found, text))
        at = found.end()
    if not path:
        raise _refused(text)
    if not text[at:].strip():
        return InputCondition(tuple(path))
    comparison = _COMPARISON.fullmatch(text, at)
    if comparison is None:
        raise _refused(text)
    return InputCondition(tuple(path), comparison["operator"], _literal(comparison["literal"], text))


def holds(column: ColumnElement[Any], condition: InputCondition) -> ColumnElement[bool]:
    """The condition as SQL; false, never an error, where the place is missing or of another type."""
    place = "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{dumps(part)}" for part in condition.path)
    if condition.operator is None:
        path, values = place, {}
    else:
        path, values = f"{place} ? (@ {condition.operator} $literal)", {"literal": condition.literal}
    return func.jsonb_path_exists(
        column,
        cast(bindparam(None, path), JSONPATH),
        bindparam(None, values, JSONB),
        True,
    )


def _part(found: re.Match[str], text: str) -> str | int:
    if found["name"] is not None:
        return found["name"]
    if found["index"] is not None:
        return int(found["index"])
    return str(_literal(found["quoted"], text))


def _literal(text: str, whole: str) -> str | float | bool | None:
    try:
        value = loads_data(text)
    except InvalidDefinition:
        raise _refused(whole) from None
    if isinstance(value, dict | list):
        raise _refused(whole)
    return value  # type: ignore[no-any-return]


def _refused(text: str) -> Misuse:
    message = f"The condition {text[:100]!r} cannot be read"
    suggestion = f"""a path such as $.customer.id or $.lines[0].sku, then one of {list(OPERATORS)} and a JSON literal"""
    return Misuse(message, code=ProblemCode.BAD_FILTER, pointer="input", suggestion=suggestion)
