"""The built-in task ``http``."""

from __future__ import annotations

from typing import Any, Final

from airflow_workflow_provider.tasks.argument_schemas import arguments_schema
from airflow_workflow_provider.tasks.builtin import Builtin

_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_STATUS: Final[dict[str, Any]] = {"type": "integer", "minimum": 100, "maximum": 599}
_SCALAR: Final[dict[str, Any]] = {"type": ["string", "number", "boolean"]}

TASK = Builtin(
    id="http",
    title="HTTP request",
    summary="Sends one request through an Airflow HTTP connection.",
    schema=arguments_schema(
        {
            "connection": {"type": "string", "minLength": 1, "description": "id of an Airflow HTTP connection"},
            "method": {"enum": list(_METHODS)},
            "path": {
                "type": "string",
                "maxLength": 8000,
                "description": "path below the connection's address, without scheme, host and query",
            },
            "headers": {"type": "object", "additionalProperties": {"type": "string"}},
            "query": {
                "type": "object",
                "additionalProperties": {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR}]},
            },
            "json": {"description": "any JSON value, sent as application/json"},
            "body": {"type": "string"},
            "expectedStatus": {"anyOf": [_STATUS, {"type": "array", "items": _STATUS, "minItems": 1}]},
        },
        required=("path",),
        **{"not": {"required": ["json", "body"]}},
    ),
    operator="airflow_workflow_provider.operators.http.HttpTaskOperator",
)
