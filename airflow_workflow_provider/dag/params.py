"""Airflow's params from ``inputSchema``, so that its trigger form and REST API ask for what the workflow needs.

Params are checked one by one and know no rules across properties; the whole schema is enforced when the instance
starts (rule X6).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

MAX_PARTS: Final = 10_000

Json = dict[str, Any]


def params_of(schema: Mapping[str, Any]) -> dict[str, tuple[Any, Json]]:
    """Return default and JSON Schema of each param; :data:`REQUIRED` as the default of one that must be given."""
    properties = schema.get("properties")
    required = schema.get("required")
    found: dict[str, tuple[Any, Json]] = {}
    inliner = _Inliner(schema)
    for name, given in properties.items() if isinstance(properties, dict) else ():
        inlined = inliner.inlined(given)
        part = inlined if isinstance(inlined, dict) else {}
        if "default" in part:
            found[name] = (part["default"], _without_default(part))
        elif isinstance(required, list) and name in required:
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
    from airflow_workflow_provider.engine.schemas import schema_findings

    return "$ref" not in part and not schema_findings(part, None)


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
    """Takes references out of a schema: a param stands alone.

    What refers to itself, or would grow too large, is left unchecked here.
    """

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._left = MAX_PARTS

    def inlined(self, part: Any, within: frozenset[str] = frozenset()) -> Any:
        self._left -= 1
        if self._left < 0:
            return {}
        if isinstance(part, list):
            return [self.inlined(item, within) for item in part]
        if not isinstance(part, dict):
            return part
        found = {k: self.inlined(v, within) for k, v in part.items() if k not in ("$ref", "$defs", "definitions")}
        reference = part.get("$ref")
        if not isinstance(reference, str) or reference in within:
            return found
        target = self.inlined(_resolved(reference, self._root), within | {reference})
        return {**(target if isinstance(target, dict) else {}), **found}


def _resolved(reference: str, root: Mapping[str, Any]) -> Any:
    found: Any = root
    for name in reference.removeprefix("#/").split("/"):
        key = name.replace("~1", "/").replace("~0", "~")
        if not reference.startswith("#/") or not isinstance(found, Mapping) or key not in found:
            return {}
        found = found[key]
    return found
