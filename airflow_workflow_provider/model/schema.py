"""JSON Schemas of the documents, generated from the model: for editors, forms, and other languages.

They say what a document may contain, not what it may mean: a valid document can still be refused by
:func:`airflow_workflow_provider.model.validate.validate_document`.

``python -m airflow_workflow_provider.model.schema DIRECTORY`` writes them as files.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.model.definition import WorkflowDefinition
from airflow_workflow_provider.model.scenario import ScenarioFile
from airflow_workflow_provider.model.task import TaskDefinition

if TYPE_CHECKING:
    from pydantic import BaseModel

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"


def workflow_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a workflow document."""
    return _schema(WorkflowDefinition, "Workflow definition")


def task_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a task document."""
    return _schema(TaskDefinition, "Task definition")


def scenario_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a scenario file."""
    return _schema(ScenarioFile, "Scenarios of a workflow")


SCHEMAS: Final[Mapping[str, Callable[[], dict[str, Any]]]] = {
    "workflow": workflow_schema,
    "task": task_schema,
    "scenario": scenario_schema,
}
"""What makes the schema of each kind of document."""


def schema_files() -> dict[str, str]:
    """The name and text of each schema file."""
    return {
        f"{kind}.schema.json": json.dumps(make(), indent=2, ensure_ascii=False) + "\n" for kind, make in SCHEMAS.items()
    }


def _schema(model: type[BaseModel], title: str) -> dict[str, Any]:
    generated = _tidied(model.model_json_schema(by_alias=True))
    # pydantic refers to a model that contains itself; the root is that model's own schema here.
    root = generated.pop("$ref", None)
    if root is not None:
        generated.update(generated["$defs"][root.rpartition("/")[2]])
    generated.pop("title", None)
    return {"$schema": DRAFT, "title": title, **generated}


def _tidied(value: Any, *, names: bool = False) -> Any:
    """Without what says nothing: titles made from names, and the reStructuredText of docstrings."""
    if isinstance(value, list):
        return [_tidied(part) for part in value]
    if not isinstance(value, dict):
        return value
    tidied = {}
    for key, part in value.items():
        if key == "title" and isinstance(part, str) and not names:
            continue
        if key == "description" and isinstance(part, str):
            tidied[key] = " ".join(part.replace("``", "`").split())
            continue
        tidied[key] = _tidied(part, names=key in {"properties", "$defs"})
    return tidied


def _write(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in schema_files().items():
        (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    _write(Path(sys.argv[1]))
