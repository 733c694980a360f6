"""The OpenAPI document.

``python -m airflow_workflow_provider.api.openapi FILE`` writes it as it is committed.
"""

from __future__ import annotations

import json
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from airflow_workflow_provider import __version__
from airflow_workflow_provider.api.models import Problem
from airflow_workflow_provider.model.events import CloudEvent
from airflow_workflow_provider.model.schema import task_schema, workflow_schema

MOUNT: Final = "/workflows"
"""Where Airflow's api-server serves the application."""

_COMPONENT: Final = "#/components/schemas/"


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of the application, the definitions' own schemas included."""
    document = get_openapi(
        title=app.title,
        version=__version__,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
        servers=[{"url": MOUNT}],
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas.update(_flattened(Problem.__name__, Problem.model_json_schema(by_alias=True, mode="serialization")))
    schemas.update(_flattened("WorkflowDefinition", workflow_schema(), prefix="Workflow"))
    schemas.update(_flattened("CloudEvent", CloudEvent.model_json_schema(by_alias=True)))
    schemas.update(_flattened("TaskDefinition", task_schema(), prefix="Task"))
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A token of Airflow's `POST /auth/token`"},
        "cookie": {
            "type": "apiKey",
            "in": "cookie",
            "name": "_token",
            "description": "Airflow's own sign-in; writes also need the header `X-Requested-With`",
        },
    }
    document["security"] = [{"token": []}, {"cookie": []}]
    return document


def openapi_text(app: FastAPI) -> str:
    """Return the document as the committed file has it."""
    return json.dumps(openapi_document(app), indent=2, ensure_ascii=False) + "\n"


def _flattened(name: str, schema: dict[str, Any], *, prefix: str = "") -> dict[str, Any]:
    """Return a schema and the definitions inside it as components that refer to each other."""
    inner = schema.pop("$defs", {})
    schema.pop("$schema", None)
    names = {each: name if name in {f"{prefix}{each}", each} else f"{prefix}{each}" for each in inner}
    found = {name: schema, **{names[each]: part for each, part in inner.items() if names[each] != name}}

    def renamed(value: Any) -> Any:
        if isinstance(value, list):
            return [renamed(part) for part in value]
        if not isinstance(value, dict):
            return value
        reference = value.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/$defs/"):
            return {**value, "$ref": _COMPONENT + names[reference.removeprefix("#/$defs/")]}
        mapping = value.get("mapping")
        if isinstance(mapping, dict) and "propertyName" in value:
            return {**value, "mapping": {key: renamed({"$ref": part})["$ref"] for key, part in mapping.items()}}
        return {key: renamed(part) for key, part in value.items()}

    return {each: renamed(part) for each, part in found.items()}
