"""One layout for documents: keys in the order of the format, short values on one line, the rest indented by two.

The meaning stays: only the order of keys that the format defines, and white space, change. What authors define, such as
arguments, JSON Schemas and the names of variables, keeps its order.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final, get_args

from pydantic import BaseModel

from airflow_workflow_provider.model.definition import WorkflowDefinition
from airflow_workflow_provider.model.json_text import dumps
from airflow_workflow_provider.model.task import TaskDefinition

WIDTH: Final = 120
INDENT: Final = "  "


def formatted(document: dict[str, Any]) -> str:
    """Return the text of a workflow or task document; formatting that text again changes nothing."""
    model = TaskDefinition if "taskId" in document and "workflowId" not in document else WorkflowDefinition
    return f"{_laid_out(_ordered((model,), document), '', 0, whole=True)}\n"


def _ordered(models: tuple[type[BaseModel], ...], value: Any) -> Any:
    """Return a value with the keys of its objects in the order of their models."""
    if isinstance(value, list):
        return [_ordered(models, each) for each in value]
    if not isinstance(value, dict) or not models:
        return value
    fields = _fields(max(models, key=lambda model: len(value.keys() & _fields(model).keys())))
    known = [key for key in fields if key in value]
    return {
        **{key: _ordered(fields[key], value[key]) for key in known},
        **{key: each for key, each in value.items() if key not in fields},
    }


@cache
def _fields(model: type[BaseModel]) -> dict[str, tuple[type[BaseModel], ...]]:
    """Return the keys of a model in order, each with the models that its value may have."""
    return {
        field.alias or name: tuple(dict.fromkeys(_models_in(field.annotation)))
        for name, field in model.model_fields.items()
    }


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models in the type of a field; not those in the values of an object, whose names authors choose."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif getattr(annotation, "__origin__", None) is not dict:
        for part in get_args(annotation):
            yield from _models_in(part)


def _laid_out(value: Any, indent: str, before: int, *, whole: bool = False) -> str:
    """Return a value as text.

    :param before: characters in front of it on its line
    :param whole: whether it is the document, which is never on one line
    """
    text = dumps(value)
    # A comma may follow.
    if not isinstance(value, (dict, list)) or not value or (not whole and before + len(text) < WIDTH):
        return text
    inner = indent + INDENT
    if isinstance(value, dict):
        parts = []
        for key, each in value.items():
            name = f"{inner}{dumps(key)}: "
            parts.append(name + _laid_out(each, inner, len(name)))
        return "{\n" + ",\n".join(parts) + f"\n{indent}}}"
    parts = [inner + _laid_out(each, inner, len(inner)) for each in value]
    return "[\n" + ",\n".join(parts) + f"\n{indent}]"
