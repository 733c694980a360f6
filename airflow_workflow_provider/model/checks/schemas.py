"""JSON Schemas inside a document (rules X6 and K2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.model.checks.base import Check, Checked, Path, finding, warning
from airflow_workflow_provider.model.words import shortened, shown

if TYPE_CHECKING:
    from airflow_workflow_provider.model.diagnostics import Diagnostic

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_DATA_KEYS: Final = frozenset({"const", "enum", "default", "examples"})
_MAX_FINDINGS: Final = 20
MAX_SIZE: Final = 20_000
"""Values in one schema."""


class InputSchema(Check):
    """``inputSchema`` is itself a JSON Schema, of an object, and needs nothing from outside."""

    codes = ("WF126", "WF127")

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield what is wrong with the schema."""
        yield from schema_findings(("inputSchema",), document.definition.input_schema, objects=True)


def schema_findings(path: Path, schema: dict[str, Any], *, objects: bool = False) -> Iterator[Diagnostic]:
    """What is wrong with a JSON Schema.

    :param path: where it is
    :param schema: the schema
    :param objects: what it describes is always an object
    """
    if not schema:
        return
    if _size(schema) > MAX_SIZE:
        yield finding("WF126", path, f"The schema has more than {MAX_SIZE} values", "describe less")
        return
    found: list[Diagnostic] = []
    try:
        found += _invalid(path, schema)
        found += _references(path, schema)
        # A broken schema cannot be tried.
        if not found:
            _try(schema)
    except RecursionError:
        yield finding("WF126", path, "The schema is nested too deeply, or refers to itself without end")
        return
    except Exception as error:
        # What a broken schema refers to may not even be looked up.
        if not found:
            yield finding("WF126", path, f"The schema cannot be used: {shortened(str(error))}")
    yield from found
    declared = schema.get("$schema")
    if declared is not None and str(declared).rstrip("#") != DRAFT:
        message = f"The schema says it is {shown(declared)}, but is read as draft 2020-12"
        yield warning("WF126", (*path, "$schema"), message, f"write {DRAFT}")
    kinds = schema.get("type")
    if objects and kinds is not None and kinds != "object" and not (isinstance(kinds, list) and "object" in kinds):
        yield finding("WF126", (*path, "type"), "The input of a workflow is always an object", 'write "type": "object"')


def _invalid(path: Path, schema: dict[str, Any]) -> Iterator[Diagnostic]:
    from jsonschema import Draft202012Validator

    meta = Draft202012Validator(Draft202012Validator.META_SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
    seen: set[tuple[Any, ...]] = set()
    for error in meta.iter_errors(schema):
        place = tuple(error.absolute_path)
        if place not in seen and len(seen) < _MAX_FINDINGS:
            seen.add(place)
            yield finding("WF126", (*path, *place), f"Not a valid JSON Schema: {shortened(error.message)}")


def _references(path: Path, schema: dict[str, Any]) -> Iterator[Diagnostic]:
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    resource = DRAFT202012.create_resource(schema)
    base = resource.id() or ""
    resolver = Registry().with_resource(base, resource).crawl().resolver(base)
    for place, reference in _names_of(schema, ()):
        try:
            resolver.lookup(reference)
        except (Unresolvable, ValueError):
            message = f"{shown(reference)} refers to nothing inside this schema; nothing is ever fetched"
            yield finding("WF127", (*path, *place), message, "put what it refers to under $defs, and write #/$defs/…")


def _names_of(schema: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key in {"$ref", "$dynamicRef"} and isinstance(value, str):
                yield (*path, key), value
            elif key not in _DATA_KEYS or (path and path[-1] == "properties"):
                yield from _names_of(value, (*path, key))
    elif isinstance(schema, list):
        for index, value in enumerate(schema):
            yield from _names_of(value, (*path, index))


def _size(schema: Any) -> int:
    size = 0
    waiting = [schema]
    while waiting and size <= MAX_SIZE:
        value = waiting.pop()
        size += 1
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return size


def _try(schema: dict[str, Any]) -> None:
    from jsonschema import Draft202012Validator
    from referencing import Registry

    validator = Draft202012Validator(schema, registry=Registry(), format_checker=Draft202012Validator.FORMAT_CHECKER)
    validator.is_valid({})
