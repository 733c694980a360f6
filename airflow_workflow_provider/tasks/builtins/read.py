"""The built-in task ``read``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airflow_workflow_provider.hosts.outcomes import Outcome
from airflow_workflow_provider.model.files import MAX_ADDRESS
from airflow_workflow_provider.tasks.argument_schemas import arguments_schema
from airflow_workflow_provider.tasks.builtin import Builtin, SimulatedCall

DEFAULT_BATCH: Final = 1000

_COUNT: Final[dict[str, Any]] = {"type": "integer", "minimum": 0}


def _simulate(arguments: Mapping[str, Any], call: SimulatedCall) -> Outcome:  # noqa: ARG001 - no file is read
    return Outcome(output={"items": [], "broken": [], "next": None})


TASK = Builtin(
    id="read",
    title="Read rows",
    summary="Reads the next rows of a JSON Lines or CSV file through Airflow's object storage.",
    schema=arguments_schema(
        {
            "file": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_ADDRESS,
                "description": "its address, such as s3://connection@bucket/orders.jsonl or file:///data/orders.csv",
            },
            "format": {"enum": ["jsonl", "csv"], "description": "default: by the ending of the name"},
            "delimiter": {"type": "string", "minLength": 1, "maxLength": 1, "description": "of CSV"},
            "batch": {"type": "integer", "minimum": 1, "maximum": 10_000, "description": "how many rows at most"},
            "after": {
                "description": "next of the batch before; null for the start of the file",
                "anyOf": [
                    {"type": "null"},
                    arguments_schema(
                        {"version": {"type": "string"}, "offset": _COUNT, "line": _COUNT},
                        required=("version", "offset", "line"),
                    ),
                ],
            },
            "onBrokenRow": {"enum": ["fail", "report"], "description": "whether a broken row fails the step"},
        },
        required=("file",),
    ),
    simulate=_simulate,
    operator="airflow_workflow_provider.operators.files.ReadOperator",
)
