"""JSON Schema in the engine: inputs of instances, inputs and outputs of tasks (rules X6, K2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from airflow_workflow_provider.bounded.doors import bounded
from airflow_workflow_provider.engine.failure import limits_as
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.json_schema import defaults, validation
from airflow_workflow_provider.vocabulary import ErrorType

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.documents import Json, JsonValue

MAX_LISTED = 50
V = TypeVar("V")


def with_defaults(schema: JsonValue, value: V) -> V:
    """Return a copy of a value with the schema's defaults, at every depth where the enclosing object is given.

    :raises StepFailure: of type ``ValidationError``: that takes more than it may
    """
    with limits_as(ErrorType.VALIDATION_ERROR, "The schema's defaults cannot be applied"):
        completed: V = _completed(schema, value)
    return completed


def schema_findings(schema: JsonValue, value: JsonValue) -> list[dict[str, str]]:
    """Return every way in which a value does not fit a schema, as ``{"pointer", "message"}``, in document order.

    :raises StepFailure: of type ``ValidationError``: that takes more than it may
    """
    with limits_as(ErrorType.VALIDATION_ERROR, "The value cannot be checked against its schema"):
        return _findings(schema, value)


def completed(schema: JsonValue, value: V) -> tuple[V, list[dict[str, str]]]:
    """Return a value with the schema's defaults, and every way in which it then does not fit the schema.

    :raises StepFailure: of type ``ValidationError``: that takes more than it may
    """
    with limits_as(ErrorType.VALIDATION_ERROR, "The value cannot be checked against its schema"):
        found = _completed_and_checked(schema, cast("JsonValue", value))
    return found["value"], found["findings"]


@bounded
def _completed_and_checked(schema: JsonValue, value: JsonValue) -> Json:
    given = defaults.with_defaults(schema, value)
    return {"value": given, "findings": validation.schema_findings(schema, given)}


@bounded
def _completed(schema: JsonValue, value: Any) -> Any:
    return defaults.with_defaults(schema, value)


@bounded
def _findings(schema: JsonValue, value: JsonValue) -> list[dict[str, str]]:
    return validation.schema_findings(schema, value)


def check_against(schema: Json, value: JsonValue, what: str, *, output: bool = False, listed: int = MAX_LISTED) -> None:
    """Check a value against a JSON Schema (draft 2020-12, formats checked, nothing fetched).

    :param what: how messages call the value
    :param listed: how many findings the failure names at most
    :param output: the value is a task's result, so it fails with ``OutputError``
    :raises StepFailure: of type ``ValidationError`` or ``OutputError``; every finding is in its details
    """
    failed = ErrorType.OUTPUT_ERROR if output else ErrorType.VALIDATION_ERROR
    with limits_as(failed, f"The {what} cannot be checked"):
        findings = _findings(schema, value)
    _refuse(findings, what, failed, listed)


def completed_against(schema: Json, value: V, what: str, *, listed: int = MAX_LISTED) -> V:
    """Return a value with the schema's defaults, which then fits the schema.

    :param what: how messages call the value
    :param listed: how many findings the failure names at most
    :raises StepFailure: of type ``ValidationError``; every finding is in its details
    """
    given, findings = completed(schema, value)
    _refuse(findings, what, ErrorType.VALIDATION_ERROR, listed)
    return given


def _refuse(findings: list[dict[str, str]], what: str, failed: ErrorType, listed: int) -> None:
    if findings:
        place = findings[0]["pointer"] or "/"
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        msg = f"The {what} does not fit its schema: {place}: {findings[0]['message']}{more}"
        raise StepFailure(
            msg,
            type=failed,
            details={"errors": findings[:listed]},
        )
