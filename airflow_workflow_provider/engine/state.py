"""The state of an instance, and the JSON document that ``workflow_instances.state`` holds.

Its public part is ``input``, ``event``, ``variables``, ``data``, ``steps`` and ``activeSteps``; the rest is the
engine's own book-keeping. :meth:`State.from_json` reads every format that was ever written and :meth:`State.to_json`
writes the newest; only the modules of this package change what is between them. What is absent is omitted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from airflow_workflow_provider.engine.documents import Json, with_present
from airflow_workflow_provider.engine.instance_records import FailureHandling, InstanceFacts, Suspension
from airflow_workflow_provider.engine.keys import ROOT
from airflow_workflow_provider.engine.phases import ENDED, InstanceStatus, ListStatus
from airflow_workflow_provider.engine.records import Activation, CompletedVisit, ListState
from airflow_workflow_provider.engine.step_records import Records, StepRecord

FORMAT: Final = 2
"""Format of the documents that this release writes."""


@dataclass(slots=True)
class State:
    """The whole state of one instance.

    :param instance: facts about the instance
    :param lists: the step lists that were started, by their key
    :param active_steps: the live steps, in order of activation (rule I4)
    :param completed: visits that have a compensation, in order of completion (rule F7)
    :param failure: the failure that the workflow's ``onFailure`` was given, once it was
    :param sequence: number of the latest activation
    :param suspension: set while somebody has suspended the instance
    :param queued_at: since when it waits for its turn, RFC 3339; set while it does (rule I7)
    :param held: Airflow tasks that wait until attempts may begin again
    :param shown: the question that Airflow shows for a task instance, by the task instance's id
    """

    instance: InstanceFacts
    input: Json
    event: Json | None = None
    status: InstanceStatus = InstanceStatus.RUNNING
    variables: Json = field(default_factory=dict)
    data: Json = field(default_factory=dict)
    steps: Records = field(default_factory=Records)
    active_steps: list[str] = field(default_factory=list)
    output: Json | None = None
    error: Json | None = None
    lists: dict[str, ListState] = field(default_factory=dict)
    completed: list[CompletedVisit] = field(default_factory=list)
    failure: FailureHandling | None = None
    sequence: int = 0
    suspension: Suspension | None = None
    queued_at: str | None = None
    held: list[str] = field(default_factory=list)
    shown: dict[str, str] = field(default_factory=dict)

    @classmethod
    def new(cls, instance: InstanceFacts, input_data: Json, event: Json | None = None) -> Self:
        """Return the state of an instance before its first step.

        :param input_data: the instance's input, defaults applied
        :param event: the CloudEvent that started it
        """
        return cls(instance, input_data, event, data=dict(input_data), lists={ROOT: ListState()})

    @property
    def is_over(self) -> bool:
        """Whether the instance has ended."""
        return self.status in ENDED

    @property
    def is_suspended(self) -> bool:
        """Whether somebody has suspended the instance; waiting for people alone is not that (rule I3)."""
        return self.suspension is not None

    @property
    def held_since(self) -> str | None:
        """Since when no attempt may begin, RFC 3339: somebody has suspended the instance, or it waits for its turn."""
        suspended = None if self.suspension is None else self.suspension.at
        return min(filter(None, (self.queued_at, suspended)), default=None)

    @property
    def is_held(self) -> bool:
        """Whether no attempt may begin at present."""
        return self.suspension is not None or self.queued_at is not None

    @property
    def root(self) -> ListState:
        """The top-level step list."""
        return self.lists[ROOT]

    @property
    def current_step_id(self) -> str | None:
        """The step most recently activated at top level (rule I4)."""
        root = self.root
        if root.current is not None and root.current.is_step:
            return root.current.step_id
        last = self.steps.get(root.last) if root.last is not None else None
        # A step that was stopped came after the last that ended, unless that one handled the stop.
        if root.stopped is not None and (root.stopped.handling or last is None or not last.handling):
            return root.stopped.step_id
        return root.last

    def values(self, key: str) -> State | ListState:
        """Return where a step list keeps its own steps, variables and data."""
        return self if key == ROOT else self.lists[key]

    def live(self) -> Iterator[tuple[str, Activation]]:
        """Yield what is live, with the key of its step list."""
        if self.is_over:
            return
        for key, found in list(self.lists.items()):
            if found.current is not None and found.status is ListStatus.RUNNING:
                yield key, found.current

    def live_step(self, key: str, step_id: str) -> Activation | None:
        """Return the live activation of a list where it is of this step, else None."""
        found = self.lists.get(key)
        if self.is_over or found is None or not found.is_running or found.current is None:
            return None
        return found.current if found.current.step_id == step_id else None

    def record(self, key: str, step_id: str) -> StepRecord | None:
        """Return the record of a step in a list, or None where it did not run there."""
        return self.values(key).steps.get(step_id) if key in self.lists else None

    def open_questions(self) -> set[str]:
        """Return the ids of the questions to people that live attempts wait for."""
        return {current.question for _, current in self.live() if current.question is not None}

    def keep_only(self, step_id: str) -> None:
        """Leave out the records and live activations of other steps, to show one step alone."""
        for key, control in self.lists.items():
            found = self.values(key)
            found.steps = Records({step_id: found.steps[step_id]} if step_id in found.steps else {})
            if control.current is not None and control.current.step_id != step_id:
                control.current = None

    def public(self) -> Json:
        """Return the documented part: what people and programs may rely on."""
        steps = {
            step_id: {key: value for key, value in document.items() if key not in _INTERNAL}
            for step_id, document in self.steps.to_json().items()
        }
        return {
            "input": self.input,
            "event": self.event,
            "variables": self.variables,
            "data": self.data,
            "activeSteps": self.active_steps,
            "steps": steps,
        }

    def to_json(self) -> Json:
        """Return the document to store."""
        document: Json = {
            "format": FORMAT,
            "instance": self.instance.to_json(),
            "status": self.status,
            "input": self.input,
            "event": self.event,
            "variables": self.variables,
            "data": self.data,
            "steps": self.steps.to_json(),
            "activeSteps": self.active_steps,
            "scopes": {key: found.to_json() for key, found in self.lists.items()},
            "completed": [visit.to_json() for visit in self.completed],
            "sequence": self.sequence,
        }
        suspension = self.suspension
        present: Json = {
            "output": self.output,
            "error": self.error,
            "failure": None if self.failure is None else self.failure.to_json(),
            "suspension": None
            if suspension is None
            else with_present({"at": suspension.at, "by": suspension.by}, {"reason": suspension.reason}),
            "queuedAt": self.queued_at,
            "held": self.held or None,
            "shown": self.shown or None,
        }
        return with_present(document, present)

    @classmethod
    def from_json(cls, document: Json) -> Self:
        """Return the state that a document holds, whichever release wrote it.

        The document has to be one that :func:`engine.stored_state.read_state` has checked.
        """
        document = upgraded(document)
        failure, suspension = document.get("failure"), document.get("suspension")
        return cls(
            instance=InstanceFacts.from_json(document["instance"]),
            input=document["input"],
            event=document.get("event"),
            status=_STATUSES[document["status"]],
            variables=document["variables"],
            data=document["data"],
            steps=Records(document["steps"]),
            active_steps=document["activeSteps"],
            output=document.get("output"),
            error=document.get("error"),
            lists={key: ListState.from_json(found) for key, found in document["scopes"].items()},
            completed=[CompletedVisit.from_json(each) for each in document["completed"]],
            failure=None if failure is None else FailureHandling.from_json(failure),
            sequence=document["sequence"],
            suspension=None
            if suspension is None
            else Suspension(suspension["at"], suspension["by"], suspension.get("reason")),
            queued_at=document.get("queuedAt"),
            held=document.get("held") or [],
            shown=document.get("shown") or {},
        )


_STATUSES: Final = {status.value: status for status in InstanceStatus}
"""Quicker than to call the enum."""

_INTERNAL: Final = frozenset({"region", "generation", "handling"})
"""Keys of a step's record that are not documented."""


def _from_format_1(document: Json) -> Json:
    """Format 1 wrote null for what is absent, and a guard of the algorithm; both are read as absent."""
    scopes = {
        key: {**found, "steps": _rewritten(found.get("steps") or {})} for key, found in document["scopes"].items()
    }
    return {**document, "format": 2, "steps": _rewritten(document["steps"]), "scopes": scopes}


def _rewritten(records: Json) -> Json:
    return {step_id: StepRecord.from_json(record).to_json() for step_id, record in records.items()}


_UPGRADES: Final[Mapping[int, Callable[[Json], Json]]] = {1: _from_format_1}
"""From each format to the next."""


def upgraded(document: Json) -> Json:
    """Return a stored document of a known format in the newest one."""
    version = document["format"]
    while version < FORMAT:
        document = _UPGRADES[version](document)
        version = document["format"]
    return document
