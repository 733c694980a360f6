"""Airflow's params from ``inputSchema``, so that its trigger form and REST API ask for what the workflow needs.

Params are checked one by one and know no rules across properties; the whole schema is enforced when the instance
starts (rule X6). Airflow checks params in its own processes, without a limit, so what may take long is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airflow_workflow_provider.model.json_schema.budget import Budget, OutOfSteps
from airflow_workflow_provider.model.json_schema.defaults import MISSING, default_of
from airflow_workflow_provider.model.json_schema.formats import FORMATS
from airflow_workflow_provider.model.json_schema.references import Place, UnknownReference, subschemas
from airflow_workflow_provider.model.json_schema.validation import fits, place_of

MAX_PARTS: Final = 10_000
QUICK_PARTS: Final = 200
"""Schemas within the schema of a param that Airflow checks."""

QUICK_PARTS_OF_EACH: Final = 20
"""Those among them that hold for each of many: items of a list, values of a map."""

_OF_EACH: Final = frozenset({"items", "additionalProperties", "contains"})

_STRUCTURE: Final = frozenset({"$anchor", "$defs", "$dynamicAnchor", "$id", "$ref", "$schema", "definitions"})
_READ_DIFFERENTLY: Final = frozenset(
    {
        "$dynamicRef",
        "multipleOf",
        "pattern",
        "patternProperties",
        "propertyNames",
        "unevaluatedItems",
        "unevaluatedProperties",
        "uniqueItems",
    }
)
_SHOWN_FORMATS: Final = frozenset({"date", "date-time", "time"})
"""Airflow's form has fields for them."""

_LOOSENED_IS_STRICTER: Final = frozenset({"contains", "if", "not", "oneOf"})
_WITH: Final = {"contains": ("minContains", "maxContains"), "if": ("then", "else")}

Json = dict[str, Any]


def params_of(schema: Mapping[str, Any], *, all_optional: bool = False) -> dict[str, tuple[Any, Json]]:
    """Return default and JSON Schema of each param; :data:`REQUIRED` as the default of one that must be given.

    :param all_optional: Airflow makes runs by itself, for which nobody gives a value
    """
    properties = schema.get("properties")
    required = schema.get("required")
    found: dict[str, tuple[Any, Json]] = {}
    inliner = _Inliner(schema)
    for name, given in properties.items() if isinstance(properties, dict) else ():
        place = inliner.root.inner(given)
        inlined = inliner.inlined(place)
        part = _quick(inlined) if isinstance(inlined, dict) else {}
        default = _default(place)
        if default is not MISSING:
            found[name] = (default, _without_default(part))
        elif isinstance(required, list) and name in required and not all_optional:
            found[name] = (REQUIRED, part)
        else:
            found[name] = (None, _or_null(part))
    return found


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Final = _Required()


def without_blanks(schema: Mapping[str, Any], given: Mapping[str, Any]) -> Json:
    """Return an input without the nulls that Airflow's form sends for what was left empty.

    A null that the schema itself allows, or that stands where a value is required, is kept.
    """
    blank = {
        name
        for name, (default, part) in params_of(schema).items()
        if default is None and given.get(name, part) is None and not _allows_null(schema["properties"][name])
    }
    return {name: value for name, value in given.items() if name not in blank}


def _allows_null(part: Any) -> bool:
    if not isinstance(part, dict):
        return part is not False
    return "$ref" not in part and fits(part, None)


def _default(place: Place) -> Any:
    try:
        return default_of(place, Budget(None))
    except (OutOfSteps, RecursionError, UnknownReference):
        return MISSING


def _quick(part: Json) -> Json:
    """Return a schema that is checked soon: where it has many parts, only what it says of the value itself."""
    if _parts(part, of_each=False) <= QUICK_PARTS and _parts(part, of_each=True) <= QUICK_PARTS_OF_EACH:
        return part
    inner = {str(keyword) for (keyword, *_), _ in subschemas(part)}
    return {key: value for key, value in part.items() if key not in inner}


def _parts(schema: Any, *, of_each: bool) -> int:
    """Count the schemas within one; or those of them only that hold for each of many values."""
    found = 0
    waiting = [(schema, not of_each)]
    while waiting:
        part, counts = waiting.pop()
        for (keyword, *_), inner in subschemas(part) if isinstance(part, dict) else ():
            counted = counts or keyword in _OF_EACH
            found += counted
            waiting.append((inner, counted))
    return found


def _without_default(part: Json) -> Json:
    return {key: value for key, value in part.items() if key != "default"}


def _or_null(part: Json) -> Json:
    """Return a schema that null fits too: Airflow's form sends null for what is left empty."""
    kind = part.get("type")
    if kind is None:
        keep: Json = {key: part[key] for key in ("title", "description") if key in part}
        return {**keep, "anyOf": [part, {"type": "null"}]} if part else {}
    kinds = [kind] if isinstance(kind, str) else list(kind)
    widened = {**part, "type": [*kinds, *([] if "null" in kinds else ["null"])]}
    if isinstance(part.get("enum"), list) and None not in part["enum"]:
        widened["enum"] = [*part["enum"], None]
    return widened


class _Inliner:
    """Makes schemas that stand alone, as a param's must, and that Airflow reads as they are meant.

    Taken out are references and what Airflow's validator understands differently: patterns, multiples of fractions and
    most formats. What refers to itself, or would grow too large, is left unchecked here.
    """

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = place_of(root)
        self._left = MAX_PARTS
        self._loosened = 0

    def inlined(self, place: Place, within: frozenset[int] = frozenset()) -> Any:
        """Return a schema without references.

        :param within: the schemas that it is part of
        """
        self._left -= 1
        schema = place.schema
        if self._left < 0 or id(schema) in within:
            self._loosened += 1
            return {}
        if not isinstance(schema, dict):
            return schema
        within |= {id(schema)}
        found = {key: value for key, value in schema.items() if not self._is_left_out(key, value, schema)}
        for (keyword, *key), inner in subschemas(schema):
            if keyword in found:
                self._put(found, str(keyword), key, place.inner(inner), within)
        return {**self._named(place, within), **found}

    def _put(self, found: Json, keyword: str, key: list[str | int], inner: Place, within: frozenset[int]) -> None:
        before = self._loosened
        part = self.inlined(inner, within)
        if keyword in _LOOSENED_IS_STRICTER and self._loosened > before:
            for each in (keyword, *_WITH.get(keyword, ())):
                found.pop(each, None)
        elif key:
            # The list or map belongs to the definition.
            held = found[keyword]
            found[keyword] = [*held] if isinstance(held, list) else {**held}
            found[keyword][key[0]] = part
        else:
            found[keyword] = part

    def _is_left_out(self, key: str, value: Any, schema: Json) -> bool:
        if key in _STRUCTURE:
            return True
        left_out = (
            key in _READ_DIFFERENTLY
            or (key == "format" and value in FORMATS and value not in _SHOWN_FORMATS)
            or (key == "additionalProperties" and "patternProperties" in schema)
        )
        self._loosened += left_out
        return left_out

    def _named(self, place: Place, within: frozenset[int]) -> Json:
        try:
            target = place.named("$ref")
        except UnknownReference:
            return {}
        inlined = self.inlined(target, within) if target is not None else {}
        return inlined if isinstance(inlined, dict) else {}
