"""A step's ``arguments``: literals, and transforms among them at any depth (rule K3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from airflow_workflow_provider.model.fields import ArgumentTransform

LANGUAGES: Final = frozenset({"jmespath", "jsonata", "cel"})
_KEYS: Final = frozenset({"type", "expression"})

Path = tuple[str | int, ...]


def as_transform(value: Any) -> ArgumentTransform | None:
    """The transform that an argument is: an object of exactly ``type`` and ``expression``; else None.

    :param value: an argument, or a part of one
    """
    if not isinstance(value, dict) or value.keys() != _KEYS:
        return None
    kind, expression = value["type"], value["expression"]
    if not isinstance(kind, str) or kind not in LANGUAGES or not isinstance(expression, str):
        return None
    return ArgumentTransform.model_validate({"type": kind, "expression": expression})


def resembles_transform(value: Any) -> bool:
    """Whether an argument has the keys of a transform without being one."""
    return isinstance(value, dict) and value.keys() == _KEYS and as_transform(value) is None


def parts(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every part of an argument with its path, outermost first; a transform is one part."""
    yield path, value
    if as_transform(value) is not None:
        return
    if isinstance(value, dict):
        for key, part in value.items():
            yield from parts(part, (*path, key))
    elif isinstance(value, (list, tuple)):
        for index, part in enumerate(value):
            yield from parts(part, (*path, index))
