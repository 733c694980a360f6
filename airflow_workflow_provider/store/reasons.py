"""Why an event did not start a workflow, without its secrets (rule L4)."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_workflow_provider.bounded.doors import bounded
from airflow_workflow_provider.engine.masking import Masker
from airflow_workflow_provider.engine.triggering import given_by, stored_definition
from airflow_workflow_provider.model.events import CloudEvent

if TYPE_CHECKING:
    from airflow_workflow_provider.model.definition import WorkflowDefinition


@bounded
def masked_document(
    reason: dict[str, Any], document: dict[str, Any], event: dict[str, Any], instance_id: str, at: str
) -> dict[str, Any]:
    """Return what :func:`masked` returns, from JSON values.

    :param at: when the event arrived, as ISO 8601
    """
    definition = stored_definition(json.dumps(document))
    return masked(reason, definition, CloudEvent.of_json(event), instance_id, datetime.fromisoformat(at))


def masked(
    reason: dict[str, Any], definition: WorkflowDefinition, event: CloudEvent, instance_id: str, at: datetime
) -> dict[str, Any]:
    """Return an error object in which what the definition calls secret is masked.

    Messages quote values: those of the event's data, and those that the transform made of them.

    :param instance_id: of the instance that the event was to start
    :param at: when the event arrived
    """
    try:
        given = given_by(definition, event, instance_id, at)
    except Exception:
        # This very failure is likely to be the one that is shown.
        given = {}
    parts = [part for part in (event.data, given) if isinstance(part, dict)]
    either = {key: [part[key] for part in parts if key in part] for part in parts for key in part}
    known: dict[str, Any] = {**either, "input": either, "data": either, "event": event.to_json()}
    masker = Masker(definition, known)
    return {**reason, **masker.mask({key: reason[key] for key in ("message", "details")})}
