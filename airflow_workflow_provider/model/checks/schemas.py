"""JSON Schemas inside a document (rules X6 and K2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.model.checks.base import Check, Checked, Path, finding, warning
from airflow_workflow_provider.model.words import shortened, shown

if TYPE_CHECKING:
    from airflow_workflow_provider.model.diagnostics import Diagnostic

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
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
    yield from _flaws(path, schema)
    declared = schema.get("$schema")
    if declared is not None and str(declared).rstrip("#") != DRAFT:
        message = f"The schema declares {shown(declared)}, but is read as draft 2020-12"
        yield warning("WF126", (*path, "$schema"), message, f"write {DRAFT}")
    kinds = schema.get("type")
    if objects and kinds is not None and kinds != "object" and not (isinstance(kinds, list) and "object" in kinds):
        yield finding("WF126", (*path, "type"), "The input of a workflow is always an object", 'write "type": "object"')


def _flaws(path: Path, schema: dict[str, Any]) -> Iterator[Diagnostic]:
    from airflow_workflow_provider.model.json_schema.soundness import flaws

    try:
        for flaw in flaws(schema, _MAX_FINDINGS):
            code = "WF127" if flaw.outside else "WF126"
            yield finding(code, (*path, *flaw.path), flaw.message, flaw.suggestion)
    except RecursionError:
        yield finding("WF126", path, "The schema is nested too deeply, or refers to itself without end")
    except (TypeError, ValueError, AttributeError) as error:
        # A value that is not a schema cannot even be traversed.
        yield finding("WF126", path, f"The schema cannot be used: {shortened(str(error))}")


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
