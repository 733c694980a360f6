"""The records of the steps of a list: of each step that was activated, its latest visit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from airflow_workflow_provider.engine.phases import UNFINISHED, StepStatus
from airflow_workflow_provider.engine.region_records import Region

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.documents import Json


@dataclass(slots=True)
class StepRecord:
    """The record of the latest visit of a step.

    :param output: what it kept
    :param error: the error object of its failure (rule F1)
    :param started_at: start of the visit's first attempt, RFC 3339
    :param next: where the path went: a step, ``end``, ``fail``, :data:`~model.ways.ON_FAILURE`, or None
    :param way: id of the way that it took (:mod:`model.ways`); None for none, and in what older releases stored
    :param region: its own result and its branches, kept so that a step of a branch can run again
    :param handling: whether it ended on the path of the workflow's ``onFailure``
    :param task: the task that was selected for the latest attempt, of a step that can run one of several (rule K5)
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
    task: str | None = None

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
        """Return the stored document."""
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
        if self.task is not None:
            document["task"] = self.task
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
            get("task"),
        )


class Records(MutableMapping[str, StepRecord]):
    """The records of a step list by step, in the order in which the steps were first activated.

    What was stored is read when it is asked for, and otherwise written as it was: an instance may have many more
    records than a change of it looks at.

    :param entries: records, or the documents that :meth:`StepRecord.to_json` wrote
    """

    __slots__ = ("_entries",)

    def __init__(self, entries: Mapping[str, StepRecord | Json] | None = None) -> None:
        self._entries = dict(entries or {})

    def __getitem__(self, step_id: str) -> StepRecord:
        found = self._entries[step_id]
        if isinstance(found, StepRecord):
            return found
        read = self._entries[step_id] = StepRecord.from_json(found)
        return read

    def __setitem__(self, step_id: str, record: StepRecord) -> None:
        self._entries[step_id] = record

    def __delitem__(self, step_id: str) -> None:
        del self._entries[step_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, step_id: object) -> bool:
        return step_id in self._entries

    def __repr__(self) -> str:
        return f"Records({self._entries!r})"

    def public(self) -> Json:
        """Return what expressions see of each step (rule X1)."""
        return {
            step_id: found.public() if isinstance(found, StepRecord) else _public(found)
            for step_id, found in self._entries.items()
        }

    def to_json(self) -> Json:
        """Return the stored documents."""
        return {
            step_id: found.to_json() if isinstance(found, StepRecord) else found
            for step_id, found in self._entries.items()
        }


def _public(stored: Json) -> Json:
    """Return what :meth:`StepRecord.public` returns, from the document that is stored of a record."""
    get = stored.get
    return {
        "status": stored["status"],
        "output": get("output"),
        "error": get("error"),
        "visit": stored["visit"],
        "startedAt": get("startedAt"),
        "completedAt": get("completedAt"),
    }


_STEP_STATUS: Final = {status.value: status for status in StepStatus}
"""Quicker than to call the enum."""
