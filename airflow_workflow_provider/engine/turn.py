"""One turn of the machine: what rules read and change while an instance reacts to one report.

A rule changes the state, writes log rows, and names what follows as an :data:`Occurrence`; it never calls the rule
that handles it. :func:`airflow_workflow_provider.engine.worklist.drain` passes the occurrences to their rules, in the
order in which they were named, until there are none.
"""

from __future__ import annotations

import random
import uuid
from collections import deque
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.engine.bindings import Occasion
from airflow_workflow_provider.engine.calls import Decision, visit_name
from airflow_workflow_provider.engine.failure import Failure, later, next_delay, timestamp
from airflow_workflow_provider.engine.keys import ROOT
from airflow_workflow_provider.engine.phases import InstanceStatus, Kind, Phase, Trigger
from airflow_workflow_provider.engine.records import Activation
from airflow_workflow_provider.engine.scope import Scope
from airflow_workflow_provider.vocabulary import ErrorType

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from airflow_workflow_provider.engine.calls import Options
    from airflow_workflow_provider.engine.documents import Json
    from airflow_workflow_provider.engine.events import EventLog
    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.engine.state import State
    from airflow_workflow_provider.engine.step_records import StepRecord
    from airflow_workflow_provider.model.definition import RetryPolicy


@dataclass(frozen=True)
class ListEnded:
    """A step list has ended: its path, or by a failure."""

    key: str


@dataclass(frozen=True)
class RegionChanged:
    """A branch or an item has ended, or branches were started: the region may continue or end.

    :param key: the step list of the step whose region it is
    """

    key: str
    step_id: str
    visit: int


@dataclass(frozen=True)
class RegionDone:
    """All branches or items of a step have ended and it continues."""

    key: str


@dataclass(frozen=True)
class RegionFailed:
    """All branches or items of a step have ended and the step fails."""

    key: str
    failure: Failure


_SEQUENCE: Final = attrgetter("sequence")

Occurrence = ListEnded | RegionChanged | RegionDone | RegionFailed
"""What a rule leaves for another rule to handle."""


@dataclass
class Turn:
    """What rules work with.

    :param now: the moment at which everything in this turn happens
    :ivar occurrences: what is still to be handled
    :ivar decisions: what became of steps whose records do not show it, by list and step
    :ivar timestamp: that moment, as state and log write it
    :ivar left: top-level steps whose path continued or ended in this turn
    """

    graph: Graph
    state: State
    options: Options
    log: EventLog
    now: datetime
    occurrences: deque[Occurrence] = field(default_factory=deque)
    decisions: dict[tuple[str, str], Decision] = field(default_factory=dict)
    left: list[StepRecord] = field(default_factory=list)
    timestamp: str = field(init=False)

    def __post_init__(self) -> None:
        self.timestamp = timestamp(self.now)

    @property
    def root(self) -> Scope:
        """The top-level step list."""
        return self.scope(ROOT)

    def scope(self, key: str) -> Scope:
        """Return the view of one step list."""
        return Scope(self.state, key)

    def then(self, occurrence: Occurrence) -> None:
        """Leave something for another rule."""
        self.occurrences.append(occurrence)

    def activate(self, scope: Scope, step_id: str) -> Activation:
        """Make a step the live activation of its list, as a new visit."""
        scope.control.counts[step_id] = scope.control.counts.get(step_id, 0) + 1
        visit = scope.numbering.get(step_id, 0) + 1
        scope.numbering[step_id] = visit
        scope.control.current = self.new_activation(step_id, visit, Kind.STEP)
        return scope.control.current

    def new_activation(self, step_id: str, visit: int, kind: Kind) -> Activation:
        """Return an activation that nobody has begun."""
        self.state.sequence += 1
        return Activation(step_id, visit, kind, self.state.sequence)

    def next_delay(self, scope: Scope, policies: Sequence[RetryPolicy], failure: Failure) -> timedelta | None:
        """Count a failure of the live activation of a list; return the delay before the next attempt, None for none."""
        current = scope.activation
        if len(current.counts) != len(policies):
            current.counts = [0] * len(policies)
        return next_delay(policies, failure, current.counts, self.rng(scope, current))

    def retry_later(self, scope: Scope, delay: timedelta, error: Json) -> None:
        """Have another attempt of the live activation of a list follow after a delay."""
        current = scope.activation
        current.move(Trigger.RETRY)
        current.runner = current.deadline = current.alert_at = current.overdue_since = None
        current.retry_at = timestamp(later(self.now, delay))
        self.decisions[scope.key, current.step_id] = Decision("retry", delay=delay, error=error)

    def loop_limit(self, scope: Scope, step_id: str) -> Failure | None:
        """Return the failure with which one more visit of a step is refused, or None (rule T6)."""
        limit = self.graph.definition.settings.max_iterations
        if scope.control.counts.get(step_id, 0) < limit:
            return None
        return Failure(
            ErrorType.LOOP_LIMIT_EXCEEDED,
            f"Step {step_id!r} would be visited more than {limit:,} times (settings.maxIterations)",
            details={"maxIterations": limit},
        )

    def occasion(self, scope: Scope, current: Activation, at: datetime | None = None) -> Occasion:
        """Return what an evaluation of an activation gets: its time and its stable UUIDs (rule X3).

        :param at: the time that it sees, by default the turn's
        """
        visit = visit_name(scope.key, current.visit)
        return Occasion(self.state.instance.id, current.step_id, visit, at or self.now)

    def rng(self, scope: Scope, current: Activation) -> random.Random:
        """Return the source of an attempt's jitter, the same in every host."""
        seed = f"{self.state.instance.id}/{scope.key}/{current.step_id}/{current.visit}/{current.attempt}"
        return random.Random(uuid.uuid5(uuid.NAMESPACE_OID, seed).int)  # noqa: S311 - jitter is no secret

    def idempotency_key(self, key: str, step_id: str, visit: int) -> str:
        """Return ``<instance>/<step>/<visit>``, with the item's numbers behind it inside a forEach (rule F7)."""
        return f"{self.state.instance.id}/{step_id}/{visit_name(key, visit)}"

    def error(self, failure: Failure, step_id: str | None, attempt: int | None = None) -> Json:
        """Return the error object of a failure at this moment (rule F1)."""
        return failure.error_object(step_id, attempt, self.timestamp)

    def refresh(self) -> None:
        """Bring the live steps and, while the instance is running, its status up to date (rules I3, I4)."""
        state = self.state
        live = sorted([current for _, current in state.live()], key=_SEQUENCE)
        state.active_steps = [current.step_id for current in live if current.kind is Kind.STEP]
        if state.is_over:
            state.suspension = state.queued_at = None
            return
        paths = [current for current in live if current.phase is not Phase.REGION]
        asks = bool(paths) and all(current.asks_people for current in paths)
        suspended = asks or state.is_held
        state.status = InstanceStatus.SUSPENDED if suspended else InstanceStatus.RUNNING
