"""An instance that was started, as it will be stored once the workflow database takes writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_workflow_provider.store.instances import Instance

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from airflow_workflow_provider.store.inserting import NewInstance


def unsaved(new: NewInstance, definition: UUID, now: datetime) -> Instance:
    """Return an instance whose row its first step will write.

    :param definition: the id of its workflow
    """
    known = {name: getattr(new, name) for name in Instance.__dataclass_fields__ if hasattr(new, name)}
    return Instance(
        **{
            **known,
            "workflow_definition_id": definition,
            "started_at": new.started_at or now,
            "updated_at": now,
            "error": new.state.error,
            "output": None,
            "completed_at": None,
            "compensations_owed": 0,
            "suspended_by_operator": False,
            "queued": new.state.queued_at is not None,
            "started_by": (new.state.instance.started_by or {}).get("name"),
        }
    )
