"""What the machine reports to the execution log (rule L1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.engine.keys import item_indexes
from airflow_workflow_provider.vocabulary import LogEvent

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_workflow_provider.engine.documents import Json, JsonValue
    from airflow_workflow_provider.engine.records import Activation

LEVELS: Final = {"error": 0, "info": 1, "debug": 2}
_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


@dataclass(frozen=True)
class Event:
    """One row for the execution log.

    :param level: the least detailed ``executionLog.level`` that keeps it
    :param name: what happened, such as ``step.completed``
    :param at: when
    :param scope: key of the step list
    """

    level: str
    name: LogEvent
    at: datetime
    step_id: str | None = None
    scope: str = ""
    visit: int | None = None
    attempt: int | None = None
    data: Json = field(default_factory=dict)


class EventLog:
    """Collects events of one level and the less detailed ones.

    :param level: ``error``, ``info`` or ``debug``
    """

    def __init__(self, level: str) -> None:
        self._limit = LEVELS[level]
        self._events: list[Event] = []
        self.trace: list[Event] | None = None
        """Set to a list to have every event about a step noted there too, whatever its level; of its data only where
        the path goes."""

    def keeps(self, level: str) -> bool:
        """Whether events of a level are kept with their data."""
        return LEVELS[level] <= self._limit

    def add(self, level: str, name: LogEvent, at: datetime, *, data: Json | None = None) -> None:
        """Note something about the instance."""
        if self.keeps(level):
            self._events.append(Event(level, name, at, data=data or {}))

    def step(
        self, level: str, name: LogEvent, at: datetime, scope: str, current: Activation, *, data: Json | None = None
    ) -> None:
        """Note something about a step's activation."""
        if self.trace is not None:
            went: Json = {key: value for key, value in (data or {}).items() if key in ("next", "way")}
            self.trace.append(Event(level, name, at, current.step_id, scope, current.visit, current.attempt, went))
        if self.keeps(level):
            event = Event(level, name, at, current.step_id, scope, current.visit, current.attempt, data=data or {})
            self._events.append(event)

    @property
    def pending(self) -> tuple[Event, ...]:
        """What :meth:`drain` will return."""
        return tuple(self._events)

    def drain(self) -> list[Event]:
        """Return what was collected since the last call."""
        events, self._events = self._events, []
        return events


ENDS: Final = {
    LogEvent.STEP_RETRYING: "failed",
    LogEvent.STEP_FAILED: "failed",
    LogEvent.STEP_CANCELLED: "failed",
    LogEvent.STEP_COMPLETED: "completed",
}
"""The events that end an attempt, with the status of its line in a path."""


def path_of(events: Iterable[Event]) -> list[Json]:
    """Return the path that events describe: a line an attempt, in the order in which they started.

    A line is ``{"stepId", "visit", "attempt", "status"}`` and, inside a forEach, ``item``: the item's number, or the
    numbers from the outermost forEach to the innermost where they are nested.
    """
    lines: list[Json] = []
    open_lines: dict[tuple[JsonValue, ...], Json] = {}
    for event in events:
        key = (event.scope, event.step_id, event.visit, event.attempt)
        if event.name == LogEvent.STEP_STARTED:
            line: Json = {"stepId": event.step_id, "visit": event.visit, "attempt": event.attempt, "status": "running"}
            indexes = item_indexes(event.scope)
            if indexes:
                line["item"] = indexes[0] if len(indexes) == 1 else indexes
            lines.append(line)
            open_lines[key] = line
        elif event.name in ENDS and key in open_lines:
            open_lines[key]["status"] = ENDS[event.name]
    return lines


def operands(condition: str, bindings: Mapping[str, JsonValue]) -> Json:
    """Return the values that a condition's paths have in the bindings, for the log at level ``debug``."""
    found: Json = {}
    for path in _PATH.findall(condition):
        value: object = bindings
        for part in path.split("."):
            if not isinstance(value, Mapping) or part not in value:
                break
            value = value[part]
        else:
            found[path] = value
    return found
