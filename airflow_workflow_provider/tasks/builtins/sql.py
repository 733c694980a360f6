"""The built-in task ``sql``."""

from __future__ import annotations

from airflow_workflow_provider.tasks.argument_schemas import arguments_schema
from airflow_workflow_provider.tasks.builtin import Builtin

TASK = Builtin(
    id="sql",
    title="SQL statement",
    summary="Runs one statement through an Airflow SQL connection.",
    schema=arguments_schema(
        {
            "connection": {"type": "string", "minLength": 1, "description": "id of an Airflow SQL connection"},
            "sql": {"type": "string", "minLength": 1, "description": "one statement"},
            "write": {"type": "boolean", "description": "whether the statement may change data"},
            "parameters": {
                "type": ["object", "array"],
                "description": "values for the placeholders of the statement; never put values into its text",
            },
            "fetch": {"enum": ["none", "one", "all"]},
            "maxRows": {"type": "integer", "minimum": 1, "maximum": 100_000},
        },
        required=("connection", "sql"),
    ),
    operator="airflow_workflow_provider.operators.sql.SqlTaskOperator",
)
