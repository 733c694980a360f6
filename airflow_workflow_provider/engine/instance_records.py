"""The records of an instance as a whole: facts, its failure, its suspension."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from airflow_workflow_provider.engine.documents import Json, with_present
from airflow_workflow_provider.engine.failure import Failure, later, moment, timestamp
from airflow_workflow_provider.engine.phases import StepStatus

if TYPE_CHECKING:
    from datetime import timedelta

MAX_CORRELATION_ID: Final = 255
"""Characters of a correlation id."""


@dataclass(slots=True)
class InstanceFacts:
    """The facts about an instance, which never change or only manually.

    :param started_at: when it started, RFC 3339
    :param deadline: when it must have ended, RFC 3339; None for never (``settings.timeout``)
    :param alert_at: when it is reported to take too long, RFC 3339; None once it was (``settings.onTimeout``)
    :param overdue_since: when it should have ended, once that was reported
    :param due_at: when it should have ended, RFC 3339, however long it could not work (``settings.deadline``)
    :param missed: whether it was reported that it had not ended by then
    :param depth: how many instances are around it (rule P5)
    :param parent: the attempt of a step that waits for it, of a child (rule P5)
    :param started_by: who started it, as ``{"name"}``
    :param changed_by: who has changed its data manually
    :param secrets: paths of what people filled in that has to be masked (rule L4)
    :param concurrency_key: what it is counted by where the number of instances is limited (rule I7)
    """

    id: str
    workflow_id: str
    version: str
    correlation_id: str | None = None
    started_at: str = ""
    deadline: str | None = None
    depth: int = 0
    parent: Json | None = None
    started_by: Json | None = None
    changed_by: list[Json] = field(default_factory=list)
    secrets: list[list[str]] = field(default_factory=list)
    concurrency_key: str | None = None
    alert_at: str | None = None
    overdue_since: str | None = None
    due_at: str | None = None
    missed: bool = False

    def postpone(self, length: timedelta) -> None:
        """Move what is due when it has taken too long, because it could not work for some time."""
        if self.deadline is not None:
            self.deadline = timestamp(later(moment(self.deadline), length))
        if self.alert_at is not None:
            self.alert_at = timestamp(later(moment(self.alert_at), length))

    def to_json(self) -> Json:
        """Return the stored document."""
        document: Json = {
            "id": self.id,
            "workflowId": self.workflow_id,
            "version": self.version,
            "startedAt": self.started_at,
        }
        present: Json = {
            "correlationId": self.correlation_id,
            "deadline": self.deadline,
            "depth": self.depth or None,
            "parent": self.parent,
            "startedBy": self.started_by,
            "changedBy": self.changed_by or None,
            "secrets": self.secrets or None,
            "concurrencyKey": self.concurrency_key,
            "alertAt": self.alert_at,
            "overdueSince": self.overdue_since,
            "dueAt": self.due_at,
            "missed": self.missed or None,
        }
        return with_present(document, present)

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Return what :meth:`to_json` wrote."""
        get = value.get
        return cls(
            value["id"],
            value["workflowId"],
            value["version"],
            get("correlationId"),
            value["startedAt"],
            get("deadline"),
            get("depth") or 0,
            get("parent"),
            get("startedBy"),
            get("changedBy") or [],
            get("secrets") or [],
            get("concurrencyKey"),
            get("alertAt"),
            get("overdueSince"),
            get("dueAt"),
            bool(get("missed")),
        )


@dataclass(slots=True)
class Compensated:
    """A compensation that was begun.

    :param status: ``running``, ``completed`` or ``failed``
    :param error: the error object of its failure
    """

    step_id: str
    visit: int
    status: StepStatus = StepStatus.RUNNING
    error: Json | None = None

    def to_json(self) -> Json:
        """Return the stored document."""
        return with_present(
            {"stepId": self.step_id, "visit": self.visit, "status": self.status.value}, {"error": self.error}
        )

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Return what :meth:`to_json` wrote."""
        return cls(value["stepId"], value["visit"], StepStatus(value["status"]), value.get("error"))


@dataclass(slots=True)
class FailureHandling:
    """The failure that the workflow's ``onFailure`` was given, and how far that has come (rule F7).

    :param error: the failure's error object
    :param action: ``continue`` or ``stop``
    :param target: the step that handles it, if one does
    :param way: id of the way to it, see :mod:`model.ways`
    :param next: where the path went after the compensations, once they are done
    :param compensate: whether compensations run
    :param queue: positions in :attr:`State.completed` that are still to be compensated, the last one first
    :param compensated: the compensations so far
    :param cancelled: whether a cancellation caused it
    :param tasks: Airflow tasks that the cancellation stops
    """

    error: Json
    failure: Failure
    action: str = "stop"
    target: str | None = None
    way: str | None = None
    next: str | None = None
    compensate: bool = True
    queue: list[int] = field(default_factory=list)
    compensated: list[Compensated] = field(default_factory=list)
    cancelled: bool = False
    tasks: list[str] = field(default_factory=list)

    def to_json(self) -> Json:
        """Return the stored document."""
        document: Json = {
            "error": self.error,
            "failure": self.failure.to_json(),
            "action": self.action,
            "compensate": self.compensate,
            "queue": self.queue,
            "compensated": [each.to_json() for each in self.compensated],
        }
        present: Json = {
            "target": self.target,
            "way": self.way,
            "next": self.next,
            "cancelled": self.cancelled or None,
            "tasks": self.tasks or None,
        }
        return with_present(document, present)

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Return what :meth:`to_json` wrote."""
        return cls(
            error=value["error"],
            failure=Failure.from_json(value["failure"]),
            action=value["action"],
            target=value.get("target"),
            way=value.get("way"),
            next=value.get("next"),
            compensate=value["compensate"],
            queue=value["queue"],
            compensated=[Compensated.from_json(each) for each in value["compensated"]],
            cancelled=bool(value.get("cancelled")),
            tasks=value.get("tasks") or [],
        )


@dataclass(slots=True)
class Suspension:
    """The suspension of an instance: by whom, when and why (rule I3).

    :param at: RFC 3339
    :param by: ``id`` and ``name``
    """

    at: str
    by: Json
    reason: str | None = None
