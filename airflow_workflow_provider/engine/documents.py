"""Helpers of the records that are stored as JSON: absent values are omitted."""

from __future__ import annotations

from typing import Any, TypeAlias

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | float | bool | None"
"""A value of JSON, such as an input or an output; what is in it is known only to the user's documents."""

Json = dict[str, Any]
"""An object of JSON whose keys are looked up by name."""


def with_present(document: Json, more: Json) -> Json:
    """Add to a document what is not absent, and return it."""
    document.update({key: value for key, value in more.items() if value is not None})
    return document
