"""The built-in task ``fail``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from airflow_workflow_provider.engine.failure import BUILT_IN_TYPES
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.tasks.argument_schemas import arguments_schema
from airflow_workflow_provider.tasks.builtin import Builtin, Surroundings
from airflow_workflow_provider.vocabulary import ErrorType


def _fail(arguments: Mapping[str, Any], _: Surroundings) -> NoReturn:
    raise StepFailure(
        arguments.get("message", "The workflow asked for this failure"),
        type=arguments.get("type", ErrorType.WORKFLOW_FAILED),
        code=arguments.get("code"),
        details=arguments.get("details"),
    )


TASK = Builtin(
    id="fail",
    title="Fail",
    summary="Fails with the error that its arguments describe.",
    schema=arguments_schema(
        {
            "type": {
                "type": "string",
                "minLength": 1,
                "not": {
                    "enum": sorted(BUILT_IN_TYPES - {ErrorType.WORKFLOW_FAILED}),
                    "description": "is reserved for the engine; choose another name",
                },
                "description": "type of the error, WorkflowFailed if absent; no other type of the engine's own",
            },
            "code": {"type": ["string", "null"]},
            "message": {"type": "string"},
            "details": {"type": "object"},
        }
    ),
    run=_fail,
    pure=True,
)
