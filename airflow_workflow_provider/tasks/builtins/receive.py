"""The built-in task ``receive``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airflow_workflow_provider.hosts.outcomes import Outcome
from airflow_workflow_provider.tasks.argument_schemas import DURATION, arguments_schema
from airflow_workflow_provider.tasks.builtin import Builtin, SimulatedCall
from airflow_workflow_provider.tasks.events import nothing_came, receives_until

_PATTERN: Final = r"^(\*{1,2}|[^*.]*)(\.(\*{1,2}|[^*.]*))*$"


def _simulate(arguments: Mapping[str, Any], call: SimulatedCall) -> Outcome | None:
    """Wait for an event; without a world outside none ever comes."""
    until = receives_until(arguments, call.now)
    came = call.outside.event(arguments["eventPattern"], arguments.get("correlation", {}), until)
    if came is not None:
        at, event = came
        return Outcome(output=event.to_json(), ends_at=at)
    if until is not None:
        return Outcome(failure=nothing_came(arguments), ends_at=until)
    return call.past_its_deadline()


TASK = Builtin(
    id="receive",
    title="Receive an event",
    summary="Waits for an event that matches, without holding a worker, and returns it.",
    schema=arguments_schema(
        {
            "eventPattern": {
                "type": "string",
                "minLength": 1,
                "maxLength": 500,
                "pattern": _PATTERN,
                "description": "type of the events; * is one segment between dots, ** any number",
            },
            "correlation": {
                "type": "object",
                "propertyNames": {"minLength": 1},
                "description": "values that the event's data must have, by dotted path",
            },
            "timeout": {
                "type": "string",
                "pattern": DURATION,
                "description": "how long to wait, an ISO 8601 duration without years and months",
            },
        },
        required=("eventPattern",),
    ),
    simulate=_simulate,
    operator="airflow_workflow_provider.operators.events.ReceiveOperator",
)
