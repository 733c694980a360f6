"""Places in JSON documents: the parts of a pointer (RFC 6901), and the value at a place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def parts_of(pointer: str) -> list[str]:
    """Return the names and positions that a pointer consists of; none for the whole document."""
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def value_at(value: Any, parts: Iterable[str]) -> Any:
    """Return the value at a place, going through objects by name and through lists by position.

    :raises LookupError: nothing is there
    """
    for part in parts:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            raise LookupError(part)
    return value
