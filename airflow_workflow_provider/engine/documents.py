"""Helpers of the records that are stored as JSON: what is absent is left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | float | bool | None"
"""A value of JSON, such as an input or an output; what is in it is known only to the user's documents."""

Json = dict[str, Any]
"""An object of JSON whose keys are looked up by name."""

A = TypeVar("A")
B = TypeVar("B")


def optional(convert: Callable[[A], B], value: A | None) -> B | None:
    """Convert a value unless it is absent."""
    return None if value is None else convert(value)


def with_present(document: Json, more: Json) -> Json:
    """Add to a document what is not absent, and return it."""
    for key, value in more.items():
        if value is not None:
            document[key] = value
    return document
