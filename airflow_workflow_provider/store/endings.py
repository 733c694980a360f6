"""The events about finished instances: ``workflow.completed`` and ``workflow.failed``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from airflow_workflow_provider.model.events import DEPTH, CloudEvent, depth_after, source_of

ENDED: Final = frozenset({"completed", "failed"})


@dataclass(frozen=True)
class End:
    """The end of an instance.

    :param cause: the event that started it
    """

    instance_id: UUID
    workflow_id: str
    version: str
    run_id: str
    status: str
    output: dict[str, Any] | None
    error: dict[str, Any] | None
    correlation_id: str | None
    started_at: datetime
    completed_at: datetime
    cause: dict[str, Any] | None

    def event(self) -> CloudEvent:
        """Return the event about it.

        An instance that is run again and ends again has another event each time: its id has the moment in it.
        """
        document: dict[str, Any] = {
            "specversion": "1.0",
            "id": f"{self.instance_id}/{self.completed_at.isoformat()}",
            "source": source_of(self.workflow_id),
            "type": f"workflow.{self.status}",
            "subject": str(self.instance_id),
            "time": self.completed_at,
            "datacontenttype": "application/json",
            "data": {
                "instanceId": str(self.instance_id),
                "workflowId": self.workflow_id,
                "version": self.version,
                "runId": self.run_id,
                "status": self.status,
                "output": self.output,
                "error": self.error,
                "correlationId": self.correlation_id,
                "startedAt": self.started_at.isoformat(),
                "completedAt": self.completed_at.isoformat(),
            },
            "correlationid": self.correlation_id,
            DEPTH: depth_after(self.cause),
        }
        # Not checked again: an instance must be able to end whatever its correlation id looks like.
        return CloudEvent.model_construct(**document)
