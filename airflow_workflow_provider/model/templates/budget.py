"""The limits of one template: its work, and the size of its values.

Work is counted, not measured by a clock, so that a template ends in the same way on every machine. Each part that is
evaluated is a unit, so is each entry of a list, and so are :data:`CHARACTERS` of text. Whatever could make something
much larger than itself asks before it does.
"""

from __future__ import annotations

from typing import Any, Final

from airflow_workflow_provider.model.expressions.bounds import INTEGER_BITS, LIST_LIMIT, TEXT_LIMIT, Meter
from airflow_workflow_provider.model.expressions.errors import ExpressionFailure

WORK_LIMIT: Final = 1_000_000
CHARACTERS: Final = 20
"""Characters of text that count as much as one step."""
COMPARISONS: Final = 1_000
"""Comparisons of two characters that count as much as one step."""


class Budget:
    """Counts what one evaluation does."""

    def __init__(self) -> None:
        self._left = WORK_LIMIT
        self._meter = Meter()
        # The values are kept, or a new one could inherit the id of a dead one.
        self._made: dict[int, Any] = {}

    def spend(self, units: int = 1) -> None:
        """Count work; raises :class:`ExpressionFailure` when it is too much."""
        self._left -= units
        if self._left < 0:
            message = f"the template does more than {WORK_LIMIT:,} steps of work"
            raise ExpressionFailure(message)

    def characters(self, length: int) -> None:
        """Count a text that is read or about to be made."""
        if length > TEXT_LIMIT:
            message = f"the template makes a text of more than {TEXT_LIMIT:,} characters"
            raise ExpressionFailure(message)
        self.spend(1 + max(length, 0) // CHARACTERS)

    def comparisons(self, length: int, other: int) -> None:
        """Count work that may compare every character of one text with every one of another."""
        self.spend(1 + length * other // COMPARISONS)

    def entries(self, count: int) -> None:
        """Count a list or object that is read or about to be made."""
        if count > LIST_LIMIT:
            message = f"the template makes a list of more than {LIST_LIMIT:,} entries"
            raise ExpressionFailure(message)
        self.spend(1 + max(count, 0))

    def size(self, value: Any) -> int:
        """Return the size of a value, written out, and count that it is read as a whole."""
        if isinstance(value, int | float) or value is None:
            return 8
        size = self._meter.size(value)
        self.spend(1 + size // CHARACTERS)
        return size

    def made(self, value: Any) -> Any:
        """Return a value that was just made, after a look at its size."""
        if isinstance(value, str):
            self.characters(len(value))
        elif isinstance(value, bool):
            pass
        elif isinstance(value, int):
            if value.bit_length() > INTEGER_BITS:
                message = f"the template computes an integer of more than {INTEGER_BITS} bits"
                raise ExpressionFailure(message)
        elif isinstance(value, list | tuple | dict):
            self.entries(len(value))
            self._made[id(value)] = value
            self._meter.check(value)
        elif isinstance(value, complex):
            message = "the result is not a real number"
            raise ExpressionFailure(message)
        return value

    def is_made(self, value: Any) -> bool:
        """Whether a list or object was made by the template, so that it is not as it is in the data."""
        return id(value) in self._made
