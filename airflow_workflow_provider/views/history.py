"""What happened in an instance, as spans: each attempt of each visit, with its waits (rules L1, T6).

The execution log has it; where its level keeps too little, or its rows are purged, the state has the latest
visit of each step. Starts of later attempts are logged at level ``debug`` only: below that they follow from the delay
of the retry before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.engine.failure import Failure, moment
from airflow_workflow_provider.engine.phases import Phase, StepStatus
from airflow_workflow_provider.model.ways import ON_FAILURE, Matches, Way, WayKind
from airflow_workflow_provider.vocabulary import COMPENSATIONS, LogEvent

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.documents import Json
    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.engine.records import Activation
    from airflow_workflow_provider.engine.state import State
    from airflow_workflow_provider.engine.step_records import StepRecord

ENDS: Final[Mapping[str, str]] = {
    LogEvent.STEP_COMPLETED: "completed",
    LogEvent.STEP_FAILED: "failed",
    LogEvent.STEP_CANCELLED: "failed",
    LogEvent.STEP_RETRYING: "failed",
    LogEvent.COMPENSATION_COMPLETED: "completed",
    LogEvent.COMPENSATION_FAILED: "failed",
    LogEvent.COMPENSATION_RETRYING: "failed",
}
"""Events that end an attempt."""

STARTS: Final = frozenset(
    {LogEvent.STEP_STARTED, LogEvent.STEP_ARGUMENTS, LogEvent.STEP_MARKED_SUCCESS, LogEvent.COMPENSATION_STARTED}
)
SHOWN_EVENTS: Final = frozenset(
    {*ENDS, *STARTS, LogEvent.STEP_WAITING, LogEvent.STEP_HANDLED, LogEvent.STEP_RERUN, LogEvent.REGION_STARTED}
)
"""Events that spans are made of."""


@dataclass(frozen=True)
class Happening:
    """A row of the execution log, as far as it is needed here.

    :param next: where the path goes, of a step that ended
    :param way: id of the way that it takes; None in rows that older releases wrote
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
    way: str | None = None
    delay: float | None = None
    error: Mapping[str, Any] | None = None


@dataclass
class Span:
    """One attempt of a step.

    :param kind: ``step`` or ``compensation``
    :param status: ``running``, ``waiting``, ``completed`` or ``failed``
    :param waiting_since: when it began to wait without holding a worker, if it did
    :param next: where the path went behind it: a step, ``end``, ``fail``, or the workflow's ``onFailure``
    :param way: id of the way that it took
    :param forked: whether its branches or items were started
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
    way: str | None = None
    forked: bool = False
    error: Json | None = None

    @property
    def key(self) -> tuple[str, str, str, int, int]:
        """What it is the span of."""
        return (self.kind, self.scope, self.step_id, self.visit, self.attempt)


def records_of(graph: Graph, state: State) -> dict[tuple[str, str], StepRecord]:
    """Return the record of every step by the list that it ran in and its id.

    The lists around branches hold the records of their steps too (rule X1); each is given once.
    """
    found: dict[tuple[str, str], StepRecord] = {}
    for key in state.lists:
        for step_id, record in state.values(key).steps.items():
            home = graph.key_of(key, step_id)
            if home == key or (home is not None and (home, step_id) not in found):
                found[home, step_id] = record
    return found


def spans_of(graph: Graph, happenings: Iterable[Happening], state: State, completed_at: datetime | None) -> list[Span]:
    """Return the spans of an instance, in the order in which they started.

    :param happenings: rows of its log in order
    :param state: its state, which knows what is live, and what the log does not have
    :param completed_at: when the instance ended
    """
    teller = _Teller()
    for happening in happenings:
        teller.add(happening)
    for (scope, step_id), record in records_of(graph, state).items():
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


@dataclass(frozen=True)
class Taken:
    """How often the path went from a step to another.

    :param way: id of the way, None where it was none of the definition's: a failure that no handler took
    :param source: the step, or the workflow's ``onFailure``
    :param target: where it led, as :attr:`Span.next` has it; of a compensation ``<stepId>.compensation``
    """

    way: str | None
    source: str
    target: str
    count: int


def path_taken(graph: Graph, spans: Iterable[Span], state: State) -> list[Taken]:
    """Return how often each way was taken, in the order in which they were first taken."""
    counts: dict[tuple[str | None, str, str], int] = {}

    def count(way: str | None, source: str, target: str, times: int = 1) -> None:
        counts[way, source, target] = counts.get((way, source, target), 0) + times

    listed = list(spans)
    undone = {(span.scope, span.step_id, span.visit) for span in listed if span.kind == "compensation"}
    for span in listed:
        if span.kind != "step":
            continue
        ways = _ways(graph, span.step_id)
        for way in ways:
            if way.kind is WayKind.BRANCH and span.forked:
                count(way.id, way.source, way.target)
            elif way.kind is WayKind.ITEMS and span.forked:
                counts[way.id, way.source, way.target] = _started(way.target, listed)
        if span.next is not None:
            count(span.way or _way_of_older(ways, span), span.step_id, span.next)
    for _, step_id, _ in sorted(undone):
        for way in _ways(graph, step_id):
            if way.kind is WayKind.COMPENSATION:
                count(way.id, way.source, way.target)
    handled = state.failure
    if handled is not None and handled.way is not None and handled.target is not None and handled.next is not None:
        count(handled.way, ON_FAILURE, handled.target)
    return [Taken(*key, times) for key, times in counts.items() if times]


def _ways(graph: Graph, step_id: str) -> tuple[Way, ...]:
    return graph.home(step_id).flow.ways(step_id) if step_id in graph.step_ids else ()


def _started(step_id: str, spans: Iterable[Span]) -> int:
    """Return how often the first step of a list was visited because the list was started."""
    visits: set[tuple[str, int]] = set()
    led_to = 0
    for span in spans:
        if span.kind == "step" and span.step_id == step_id:
            visits.add((span.scope, span.visit))
        led_to += span.kind == "step" and span.next == step_id
    return max(len(visits) - led_to, 0)


def _way_of_older(ways: Iterable[Way], span: Span) -> str | None:
    """Return the way of a decision that was stored without one, by an older release: the first that fits."""
    kinds = (WayKind.FAILURE, WayKind.NEXT) if span.status == "failed" else (WayKind.NEXT,)
    fitting = [way for way in ways if way.kind in kinds and way.target == span.next]
    fitting.sort(key=lambda way: (kinds.index(way.kind), not _matches(way, span.error)))
    return fitting[0].id if fitting else None


def _matches(way: Way, error: Json | None) -> bool:
    if error is None or not isinstance(way.guard, Matches):
        return way.guard is None
    failure = Failure.named(str(error.get("type")), "", code=error.get("code"))
    return failure.matches(way.guard.error_type, way.guard.error_code)


@dataclass
class _Teller:
    spans: dict[tuple[str, str, str, int, int], Span] = field(default_factory=dict)
    due: dict[tuple[str, str, str], datetime] = field(default_factory=dict)

    def add(self, row: Happening) -> None:
        if row.event == LogEvent.STEP_RERUN:
            # The step is due again; an attempt there is only once it has begun.
            self.due["step", row.scope, row.step_id] = row.at
            return
        span = self._span(row)
        if row.event == LogEvent.STEP_WAITING:
            span.waiting_since, span.status = span.waiting_since or row.at, "waiting"
        elif row.event in ENDS:
            span.status, span.ended_at = ENDS[row.event], row.at
            span.next, span.way = row.next or span.next, row.way or span.way
            span.error = dict(row.error) if row.error else None
            if row.delay is not None:
                self.due[span.kind, row.scope, row.step_id] = row.at + timedelta(seconds=row.delay)
        elif row.event == LogEvent.STEP_HANDLED:
            span.next, span.way = row.next, row.way
        elif row.event == LogEvent.REGION_STARTED:
            span.forked = True

    def _span(self, row: Happening) -> Span:
        kind = "compensation" if row.event in COMPENSATIONS else "step"
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
        """Add the latest visit of a step where the log does not have it."""
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
        if found.next is None:
            found.next, found.way = record.next, record.way
        found.forked = found.forked or record.region is not None
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
        span.forked = span.forked or current.region is not None
        if span.ended_at is None:
            span.status = "waiting" if current.phase is Phase.WAITING else "running"
