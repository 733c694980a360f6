"""What is wrong with a JSON Schema itself, beyond what the meta-schema of draft 2020-12 says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from airflow_workflow_provider.model.json_schema.budget import STEPS, Budget, OutOfSteps
from airflow_workflow_provider.model.json_schema.defaults import MISSING, default_of, endless, filled
from airflow_workflow_provider.model.json_schema.keywords import visit
from airflow_workflow_provider.model.json_schema.patterns import PatternError, compile_pattern
from airflow_workflow_provider.model.json_schema.references import REFERENCES, Place, UnknownReference, subschemas
from airflow_workflow_provider.model.json_schema.validation import iter_errors, place_of
from airflow_workflow_provider.model.words import shortened, shown

Path = tuple[str | int, ...]

_SAME_VALUE: Final = frozenset({"allOf", "anyOf", "dependentSchemas", "else", "if", "not", "oneOf", "then"})
"""Keywords whose schemas are tried on the same value; a condition that held for it once holds for it each time."""

_STEPS_PER_VALUE: Final = 500
"""The meta-schema tries so many keywords on each part of a schema at most."""


@dataclass(frozen=True)
class Flaw:
    """Something wrong.

    :ivar path: where
    :ivar outside: it refers to something outside
    """

    path: Path
    message: str
    suggestion: str | None = None
    outside: bool = False


def flaws(schema: dict[str, Any], limit: int) -> list[Flaw]:
    """Return what is wrong with a schema, most basic first: what cannot be read is not looked at any closer.

    :param limit: so many by the meta-schema at most
    :raises RecursionError: it is nested too deeply
    """
    found = list(islice(_invalid(schema), limit))
    root = place_of(schema)
    places = list(_places(root, (), set()))
    found += [flaw for path, place in places for flaw in _references(path, place)]
    found += list(islice((flaw for path, place in places for flaw in _patterns(path, place.schema)), limit))
    if found:
        return found
    found += _endless(places)
    if not found:
        found += [flaw for path, place in places for flaw in _default(path, place)]
    return found


def _invalid(schema: Any) -> Iterator[Flaw]:
    from jsonschema import Draft202012Validator

    seen: set[Path] = set()
    try:
        for error in iter_errors(Draft202012Validator.META_SCHEMA, schema, steps_per_value=_STEPS_PER_VALUE):
            place = tuple(error.absolute_path)
            if place not in seen and (error.validator, error.validator_value) != ("format", "regex"):
                seen.add(place)
                yield Flaw(place, f"Not a valid JSON Schema: {shortened(error.message)}")
    except OutOfSteps:
        yield Flaw((), "The schema is too large", "describe less")


def _places(place: Place, path: Path, seen: set[int]) -> Iterator[tuple[Path, Place]]:
    if id(place.schema) in seen or not isinstance(place.schema, dict):
        return
    seen.add(id(place.schema))
    yield path, place
    for inner, schema in subschemas(place.schema):
        yield from _places(place.inner(schema), (*path, *inner), seen)


def _references(path: Path, place: Place) -> Iterator[Flaw]:
    for keyword in REFERENCES:
        try:
            place.named(keyword)
        except UnknownReference as error:
            message = f"{shown(error.reference)} refers to nothing inside this schema; nothing is ever fetched"
            advice = "put what it refers to under $defs, and write #/$defs/…"
            yield Flaw((*path, keyword), message, advice, outside=True)


def _patterns(path: Path, schema: dict[str, Any]) -> Iterator[Flaw]:
    patterns = [((*path, "pattern"), schema.get("pattern"))]
    free = schema.get("patternProperties")
    patterns += [((*path, "patternProperties", text), text) for text in (free if isinstance(free, dict) else ())]
    for place, text in patterns:
        if isinstance(text, str):
            try:
                compile_pattern(text)
            except PatternError as error:
                yield Flaw(place, f"{shown(text)} cannot be used: {error}", error.suggestion)


def _endless(places: list[tuple[Path, Place]]) -> list[Flaw]:
    """Return the schema that tries itself on the same value again, or too many others."""
    counted: dict[int, int] = {}
    for path, place in places:
        steps = _steps(place, counted, set())
        if steps is None:
            return [Flaw(path, "The schema refers to itself without end: the same value is tried again and again")]
        if steps > STEPS:
            return [Flaw(path, f"The schema tries more than {STEPS} schemas on one value", "describe less")]
    return []


def _steps(place: Place, counted: dict[int, int], open_: set[int]) -> int | None:
    """Return how many schemas are tried on a value of a schema; None where that has no end."""
    key = id(place.schema)
    if key in open_:
        return None
    if key not in counted:
        open_.add(key)
        total = 1
        for inner in _tried_too(place):
            steps = _steps(inner, counted, open_)
            if steps is None:
                return None
            total += steps
        open_.discard(key)
        counted[key] = total
    return counted[key]


def _tried_too(place: Place) -> Iterator[Place]:
    if not isinstance(place.schema, dict):
        return
    for keyword in REFERENCES:
        found = place.named(keyword)
        if found is not None:
            yield found
    for path, schema in subschemas(place.schema):
        if path[0] in _SAME_VALUE:
            yield place.inner(schema)


def _default(path: Path, place: Place) -> Iterator[Flaw]:
    budget = Budget(place.schema)
    try:
        default = default_of(place, budget)
        if default is MISSING:
            return
        where = (*path, "default") if "default" in place.schema else path
        if endless(place, default):
            yield Flaw(where, "The defaults have no end: each needs another one", "remove a default")
            return
        error = next(visit(place, Budget(default)).iter_errors(filled(place, default)), None)
    except OutOfSteps:
        return
    if error is not None:
        message = f"The default {shown(default)} does not fit its own schema: {shortened(error.message)}"
        yield Flaw(where, message, "change the default, or what is allowed")
