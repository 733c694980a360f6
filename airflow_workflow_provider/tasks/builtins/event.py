"""The built-in task ``event``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_workflow_provider.hosts.outcomes import Outcome
from airflow_workflow_provider.tasks.argument_schemas import RFC3339, arguments_schema
from airflow_workflow_provider.tasks.builtin import Builtin, SimulatedCall
from airflow_workflow_provider.tasks.events import event_of, published


def _simulate(arguments: Mapping[str, Any], call: SimulatedCall) -> Outcome:
    """Publish an event that reaches nobody."""
    return Outcome(output=published(event_of(arguments, call.about(), call.now)))


TASK = Builtin(
    id="event",
    title="Publish an event",
    summary="Publishes a CloudEvent that starts workflows and reaches steps that wait for it.",
    schema=arguments_schema(
        {
            "type": {"type": "string", "minLength": 1, "maxLength": 500},
            "source": {"type": "string", "minLength": 1},
            "id": {"type": "string", "minLength": 1},
            "subject": {"type": "string", "minLength": 1},
            "time": {"type": "string", "pattern": RFC3339},
            "data": {"description": "any JSON value"},
            "extensions": {
                "type": "object",
                "propertyNames": {"pattern": "^[a-z0-9]{1,40}$"},
                "additionalProperties": {"type": ["string", "integer", "boolean"]},
            },
        },
        required=("type",),
    ),
    simulate=_simulate,
    operator="airflow_workflow_provider.operators.events.EventOperator",
)
