"""The built-in task ``python``."""

from __future__ import annotations

from airflow_workflow_provider.tasks.argument_schemas import arguments_schema
from airflow_workflow_provider.tasks.builtin import Builtin

TASK = Builtin(
    id="python",
    title="Python function",
    summary="Calls a function registered with @workflow_task.",
    schema=arguments_schema(
        {
            "callable": {
                "type": "string",
                "minLength": 1,
                "description": "id of a function registered with @workflow_task",
            },
            "input": {"type": "object"},
        },
        required=("callable",),
    ),
    operator="airflow_workflow_provider.operators.builtin.PythonTaskOperator",
)
