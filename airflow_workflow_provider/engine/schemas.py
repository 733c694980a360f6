"""JSON Schema in the engine: inputs of instances, inputs and outputs of tasks (rules X6, K2)."""

from __future__ import annotations

from typing import Any

from airflow_workflow_provider.engine.failure import OUTPUT_ERROR, VALIDATION_ERROR
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.json_schema.validation import schema_findings

MAX_LISTED = 50


def check_against(schema: dict[str, Any], value: Any, what: str, *, output: bool = False) -> None:
    """Check a value against a JSON Schema (draft 2020-12, formats checked, nothing fetched).

    :param what: how messages call the value
    :param output: the value is a task's result, so it fails with ``OutputError``
    :raises StepFailure: of type ``ValidationError`` or ``OutputError``; every finding is in its details
    """
    findings = schema_findings(schema, value)
    if findings:
        place = findings[0]["pointer"] or "/"
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        msg = f"The {what} does not fit its schema: {place}: {findings[0]['message']}{more}"
        raise StepFailure(
            msg,
            type=OUTPUT_ERROR if output else VALIDATION_ERROR,
            details={"errors": findings[:MAX_LISTED]},
        )
