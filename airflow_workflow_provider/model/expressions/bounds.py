"""Bounds of every evaluation: time, depth, and the size of what is computed (rules X2 and X3).

An expression can describe a value much larger than itself (``[$x, $x]`` forty times over), and one that refers to the
same part many times takes no memory until it is written out. :class:`Meter` therefore counts the written-out size.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from airflow_workflow_provider.model.expressions.errors import ExpressionFailure

TIME_LIMIT_SECONDS: Final = 2.0
DEPTH_LIMIT: Final = 300
STEP_LIMIT: Final = 5_000_000
SIZE_LIMIT: Final = 4_000_000
"""Largest value an expression may compute: characters of text plus eight for every other value."""

TEXT_LIMIT: Final = 4_000_000
LIST_LIMIT: Final = 500_000
INTEGER_BITS: Final = 1024

CALL_LIMIT: Final = 1_000
"""Nested steps of one evaluation."""

_UNIT: Final = 8
_STEPS_PER_TICK: Final = 32


class Meter:
    """Measures what one evaluation computes, and stops it when it is too much.

    :param now: a monotonic clock, in seconds
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._deadline = now() + TIME_LIMIT_SECONDS
        self._steps = 0
        self._depth = 0
        # The containers are kept alive with their sizes, or a new one could inherit the id of a dead one.
        self._sizes: dict[int, tuple[Any, int]] = {}

    def enter(self) -> None:
        """Count one step down; raises :class:`ExpressionFailure` past a bound."""
        self._steps += 1
        self._depth += 1
        if self._depth > CALL_LIMIT:
            msg = f"the expression calls itself more than {CALL_LIMIT} levels deep"
            raise ExpressionFailure(msg)
        if self._steps % _STEPS_PER_TICK == 0:
            if self._steps > STEP_LIMIT:
                msg = f"the expression takes more than {STEP_LIMIT} steps"
                raise ExpressionFailure(msg)
            self.tick()

    def leave(self, value: object, *, measured: bool = True) -> None:
        """Count one step up with what it computed; raises :class:`ExpressionFailure` past a bound.

        :param value: what the step computed
        :param measured: whether the value can be larger than what the step read
        """
        self._depth -= 1
        if measured:
            self.check(value)

    @staticmethod
    def room(size: int) -> None:
        """Raise :class:`ExpressionFailure` before a list grows beyond its bound."""
        if size > LIST_LIMIT:
            msg = f"the expression computes a list or object of more than {LIST_LIMIT} entries"
            raise ExpressionFailure(msg)

    def tick(self) -> None:
        """Raise :class:`ExpressionFailure` when the time is over."""
        if self._now() > self._deadline:
            msg = f"the expression ran for more than {TIME_LIMIT_SECONDS:g} seconds"
            raise ExpressionFailure(msg)

    def check(self, value: object) -> None:
        """Raise :class:`ExpressionFailure` when a value is too large, written out."""
        self.size(value)

    def size(self, value: object) -> int:
        """Return the size of a value, written out; raises :class:`ExpressionFailure` when it is too large."""
        size = self._measure(value, 0)
        if size > SIZE_LIMIT:
            msg = f"the expression computes a value larger than {SIZE_LIMIT} characters"
            raise ExpressionFailure(msg)
        return size

    def _measure(self, value: object, depth: int) -> int:
        if isinstance(value, str):
            return len(value)
        if isinstance(value, int):
            if value.bit_length() > INTEGER_BITS:
                msg = f"the expression computes an integer of more than {INTEGER_BITS} bits"
                raise ExpressionFailure(msg)
            return _UNIT
        if not isinstance(value, (list, tuple, dict)) or not value:
            return _UNIT
        known = self._sizes.get(id(value))
        if known is not None and known[0] is value:
            return known[1]
        if len(value) > LIST_LIMIT:
            msg = f"the expression computes a list or object of more than {LIST_LIMIT} entries"
            raise ExpressionFailure(msg)
        if depth > DEPTH_LIMIT:
            msg = f"the expression computes a value nested deeper than {DEPTH_LIMIT} levels"
            raise ExpressionFailure(msg)
        size = _UNIT + self._measure_parts(value, depth + 1)
        self._sizes[id(value)] = (value, size)
        return size

    def _measure_parts(self, value: list[Any] | tuple[Any, ...] | dict[str, Any], depth: int) -> int:
        size = 0
        if isinstance(value, dict):
            size += sum(len(key) for key in value)
        for part in value.values() if isinstance(value, dict) else value:
            size += self._measure(part, depth)
            if size > SIZE_LIMIT:
                break
        return size
