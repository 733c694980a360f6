"""What a step list keeps while it runs: its live activation, and a record of each step that was activated."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Self

from airflow_workflow_provider.engine.documents import Json, optional, with_present
from airflow_workflow_provider.engine.phases import PHASES, UNFINISHED, Kind, ListStatus, Phase, StepStatus, Trigger
from airflow_workflow_provider.engine.region_records import ListFailure, Region


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
    :param retry_at: when the next attempt is due, RFC 3339
    :param counts: failures that each retry policy matched so far (rule F2)
    :param region: its branches or items, while they run
    :param question: id of the question to people that it waits for
    :param parked: what the host needs to go on with an attempt that waits
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
            "kind": self.kind.value,
            "phase": self.phase.value,
            "attempt": self.attempt,
            "sequence": self.sequence,
            "generation": self.generation,
            "counts": self.counts,
        }
        present: Json = {
            "runner": self.runner,
            "startedAt": self.started_at,
            "deadline": self.deadline,
            "retryAt": self.retry_at,
            "region": optional(Region.to_json, self.region),
            "question": self.question,
            "parked": self.parked,
            "entry": optional(CompletedVisit.to_json, self.entry),
        }
        return with_present(document, present)

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Return what :meth:`to_json` wrote."""
        return cls(
            step_id=value["stepId"],
            visit=value["visit"],
            kind=Kind(value["kind"]),
            sequence=value["sequence"],
            phase=Phase(value["phase"]),
            attempt=value["attempt"],
            runner=value.get("runner"),
            generation=value["generation"],
            started_at=value.get("startedAt"),
            deadline=value.get("deadline"),
            retry_at=value.get("retryAt"),
            counts=value["counts"],
            region=optional(Region.from_json, value.get("region")),
            question=value.get("question"),
            parked=value.get("parked"),
            entry=optional(CompletedVisit.from_json, value.get("entry")),
        )


@dataclass(slots=True)
class StepRecord:
    """What is known of the latest visit of a step.

    :param output: what it kept
    :param error: the error object of its failure (rule F1)
    :param started_at: start of the visit's first attempt, RFC 3339
    :param next: where the path went: a step, ``end``, ``fail``, :data:`~model.ways.ON_FAILURE`, or None
    :param way: id of the way that it took (:mod:`model.ways`); None for none, and in what older releases stored
    :param region: its own result and its branches, kept so that a step of a branch can run again
    :param handling: whether it ended on the path of the workflow's ``onFailure``
    """

    status: StepStatus = StepStatus.RUNNING
    visit: int = 0
    attempt: int = 0
    generation: int = 0
    output: Json | None = None
    error: Json | None = None
    started_at: str | None = None
    completed_at: str | None = None
    next: str | None = None
    way: str | None = None
    region: Region | None = None
    handling: bool = False

    @property
    def is_finished(self) -> bool:
        """Whether the visit has ended."""
        return self.status not in UNFINISHED

    def public(self) -> Json:
        """Return what expressions see of it (rule X1)."""
        return {
            "status": str(self.status),
            "output": self.output,
            "error": self.error,
            "visit": self.visit,
            "startedAt": self.started_at,
            "completedAt": self.completed_at,
        }

    def to_json(self) -> Json:
        """Return the stored document; written out, since every step is written whenever one is."""
        document: Json = {
            "status": self.status,
            "visit": self.visit,
            "attempt": self.attempt,
            "generation": self.generation,
        }
        if self.started_at is not None:
            document["startedAt"] = self.started_at
        if self.output is not None:
            document["output"] = self.output
        if self.error is not None:
            document["error"] = self.error
        if self.completed_at is not None:
            document["completedAt"] = self.completed_at
        if self.next is not None:
            document["next"] = self.next
        if self.way is not None:
            document["way"] = self.way
        if self.region is not None:
            document["region"] = self.region.to_json()
        if self.handling:
            document["handling"] = True
        return document

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Return what :meth:`to_json` wrote."""
        get = value.get
        region = get("region")
        return cls(
            _STEP_STATUS[value["status"]],
            value["visit"],
            value["attempt"],
            value["generation"],
            get("output"),
            get("error"),
            get("startedAt"),
            get("completedAt"),
            get("next"),
            get("way"),
            None if region is None else Region.from_json(region),
            bool(get("handling")),
        )


_STEP_STATUS: Final = {status.value: status for status in StepStatus}
"""Quicker than to call the enum."""

Records = dict[str, StepRecord]


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
    steps: Records = field(default_factory=dict)
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
        document: Json = {"status": self.status.value, "counts": self.counts, "visits": self.visits}
        present: Json = {
            "parent": self.parent,
            "names": self.names or None,
            "current": optional(Activation.to_json, self.current),
            "last": self.last,
            "error": self.error,
            "output": self.output,
            "failure": optional(ListFailure.to_json, self.failure),
            "stopped": None
            if self.stopped is None
            else {"stepId": self.stopped.step_id, "handling": self.stopped.handling},
            "steps": records_to_json(self.steps) or None,
            "variables": self.variables or None,
            "data": self.data or None,
        }
        return with_present(document, present)

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Return what :meth:`to_json` wrote."""
        stopped = value.get("stopped")
        return cls(
            parent=value.get("parent"),
            names=value.get("names") or {},
            status=ListStatus(value["status"]),
            current=optional(Activation.from_json, value.get("current")),
            last=value.get("last"),
            error=value.get("error"),
            counts=value["counts"],
            visits=value["visits"],
            output=value.get("output"),
            failure=optional(ListFailure.from_json, value.get("failure")),
            stopped=None if stopped is None else Stopped(stopped["stepId"], bool(stopped["handling"])),
            steps=records_from_json(value.get("steps") or {}),
            variables=value.get("variables") or {},
            data=value.get("data") or {},
        )


def records_to_json(records: Records) -> Json:
    """Return the stored documents of step records."""
    return {step_id: record.to_json() for step_id, record in records.items()}


def records_from_json(value: Json) -> Records:
    """Return what :func:`records_to_json` wrote."""
    return {step_id: StepRecord.from_json(record) for step_id, record in value.items()}
