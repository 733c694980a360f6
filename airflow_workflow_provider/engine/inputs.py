"""The input of an instance: one check for every way to start one (rule X6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.engine.schemas import MAX_LISTED, completed_against
from airflow_workflow_provider.engine.values import unusable_in
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.vocabulary import ErrorType

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.documents import Json, JsonValue

RESERVED: Final = "_workflow"
"""Key of a DAG run's ``conf`` that is not input: it names the start that was announced."""


def accepted_input(schema: Json, given: JsonValue, *, listed: int = MAX_LISTED) -> Json:
    """Return the input of an instance, with the defaults of ``inputSchema``.

    :param listed: how many findings the failure names at most
    :raises StepFailure: of type ``ValidationError``; the findings are in its details, as ``{"pointer", "message"}``
    """
    found = unusable_in(given)
    if found:
        message = f"The input cannot be used: {found[0]['pointer'] or '/'}: {found[0]['message']}"
        raise StepFailure(message, type=ErrorType.VALIDATION_ERROR, details={"errors": found})
    if not isinstance(given, dict):
        message = "The input must be a JSON object"
        finding = {"pointer": "", "message": "the input must be a JSON object"}
        raise StepFailure(message, type=ErrorType.VALIDATION_ERROR, details={"errors": [finding]})
    if RESERVED in given:
        finding = {"pointer": f"/{RESERVED}", "message": f"{RESERVED!r} is a reserved name"}
        message = f"The input cannot be used: /{RESERVED}: {finding['message']}"
        raise StepFailure(message, type=ErrorType.VALIDATION_ERROR, details={"errors": [finding]})
    return dict(completed_against(schema, given, "input", listed=listed))
