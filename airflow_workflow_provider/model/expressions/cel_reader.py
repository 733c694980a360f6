"""Copying what a CEL expression reads into the types that the engine knows, within limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airflow_workflow_provider.model.expressions.cel_numbers import given
from airflow_workflow_provider.model.expressions.errors import ExpressionFailure
from airflow_workflow_provider.model.expressions.values import well_formed

TEXT_LIMIT: Final = 1_000_000
"""Characters that an expression may read."""
GROWTH_LIMIT: Final = 50_000_000
"""The longest text or list times the longest list, in an expression with additions and macros."""
DEPTH_LIMIT: Final = 200

Paths = dict[str, Any]
"""A tree of the names an expression reads; an empty branch is read whole."""


class Reader:
    """Copies what an expression reads into the types the engine knows, and counts it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values_left = limit
        self._text_left = TEXT_LIMIT
        self._longest_text = 0
        self._longest_list = 0

    def read(self, value: Any, paths: Paths) -> Any:
        """Return the parts of a value that are on paths."""
        if paths and isinstance(value, Mapping):
            return {name: self.read(value[name], further) for name, further in paths.items() if name in value}
        return self._copy(value, 0)

    def refuse_growth(self) -> None:
        """Refuse to put texts or lists together once for each entry of a list where that could take much memory.

        The engine frees nothing before its end, so this is computed before its work begins.
        """
        longest = max(self._longest_text, self._longest_list)
        if longest * self._longest_list > GROWTH_LIMIT:
            msg = (
                f"the expression adds to texts or lists of up to {longest} characters or entries, "
                f"for each of up to {self._longest_list} entries; name the fields that it needs"
            )
            raise ExpressionFailure(msg)

    def _copy(self, value: Any, depth: int) -> Any:
        self._values_left -= 1
        if self._values_left < 0 or depth > DEPTH_LIMIT:
            msg = (
                f"the expression reads more than {self._limit} values, or values nested deeper than {DEPTH_LIMIT} "
                "levels; name the fields it needs"
            )
            raise ExpressionFailure(msg)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, (int, float)):
            return given(value)
        if isinstance(value, str):
            self._text_left -= len(value)
            self._longest_text = max(self._longest_text, len(value))
            if self._text_left < 0:
                msg = f"the expression reads more than {TEXT_LIMIT} characters of text"
                raise ExpressionFailure(msg)
            return well_formed(value)
        if isinstance(value, Mapping):
            return {well_formed(str(key)): self._copy(part, depth + 1) for key, part in value.items()}
        if isinstance(value, (list, tuple)):
            self._longest_list = max(self._longest_list, len(value))
            return [self._copy(part, depth + 1) for part in value]
        msg = f"a binding has a value that is not JSON: {type(value).__name__}"
        raise ExpressionFailure(msg)
