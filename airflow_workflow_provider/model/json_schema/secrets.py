"""Which values a JSON Schema marks as secret: ``writeOnly``, and ``format: password`` (rule L4).

Wherever a schema may speak of a value counts, alternatives that may not apply included: better a masked value too many.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from airflow_workflow_provider.model.json_schema.references import Place, subschemas
from airflow_workflow_provider.model.json_schema.validation import place_of
from airflow_workflow_provider.model.paths import Deep, Name, Others, Path, Position, Segment

MAX_PATHS: Final = 300
"""Beyond it, and where a schema refers to itself, secrets are known by the last names that lead to them."""

_MAX_STEPS: Final = 5_000
_SAME_VALUE: Final = frozenset(
    {"allOf", "anyOf", "dependentSchemas", "else", "if", "not", "oneOf", "then"},
)
_EVERY_ITEM: Final = frozenset({"contains", "items", "unevaluatedItems"})

Edge = tuple[Segment | None, Place]


def secret_paths(schema: Any) -> list[Path]:
    """Return the paths of the secrets that a schema names, from the value that it describes."""
    if not isinstance(schema, dict) or not schema:
        return []
    try:
        return list(_secret_paths(json.dumps(schema)))
    except (RecursionError, TypeError, ValueError, AttributeError):
        # A schema that cannot be read: it was refused, or is none of ours.
        return []


@lru_cache(maxsize=512)
def _secret_paths(schema_text: str) -> tuple[Path, ...]:
    # Most schemas have no secrets.
    if '"writeOnly"' not in schema_text and '"password"' not in schema_text:
        return ()
    root = place_of(json.loads(schema_text))
    walk = _Walk()
    walk.visit(root, (), frozenset())
    return tuple(dict.fromkeys([*walk.found, *(_tails(root) if walk.open else ())]))


def declared_names(schema: Any) -> frozenset[str]:
    """Return every name of a property that a schema declares somewhere."""
    names: set[str] = set()
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            names.update(part.get("properties") or () if isinstance(part.get("properties"), dict) else ())
            waiting.extend(inner for _, inner in subschemas(part))
    return frozenset(names)


class _Walk:
    """Follows every way through a schema.

    :ivar open: some ways were not followed to their end
    """

    def __init__(self) -> None:
        self.found: list[Path] = []
        self.open = False
        self._steps = 0

    def visit(self, place: Place, path: Path, within: frozenset[int]) -> None:
        """Find the secrets in what a schema describes.

        :param path: the way to it
        :param within: the schemas on that way
        """
        schema = place.schema
        self._steps += 1
        if not isinstance(schema, dict):
            return
        if id(schema) in within or len(self.found) >= MAX_PATHS or self._steps > _MAX_STEPS:
            self.open = True
            return
        if path and _is_secret(schema):
            self.found.append(path)
        within |= {id(schema)}
        for segment, inner in _edges(place):
            self.visit(inner, path if segment is None else (*path, segment), within)


def _tails(root: Place) -> Iterator[Path]:
    """Yield the last names that lead to each secret, wherever that is."""
    seen: set[tuple[int, Segment | None, Segment | None]] = set()
    waiting: list[tuple[Place, Segment | None, Segment | None]] = [(root, None, None)]
    while waiting:
        place, before, last = waiting.pop()
        if not isinstance(place.schema, dict) or (id(place.schema), before, last) in seen:
            continue
        seen.add((id(place.schema), before, last))
        if last is not None and _is_secret(place.schema):
            known = (last,) if isinstance(last, Name) or before is None else (before, last)
            yield (Deep(), *known)
        for segment, inner in _edges(place):
            waiting.append((inner, before, last) if segment is None else (inner, last, segment))


def _is_secret(schema: dict[str, Any]) -> bool:
    return schema.get("writeOnly") is True or schema.get("format") == "password"


def _edges(place: Place) -> Iterator[Edge]:
    """Yield the schemas that a schema leads to, and by which segment; None where they speak of the same value."""
    schema = place.schema
    for named in place.known_references():
        yield None, named
    for path, inner in subschemas(schema):
        keyword = str(path[0])
        if keyword in _SAME_VALUE:
            yield None, place.inner(inner)
        elif keyword in _EVERY_ITEM:
            first = len(schema.get("prefixItems") or ()) if keyword != "contains" else 0
            yield (Position(first, on=True) if first else None), place.inner(inner)
        elif keyword not in ("$defs", "definitions", "propertyNames", "contentSchema"):
            segment = _segment(place, path)
            if segment is not None:
                yield segment, place.inner(inner)


def _segment(place: Place, path: tuple[str | int, ...]) -> Segment | None:
    schema = place.schema
    match path:
        case ("properties", str(name)):
            return Name(name)
        case ("patternProperties", str(pattern)):
            return Others(like=pattern)
        case ("prefixItems", int(index)):
            return Position(index)
        case ("additionalProperties",):
            return Others(
                but=tuple(schema.get("properties") or ()), but_like=tuple(schema.get("patternProperties") or ())
            )
        case ("unevaluatedProperties",):
            names, patterns = _evaluated(place, set())
            return Others(but=tuple(sorted(names)), but_like=tuple(sorted(patterns)))
        case _:
            return None


def _evaluated(place: Place, seen: set[int]) -> tuple[set[str], set[str]]:
    """Return the names and patterns of properties that a schema surely speaks of."""
    schema = place.schema
    if not isinstance(schema, dict) or id(schema) in seen:
        return set(), set()
    seen.add(id(schema))
    names, patterns = set(schema.get("properties") or ()), set(schema.get("patternProperties") or ())
    parts = [place.inner(part) for part in schema.get("allOf") or ()]
    parts += place.known_references()
    for part in parts:
        more = _evaluated(part, seen)
        names |= more[0]
        patterns |= more[1]
    return names, patterns
