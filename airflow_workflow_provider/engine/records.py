"""The state of a step list: its live activation, counters, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from airflow_workflow_provider.engine.phases import PHASES, Kind, ListStatus, Phase, Trigger
from airflow_workflow_provider.engine.region_records import ListFailure, Region
from airflow_workflow_provider.engine.step_records import Records

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.documents import Json


@dataclass(slots=True)
class CompletedVisit:
    """A visit whose own task was done and that has a compensation (rule F7).

    :param scope: key of its step list
    :param names: values of the ``forEach`` names there
    :param output: what it kept
    """

    scope: str
    step_id: str
    visit: int
    names: Json
    output: Json

    def to_json(self) -> Json:
        """Return the stored document."""
        return {
            "scope": self.scope,
            "stepId": self.step_id,
            "visit": self.visit,
            "names": self.names,
            "output": self.output,
        }

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Return what :meth:`to_json` wrote."""
        return cls(value["scope"], value["stepId"], value["visit"], value["names"], value["output"])


@dataclass(slots=True)
class Activation:
    """A step, or a compensation, that is live in its step list.

    :param visit: number of this visit, 1 the first
    :param attempt: number of the attempt, 0 before the first
    :param sequence: order of activation in the instance
    :param runner: who runs the attempt
    :param generation: rises when an operator asks Airflow to run a finished step again
    :param started_at: when the attempt began, RFC 3339
    :param deadline: when it fails with a TimeoutError, RFC 3339
    :param alert_at: when it is reported to take too long, RFC 3339; None once it was
    :param overdue_since: when it should have ended, once that was reported
    :param retry_at: when the next attempt is due, RFC 3339
    :param counts: failures that each retry policy matched so far (rule F2)
    :param region: its branches or items, while they run
    :param question: id of the question to people that it waits for
    :param parked: what the host needs to continue with an attempt that waits
    :param entry: the visit that a compensation undoes
    """

    step_id: str
    visit: int
    kind: Kind
    sequence: int
    phase: Phase = Phase.PENDING
    attempt: int = 0
    runner: str | None = None
    generation: int = 0
    started_at: str | None = None
    deadline: str | None = None
    retry_at: str | None = None
    counts: list[int] = field(default_factory=list)
    region: Region | None = None
    question: str | None = None
    parked: Json | None = None
    entry: CompletedVisit | None = None
    alert_at: str | None = None
    overdue_since: str | None = None

    @property
    def is_step(self) -> bool:
        """Whether it is a step, not a compensation."""
        return self.kind is Kind.STEP

    @property
    def is_begun(self) -> bool:
        """Whether an attempt has begun and not ended."""
        return self.phase in (Phase.RUNNING, Phase.WAITING)

    @property
    def asks_people(self) -> bool:
        """Whether the attempt waits for people."""
        return self.phase is Phase.WAITING and self.question is not None

    @property
    def can_wait_on(self) -> bool:
        """Whether another task can take up what the attempt waits for, because it is known what that is."""
        return bool(self.parked) or self.question is not None

    def move(self, trigger: Trigger) -> None:
        """Change the phase.

        :raises AssertionError: :data:`PHASES` has no such change
        """
        after = PHASES[trigger].get(self.phase)
        if after is None:
            message = f"step {self.step_id!r} cannot {trigger.value} while it is {self.phase.value}"
            raise AssertionError(message)
        self.phase = after

    def to_json(self) -> Json:
        """Return the stored document."""
        document: Json = {
            "stepId": self.step_id,
            "visit": self.visit,
            "kind": self.kind,
            "phase": self.phase,
            "attempt": self.attempt,
            "sequence": self.sequence,
            "generation": self.generation,
            "counts": self.counts,
        }
        if self.runner is not None:
            document["runner"] = self.runner
        if self.started_at is not None:
            document["startedAt"] = self.started_at
        if self.deadline is not None:
            document["deadline"] = self.deadline
        if self.retry_at is not None:
            document["retryAt"] = self.retry_at
        if self.region is not None:
            document["region"] = self.region.to_json()
        if self.question is not None:
            document["question"] = self.question
        if self.parked is not None:
            document["parked"] = self.parked
        if self.entry is not None:
            document["entry"] = self.entry.to_json()
        if self.alert_at is not None:
            document["alertAt"] = self.alert_at
        if self.overdue_since is not None:
            document["overdueSince"] = self.overdue_since
        return document

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Return what :meth:`to_json` wrote."""
        get = value.get
        region, entry = get("region"), get("entry")
        return cls(
            value["stepId"],
            value["visit"],
            _KINDS[value["kind"]],
            value["sequence"],
            _PHASES[value["phase"]],
            value["attempt"],
            get("runner"),
            value["generation"],
            get("startedAt"),
            get("deadline"),
            get("retryAt"),
            value["counts"],
            None if region is None else Region.from_json(region),
            get("question"),
            get("parked"),
            None if entry is None else CompletedVisit.from_json(entry),
            get("alertAt"),
            get("overdueSince"),
        )


_KINDS: Final = {kind.value: kind for kind in Kind}
_PHASES: Final = {phase.value: phase for phase in Phase}
_LIST_STATUSES: Final = {status.value: status for status in ListStatus}
"""Quicker than to call the enums, for every list of a forEach is read whenever one has changed."""


@dataclass(slots=True)
class Stopped:
    """The step at which a list was stopped from outside.

    :param handling: whether the workflow's ``onFailure`` had led to it
    """

    step_id: str
    handling: bool


@dataclass(slots=True)
class ListState:
    """One step list that was started: the top level, a branch or an item.

    At most one activation is live in it (rule T5). The top level keeps its steps, variables and data in
    :class:`State`; every other list keeps only what it adds to those around it.

    :param parent: key of the list whose step started it; None for the top level
    :param names: values of the ``forEach`` names that it introduces (rule P4)
    :param last: the step that ended last in it
    :param error: the last handled failure until the path ends (rule X1)
    :param counts: visits of each step since it started (rule T6)
    :param visits: numbers of the latest visits, where visits are numbered here
    :param output: output of its last step, once the path has ended
    :param stopped: where it was stopped, if it was
    """

    parent: str | None = None
    names: Json = field(default_factory=dict)
    status: ListStatus = ListStatus.RUNNING
    current: Activation | None = None
    last: str | None = None
    error: Json | None = None
    counts: dict[str, int] = field(default_factory=dict)
    visits: dict[str, int] = field(default_factory=dict)
    output: Json | None = None
    failure: ListFailure | None = None
    stopped: Stopped | None = None
    steps: Records = field(default_factory=Records)
    variables: Json = field(default_factory=dict)
    data: Json = field(default_factory=dict)

    @property
    def is_running(self) -> bool:
        """Whether the list has not ended."""
        return self.status is ListStatus.RUNNING

    def reopen(self) -> None:
        """Let a list that has ended run again."""
        self.status, self.output, self.failure, self.stopped = ListStatus.RUNNING, None, None, None

    def to_json(self) -> Json:
        """Return the stored document."""
        document: Json = {"status": self.status, "counts": self.counts, "visits": self.visits}
        if self.parent is not None:
            document["parent"] = self.parent
        if self.names:
            document["names"] = self.names
        if self.current is not None:
            document["current"] = self.current.to_json()
        if self.last is not None:
            document["last"] = self.last
        if self.error is not None:
            document["error"] = self.error
        if self.output is not None:
            document["output"] = self.output
        if self.failure is not None:
            document["failure"] = self.failure.to_json()
        if self.stopped is not None:
            document["stopped"] = {"stepId": self.stopped.step_id, "handling": self.stopped.handling}
        if self.steps:
            document["steps"] = self.steps.to_json()
        if self.variables:
            document["variables"] = self.variables
        if self.data:
            document["data"] = self.data
        return document

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Return what :meth:`to_json` wrote."""
        get = value.get
        current, failure, stopped = get("current"), get("failure"), get("stopped")
        return cls(
            get("parent"),
            get("names") or {},
            _LIST_STATUSES[value["status"]],
            None if current is None else Activation.from_json(current),
            get("last"),
            get("error"),
            value["counts"],
            value["visits"],
            get("output"),
            None if failure is None else ListFailure.from_json(failure),
            None if stopped is None else Stopped(stopped["stepId"], bool(stopped["handling"])),
            Records(get("steps")),
            get("variables") or {},
            get("data") or {},
        )
