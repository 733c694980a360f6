"""Why an event did not start a workflow, told without its secrets (rule L4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_workflow_provider.engine.masking import Masker
from airflow_workflow_provider.engine.triggering import given_by

if TYPE_CHECKING:
    from airflow_workflow_provider.model.definition import WorkflowDefinition
    from airflow_workflow_provider.store.events import StoredEvent


def masked(
    reason: dict[str, Any], definition: WorkflowDefinition, stored: StoredEvent, instance_id: str
) -> dict[str, Any]:
    """Return an error object in which what the definition calls secret is masked.

    Messages quote values: those of the event's data, and those that the transform made of them.

    :param instance_id: of the instance that the event was to start
    """
    event = stored.event
    try:
        given = given_by(definition, event, instance_id, stored.received_at)
    except Exception:
        # This very failure is likely to be the one that is told.
        given = {}
    parts = [part for part in (event.data, given) if isinstance(part, dict)]
    either = {key: [part[key] for part in parts if key in part] for part in parts for key in part}
    known = {**either, "input": either, "data": either, "event": event.to_json()}
    masker = Masker(definition, known)
    return {**reason, **masker.mask({key: reason[key] for key in ("message", "details")})}
