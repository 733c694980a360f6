"""Whether a path can lead to a value at all, by the schema of what it leads through (rules L2 and L4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from airflow_workflow_provider.model.json_schema.patterns import PatternError, PatternTimeout, compile_pattern
from airflow_workflow_provider.model.paths import Name, Position, Segment

if TYPE_CHECKING:
    from airflow_workflow_provider.model.json_schema.references import Place

_MAX_DEPTH = 50


def may_lead(place: Place, path: Sequence[Segment], depth: int = 0) -> bool:
    """Return whether a value that fits a schema may have something at a path; true if that is unknown."""
    schema = place.schema
    if not path or depth > _MAX_DEPTH or not isinstance(path[0], (Name, Position)):
        return schema is not False
    if not isinstance(schema, dict):
        return schema is not False
    if not all(may_lead(part, path, depth + 1) for part in _all(place)):
        return False
    for keyword in ("anyOf", "oneOf"):
        parts = schema.get(keyword)
        if isinstance(parts, list) and not any(may_lead(place.inner(part), path, depth + 1) for part in parts):
            return False
    given = schema.get("type", ["object", "array"])
    kinds = [given] if isinstance(given, str) else list(given)
    return ("object" in kinds and _in_object(place, path, depth)) or ("array" in kinds and _in_list(place, path, depth))


def _all(place: Place) -> Iterator[Place]:
    yield from place.known_references()
    yield from (place.inner(part) for part in place.schema.get("allOf") or ())


def _in_object(place: Place, path: Sequence[Segment], depth: int) -> bool:
    first, rest, schema = path[0], path[1:], place.schema
    if not isinstance(first, Name):
        return False
    properties = schema.get("properties") or {}
    inner = [properties[first.text]] if first.text in properties else []
    inner += [part for like, part in (schema.get("patternProperties") or {}).items() if _is_like(like, first.text)]
    if not inner and "additionalProperties" in schema:
        inner = [schema["additionalProperties"]]
    return all(may_lead(place.inner(part), rest, depth + 1) for part in inner)


def _in_list(place: Place, path: Sequence[Segment], depth: int) -> bool:
    first, schema = path[0], place.schema
    items: list[Any] = [*(schema.get("prefixItems") or ()), schema.get("items", True)]
    if isinstance(first, Name) and not first.text.isdecimal():
        # Lists that a path does not mention are searched.
        return any(may_lead(place.inner(part), path, depth + 1) for part in items)
    return any(may_lead(place.inner(part), path[1:], depth + 1) for part in items)


def _is_like(pattern: str, name: str) -> bool:
    try:
        return compile_pattern(pattern).search(name)
    except (PatternError, PatternTimeout):
        return True
