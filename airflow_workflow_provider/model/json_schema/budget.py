"""The limit on the work of a schema: steps are counted, so the same schema and value always give the same result."""

from __future__ import annotations

import time
from typing import Any, Final

from airflow_workflow_provider.model.json_schema.patterns import PatternTimeout, stored_pattern

STEPS: Final = 50_000
"""Keywords tried on a value of no size."""

STEPS_PER_VALUE: Final = 50
"""More for each object, list, text or number of the value, keys included."""

SLOW_SECONDS: Final = 1.0
"""For all patterns together that look around or back."""

_ERROR_STEPS: Final = 10
_TEXT_STEP: Final = 256
_MAX_VALUES: Final = 200_000


class OutOfSteps(Exception):
    """Checking a value took more than the bounded number of steps."""


class Budget:
    """Counts the steps of one check.

    :param value: what is checked
    :param steps_per_value: allowed for each part of the value
    """

    __slots__ = ("_allowed", "_measured", "_slow", "_spent", "_steps_per_value", "_value")

    def __init__(self, value: Any, steps_per_value: int = STEPS_PER_VALUE) -> None:
        self._value = value
        self._steps_per_value = steps_per_value
        self._spent = 0
        self._allowed = STEPS
        self._measured = False
        self._slow = 0.0

    def spend(self, steps: int = 1) -> None:
        """Count steps.

        :raises OutOfSteps: there were too many
        """
        self._spent += steps
        if self._spent > self._allowed:
            self._extend()

    def spend_error(self, message: str) -> None:
        """Count an error, which takes longer than a keyword that fits, and its message."""
        self.spend(_ERROR_STEPS + len(message) // _TEXT_STEP)

    def matches(self, pattern: str, text: str) -> bool:
        """Return whether a pattern matches in a text.

        :raises OutOfSteps: it took too long
        """
        compiled = stored_pattern(pattern)
        if compiled.linear:
            return compiled.search(text)
        began = time.monotonic()
        try:
            return compiled.search(text)
        except PatternTimeout as error:
            raise OutOfSteps from error
        finally:
            self._slow += time.monotonic() - began
            if self._slow > SLOW_SECONDS:
                raise OutOfSteps

    def _extend(self) -> None:
        if not self._measured:
            self._measured = True
            self._allowed += self._steps_per_value * _size(self._value)
        if self._spent > self._allowed:
            raise OutOfSteps


def _size(value: Any) -> int:
    """Return how many values there are in a value, up to a bound."""
    size = 0
    waiting = [value]
    while waiting and size < _MAX_VALUES:
        part = waiting.pop()
        size += 1
        if isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
    return size
