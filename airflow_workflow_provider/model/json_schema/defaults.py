"""Defaults of a JSON Schema (rule X6).

A default counts where the schema that holds it surely applies to the value, whatever else the value is:

- ``properties``, ``patternProperties``, ``additionalProperties`` and ``unevaluatedProperties`` of an object,
  ``prefixItems``, ``items`` and ``unevaluatedItems`` of a list;
- what ``$ref`` and ``$dynamicRef`` name, and every part of ``allOf``;
- the one part of ``anyOf`` or ``oneOf`` beside null;
- ``dependentSchemas`` of a property that is there, and ``then`` or ``else`` once ``if`` is decided.

Of several defaults for a property the one nearest to it wins: its own, then those in the order of this list.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final

from airflow_workflow_provider.model.json_schema.budget import Budget, OutOfSteps
from airflow_workflow_provider.model.json_schema.evaluated import evaluated_items, evaluated_names, extra_names
from airflow_workflow_provider.model.json_schema.keywords import visit
from airflow_workflow_provider.model.json_schema.patterns import PatternError
from airflow_workflow_provider.model.json_schema.references import REFERENCES, Place, UnknownReference, subschemas
from airflow_workflow_provider.model.json_schema.validation import fits, place_of

MAX_DEFAULT_DEPTH: Final = 32
"""Defaults within defaults: a schema whose default asks for another one of its own has no end."""

_MISSING: Final = object()
_HARMLESS: Final = frozenset(
    {
        "$anchor", "$comment", "$defs", "$dynamicAnchor", "$id", "$ref", "$schema", "additionalProperties", "allOf",
        "default", "deprecated", "description", "enum", "examples",
        "exclusiveMaximum", "exclusiveMinimum", "format", "items",
        "maxItems", "maxLength", "maximum", "minItems", "minLength", "minProperties", "minimum", "multipleOf",
        "pattern", "prefixItems", "properties", "readOnly", "required", "title", "type",
        "writeOnly",
    }
)  # fmt: skip
"""Keywords by which a value that fits continues to fit when a property is added whose default fits."""


def with_defaults(schema: Any, value: Any) -> Any:
    """Return a copy of a value with the schema's defaults, at every depth where the enclosing object is given.

    A value that fits its schema as it is, and would not with the defaults, is left as it is. Never raises: what cannot
    be completed is reported by the check against the schema.
    """
    completed = copy.deepcopy(value)
    if not isinstance(schema, dict) or not schema:
        return completed
    filler = _Filler(value)
    try:
        place = place_of(schema)
        filler.leading = _leading(place)
        completed = filler.complete(place, completed, 0)
    except (OutOfSteps, RecursionError, UnknownReference, PatternError, AttributeError, TypeError, ValueError):
        return copy.deepcopy(value)
    if filler.added and not _is_harmless(place) and not fits(schema, completed) and fits(schema, value):
        return copy.deepcopy(value)
    return completed


def default_of(place: Place, budget: Budget) -> Any:
    """Return the default that a property gets by its schema; :data:`MISSING` for none."""
    for part in _applied(place, _MISSING, budget):
        if isinstance(part.schema, dict) and "default" in part.schema:
            return part.schema["default"]
    return _MISSING


MISSING: Final = _MISSING


def filled(place: Place, value: Any) -> Any:
    """Return a copy of a value with the defaults of a place in a schema.

    :raises OutOfSteps: that took too many steps
    """
    return _Filler(value).complete(place, copy.deepcopy(value), 0)


def endless(place: Place, value: Any) -> bool:
    """Return whether the defaults in a value ask for others, and those for others, without an end."""
    filler = _Filler(value)
    filler.complete(place, copy.deepcopy(value), 0)
    return filler.cut


class _Filler:
    """Fills in one value.

    :ivar leading: the schemas that may lead to a default, if that is known
    :ivar added: there was something to fill in
    :ivar cut: defaults within defaults were left out, because there were too many
    """

    def __init__(self, value: Any) -> None:
        self.leading: frozenset[int] | None = None
        self.added = False
        self.cut = False
        self._budget = Budget(value)

    def complete(self, place: Place, value: Any, invented: int) -> Any:
        """Return a value with its defaults; objects are changed in place.

        :param invented: how many defaults the value is part of
        """
        if isinstance(value, dict):
            for part in _applied(place, value, self._budget):
                self._fill(part, value, invented)
        elif isinstance(value, list):
            for part in _applied(place, value, self._budget):
                self._fill_items(part, value, invented)
        return value

    def _fill(self, place: Place, value: dict[str, Any], invented: int) -> None:
        schema = place.schema
        named = schema.get("properties")
        named = named if isinstance(named, dict) else {}
        fresh = set()
        for name, inner in named.items():
            default = _MISSING if name in value else default_of(place.inner(inner), self._budget)
            if default is _MISSING:
                continue
            if invented >= MAX_DEFAULT_DEPTH:
                self.cut = True
                continue
            value[name] = copy.deepcopy(default)
            fresh.add(name)
            self.added = True
        for name, inner in named.items():
            if name in value:
                self._inside(place.inner(inner), value, name, invented + (name in fresh))
        self._fill_others(place, value, invented)

    def _fill_others(self, place: Place, value: dict[str, Any], invented: int) -> None:
        schema = place.schema
        for pattern, inner in (schema.get("patternProperties") or {}).items():
            self._budget.spend(len(value))
            for name in value:
                if self._budget.matches(pattern, name):
                    self._inside(place.inner(inner), value, name, invented)
        if isinstance(schema.get("additionalProperties"), dict):
            for name in extra_names(self._budget, schema, value):
                self._inside(place.inner(schema["additionalProperties"]), value, name, invented)
        if isinstance(schema.get("unevaluatedProperties"), dict):
            known = evaluated_names(visit(place, self._budget), value, within=True)
            for name in value.keys() - known:
                self._inside(place.inner(schema["unevaluatedProperties"]), value, name, invented)

    def _fill_items(self, place: Place, value: list[Any], invented: int) -> None:
        schema = place.schema
        first = schema.get("prefixItems") or []
        for index, inner in enumerate(first[: len(value)]):
            self._inside(place.inner(inner), value, index, invented)
        if isinstance(schema.get("items"), dict):
            for index in range(len(first), len(value)):
                self._inside(place.inner(schema["items"]), value, index, invented)
        if isinstance(schema.get("unevaluatedItems"), dict):
            known = evaluated_items(visit(place, self._budget), value, within=True)
            for index in set(range(len(value))) - known:
                self._inside(place.inner(schema["unevaluatedItems"]), value, index, invented)

    def _inside(self, place: Place, value: Any, key: Any, invented: int) -> None:
        if self.leading is None or id(place.schema) in self.leading:
            self._budget.spend()
            value[key] = self.complete(place, value[key], invented)


def _applied(place: Place, value: Any, budget: Budget, seen: set[int] | None = None) -> Iterator[Place]:
    """Yield the schemas that surely apply to a value, nearest first; those that depend on it come as it then is.

    :param value: the value, or :data:`MISSING`, to which nothing applies that depends on a value
    """
    seen = set() if seen is None else seen
    schema = place.schema
    if not isinstance(schema, dict) or id(schema) in seen:
        return
    seen.add(id(schema))
    budget.spend()
    yield place
    for keyword, parts in _PARTS.items():
        if keyword in schema:
            for part in parts(place, keyword):
                yield from _applied(part, value, budget, seen)
    if value is not _MISSING and not _CONDITIONS.isdisjoint(schema):
        for part in _conditional(place, value, budget):
            yield from _applied(part, value, budget, seen)


def _named(place: Place, keyword: str) -> Iterator[Place]:
    found = place.named(keyword)
    if found is not None:
        yield found


def _every(place: Place, keyword: str) -> Iterator[Place]:
    parts = place.schema[keyword]
    yield from (place.inner(part) for part in (parts if isinstance(parts, list) else ()))


def _only(place: Place, keyword: str) -> Iterator[Place]:
    parts = place.schema[keyword]
    others = [part for part in parts if not _is_null(part)] if isinstance(parts, list) else []
    if len(others) == 1:
        yield place.inner(others[0])


_PARTS: Final[dict[str, Callable[[Place, str], Iterator[Place]]]] = {
    **dict.fromkeys(REFERENCES, _named),
    "allOf": _every,
    "anyOf": _only,
    "oneOf": _only,
}
_CONDITIONS: Final = frozenset({"dependentSchemas", "if"})


def _is_null(schema: Any) -> bool:
    if not isinstance(schema, dict):
        return schema is False
    return (
        schema.get("type") in ("null", ["null"])
        or schema.get("enum") == [None]
        or schema.get("const", _MISSING) is None
    )


def _conditional(place: Place, value: Any, budget: Budget) -> Iterator[Place]:
    schema = place.schema
    for name, inner in (schema.get("dependentSchemas") or {}).items():
        if isinstance(value, dict) and name in value:
            yield place.inner(inner)
    if "if" in schema and ("then" in schema or "else" in schema):
        chosen = "then" if visit(place.inner(schema["if"]), budget).is_valid(value) else "else"
        if chosen in schema:
            yield place.inner(schema[chosen])


@lru_cache(maxsize=256)
def _leading(root: Place) -> frozenset[int]:
    """Return the schemas in a schema, by identity, that may lead to a default: nothing else is worth a look."""
    led_by: dict[int, set[int]] = {}
    waiting, seen, found = [root], {id(root.schema)}, set()
    while waiting:
        place = waiting.pop()
        if not isinstance(place.schema, dict):
            continue
        if "default" in place.schema:
            found.add(id(place.schema))
        inner = [place.inner(part) for _, part in subschemas(place.schema)]
        inner += [part for keyword in REFERENCES if keyword in place.schema for part in _named(place, keyword)]
        for part in inner:
            led_by.setdefault(id(part.schema), set()).add(id(place.schema))
            if id(part.schema) not in seen:
                seen.add(id(part.schema))
                waiting.append(part)
    grown = list(found)
    while grown:
        new = led_by.get(grown.pop(), set()) - found
        found |= new
        grown += new
    return frozenset(found)


@lru_cache(maxsize=256)
def _is_harmless(root: Place) -> bool:
    """Return whether no keyword of a schema can refuse a value because a default was added."""
    closes = combines = False
    waiting = [root]
    while waiting:
        place = waiting.pop()
        part = place.schema
        if not isinstance(part, dict):
            continue
        if not _HARMLESS.issuperset(part) or any(isinstance(each, (dict, list)) for each in part.get("enum") or ()):
            return False
        if "default" in part and not _surely_fits(place, part["default"]):
            return False
        closes = closes or "additionalProperties" in part
        combines = combines or "allOf" in part or "$ref" in part
        waiting.extend(place.inner(inner) for _, inner in subschemas(part))
    # An object that is closed in one schema may get its defaults from another one.
    return not (closes and combines)


def _surely_fits(place: Place, value: Any) -> bool:
    """Return whether a default fits its schema, which it need not if the schema was stored before that was a rule."""
    try:
        return next(visit(place, Budget(value)).iter_errors(value), None) is None
    except (OutOfSteps, RecursionError, UnknownReference, PatternError):
        return False
