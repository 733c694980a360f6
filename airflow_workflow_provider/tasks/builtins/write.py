"""The built-in task ``write``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_workflow_provider.hosts.outcomes import Outcome
from airflow_workflow_provider.model.files import MAX_ADDRESS
from airflow_workflow_provider.tasks.argument_schemas import arguments_schema
from airflow_workflow_provider.tasks.builtin import Builtin, SimulatedCall


def _simulate(arguments: Mapping[str, Any], call: SimulatedCall) -> Outcome:  # noqa: ARG001 - no file is written
    return Outcome(output={"file": arguments.get("folder"), "count": len(arguments.get("items", ()))})


TASK = Builtin(
    id="write",
    title="Write rows",
    summary="Writes rows as a JSON Lines file of their own through Airflow's object storage.",
    schema=arguments_schema(
        {
            "folder": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_ADDRESS,
                "description": "its address, such as s3://connection@bucket/results/",
            },
            "items": {"type": "array", "description": "the rows"},
        },
        required=("folder", "items"),
    ),
    simulate=_simulate,
    operator="airflow_workflow_provider.operators.files.WriteOperator",
)
