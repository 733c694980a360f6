"""The built-in task ``noop``."""

from __future__ import annotations

from airflow_workflow_provider.tasks.argument_schemas import arguments_schema
from airflow_workflow_provider.tasks.builtin import Builtin

TASK = Builtin(
    id="noop",
    title="No operation",
    summary="Does nothing and returns an empty object.",
    schema=arguments_schema({}),
    run=lambda _, __: {},
    pure=True,
)
