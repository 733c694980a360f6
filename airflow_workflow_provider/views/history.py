"""What happened in an instance, told in spans: each attempt of each visit, with its waits (rules L1, T6).

The execution log tells it; where its level keeps too little, or its rows are purged, the state tells of the latest
visit of each step. Starts of later attempts are logged at level ``debug`` only: below that they follow from the delay
of the retry before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.engine.failure import moment
from airflow_workflow_provider.engine.phases import Phase, StepStatus

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.documents import Json
    from airflow_workflow_provider.engine.records import Activation, StepRecord
    from airflow_workflow_provider.engine.state import State

ENDS: Final = {
    "step.completed": "completed",
    "step.failed": "failed",
    "step.cancelled": "failed",
    "step.retrying": "failed",
    "compensation.completed": "completed",
    "compensation.failed": "failed",
    "compensation.retrying": "failed",
}
"""Events that end an attempt."""

STARTS: Final = frozenset({"step.started", "step.arguments", "step.markedSuccess", "compensation.started"})
TOLD: Final = frozenset({*ENDS, *STARTS, "step.waiting", "step.handled", "step.rerun", "region.started"})
"""Events that spans are made of."""


@dataclass(frozen=True)
class Happening:
    """A row of the execution log, as far as it is needed here.

    :param next: where the path goes, of a step that ended
    :param delay: seconds until the next attempt
    :param error: type, code and message
    """

    at: datetime
    event: str
    step_id: str
    scope: str
    visit: int
    attempt: int
    next: str | None = None
    delay: float | None = None
    error: Mapping[str, Any] | None = None


@dataclass
class Span:
    """One attempt of a step.

    :param kind: ``step`` or ``compensation``
    :param status: ``running``, ``waiting``, ``completed`` or ``failed``
    :param waiting_since: when it began to wait without holding a worker, if it did
    :param next: where the path went behind it: a step, ``end``, ``fail``, or the workflow's ``onFailure``
    """

    step_id: str
    scope: str
    visit: int
    attempt: int
    kind: str
    status: str
    started_at: datetime
    ended_at: datetime | None = None
    waiting_since: datetime | None = None
    next: str | None = None
    error: Json | None = None

    @property
    def key(self) -> tuple[str, str, str, int, int]:
        """What it is the span of."""
        return (self.kind, self.scope, self.step_id, self.visit, self.attempt)


def spans_of(happenings: Iterable[Happening], state: State, completed_at: datetime | None) -> list[Span]:
    """Return the spans of an instance, in the order in which they started.

    :param happenings: rows of its log in order
    :param state: its state, which knows what is live, and what the log does not tell
    :param completed_at: when the instance ended
    """
    teller = _Teller()
    for happening in happenings:
        teller.tell(happening)
    for scope, step_id, record in state.records():
        teller.complete(scope, step_id, record)
    for scope, current in state.live():
        teller.live(scope, current)
    spans = sorted(teller.spans.values(), key=lambda span: span.started_at)
    if completed_at is not None:
        for span in spans:
            if span.ended_at is None:
                span.ended_at = max(completed_at, span.started_at)
                span.status = "failed" if span.status in ("running", "waiting") else span.status
    return spans


def path_taken(spans: Iterable[Span]) -> dict[tuple[str, str], int]:
    """Return how often the path went from a step to its target; ``""`` is what comes before the first step."""
    taken: dict[tuple[str, str], int] = {}
    for span in spans:
        if span.kind == "step" and span.next is not None:
            taken[span.step_id, span.next] = taken.get((span.step_id, span.next), 0) + 1
    return taken


@dataclass
class _Teller:
    spans: dict[tuple[str, str, str, int, int], Span] = field(default_factory=dict)
    due: dict[tuple[str, str, str], datetime] = field(default_factory=dict)

    def tell(self, row: Happening) -> None:
        span = self._span(row)
        if row.event == "step.waiting":
            span.waiting_since, span.status = span.waiting_since or row.at, "waiting"
        elif row.event in ENDS:
            span.status, span.ended_at = ENDS[row.event], row.at
            span.next = row.next or span.next
            span.error = dict(row.error) if row.error else None
            if row.delay is not None:
                self.due[span.kind, row.scope, row.step_id] = row.at + timedelta(seconds=row.delay)
        elif row.event == "step.handled":
            span.next = row.next

    def _span(self, row: Happening) -> Span:
        kind = "compensation" if row.event.startswith("compensation.") else "step"
        key = (kind, row.scope, row.step_id, row.visit, row.attempt)
        found = self.spans.get(key)
        if found is None:
            began = row.at
            if row.event not in STARTS:
                began = min(self.due.get(key[:3], row.at), row.at)
            found = Span(row.step_id, row.scope, row.visit, row.attempt, kind, "running", began)
            self.spans[key] = found
        return found

    def complete(self, scope: str, step_id: str, record: StepRecord) -> None:
        """Add the latest visit of a step where the log does not tell of it."""
        if record.started_at is None:
            return
        found = self.spans.get(("step", scope, step_id, record.visit, record.attempt))
        if found is None:
            began = self.due.get(("step", scope, step_id)) or moment(record.started_at)
            found = Span(step_id, scope, record.visit, record.attempt, "step", record.status.value, began)
            self.spans[found.key] = found
        if record.completed_at is not None and found.ended_at is None:
            found.ended_at = max(moment(record.completed_at), found.started_at)
            found.status = record.status.value
        found.next = found.next or record.next
        if record.error is not None and record.status is StepStatus.FAILED:
            found.error = found.error or {key: record.error.get(key) for key in ("type", "code", "message")}

    def live(self, scope: str, current: Activation) -> None:
        """Add what runs at this moment, and say how it does."""
        if current.started_at is None or current.phase in (Phase.PENDING, Phase.RETRYING):
            return
        key = (current.kind.value, scope, current.step_id, current.visit, current.attempt)
        span = self.spans.get(key)
        if span is None:
            span = Span(current.step_id, scope, *key[3:], key[0], "running", moment(current.started_at))
            self.spans[key] = span
        if span.ended_at is None:
            span.status = "waiting" if current.phase is Phase.WAITING else "running"
