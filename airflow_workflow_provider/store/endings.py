"""The events that tell of finished instances: ``workflow.completed`` and ``workflow.failed``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.model.events import DEPTH, CloudEvent, depth_after, source_of

if TYPE_CHECKING:
    from airflow_workflow_provider.store.instances import Record

ENDED: Final = frozenset({"completed", "failed"})


def ending(record: Record, completed_at: datetime) -> CloudEvent:
    """The event of an instance that has ended.

    An instance that is run again and ends again has another event each time: its id has the moment in it.

    :param completed_at: when it ended
    """
    stored = record.stored
    document: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"{stored.id}/{completed_at.isoformat()}",
        "source": source_of(stored.workflow_id),
        "type": f"workflow.{record.status}",
        "subject": str(stored.id),
        "time": completed_at,
        "datacontenttype": "application/json",
        "data": {
            "instanceId": str(stored.id),
            "workflowId": stored.workflow_id,
            "version": stored.version,
            "runId": stored.run_id,
            "status": record.status,
            "output": record.output,
            "error": record.error,
            "correlationId": record.correlation_id,
            "startedAt": stored.started_at.isoformat(),
            "completedAt": completed_at.isoformat(),
        },
        "correlationid": record.correlation_id,
        DEPTH: depth_after(stored.event),
    }
    # Not checked again: an instance must be able to end whatever its correlation id looks like.
    return CloudEvent.model_construct(**document)
