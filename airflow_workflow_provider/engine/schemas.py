"""JSON Schema in the engine: inputs of instances, inputs and outputs of tasks (rules X6, K2)."""

from __future__ import annotations

import copy
import json
import re
from functools import lru_cache
from typing import Any

from airflow_workflow_provider.engine.failure import OUTPUT_ERROR, VALIDATION_ERROR
from airflow_workflow_provider.errors import StepFailure

MAX_LISTED = 50
MAX_REF_DEPTH = 32
LONGEST_MESSAGE = 500


def with_defaults(schema: Any, value: Any) -> Any:
    """Return a value with the schema's defaults applied, at every depth where the enclosing object is given."""
    return _with_defaults(schema, copy.deepcopy(value), schema, 0)


def check_against(schema: dict[str, Any], value: Any, what: str, *, output: bool = False) -> None:
    """Check a value against a JSON Schema (draft 2020-12, formats checked, nothing fetched).

    :param what: how messages call the value
    :param output: the value is a task's result, so it fails with ``OutputError``
    :raises StepFailure: of type ``ValidationError`` or ``OutputError``; every finding is in its details
    """
    findings = schema_findings(schema, value)
    if findings:
        place = findings[0]["pointer"] or "/"
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        msg = f"The {what} does not fit its schema: {place}: {findings[0]['message']}{more}"
        raise StepFailure(
            msg,
            type=OUTPUT_ERROR if output else VALIDATION_ERROR,
            details={"errors": findings[:MAX_LISTED]},
        )


def schema_findings(schema: dict[str, Any], value: Any) -> list[dict[str, str]]:
    """Return every way in which a value does not fit a schema, as ``{"pointer", "message"}``, in document order."""
    if not schema:
        return []
    errors = sorted(_validator(json.dumps(schema)).iter_errors(value), key=lambda e: [str(p) for p in e.absolute_path])
    return [{"pointer": _pointer(error.absolute_path), "message": _message(error)} for error in errors]


def _message(error: Any) -> str:
    """Return what is wrong, whole or not quoted at all: a secret that was cut would not be found to be masked."""
    if len(error.message) <= LONGEST_MESSAGE:
        return str(error.message)
    return f"the value does not fit {error.validator!r} of its schema"


@lru_cache(maxsize=256)
def _validator(schema_text: str) -> Any:
    from jsonschema import Draft202012Validator
    from referencing import Registry

    schema = json.loads(schema_text)
    return Draft202012Validator(schema, registry=Registry(), format_checker=Draft202012Validator.FORMAT_CHECKER)


def _pointer(path: Any) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def _with_defaults(schema: Any, value: Any, root: Any, depth: int) -> Any:
    if not isinstance(schema, dict) or depth > MAX_REF_DEPTH:
        return value
    reference = schema.get("$ref")
    if isinstance(reference, str):
        value = _with_defaults(_resolve(reference, root), value, root, depth + 1)
    for part in schema.get("allOf", ()):
        value = _with_defaults(part, value, root, depth + 1)
    if isinstance(value, dict):
        _complete_object(schema, value, root, depth)
    elif isinstance(value, list):
        first = schema.get("prefixItems") or []
        schemas = (*first, *[schema.get("items")] * (len(value) - len(first)))
        value = [_with_defaults(inner, item, root, depth + 1) for inner, item in zip(schemas, value, strict=False)]
    return value


def _complete_object(schema: dict[str, Any], value: dict[str, Any], root: Any, depth: int) -> None:
    named = schema.get("properties") or {}
    patterns = schema.get("patternProperties") or {}
    for name, inner in named.items():
        if name not in value and isinstance(inner, dict) and "default" in inner:
            value[name] = copy.deepcopy(inner["default"])
    for name, given in list(value.items()):
        schemas = [named[name]] if name in named else []
        schemas += [inner for pattern, inner in patterns.items() if re.search(pattern, name)]
        completed = given
        for inner in schemas or [schema.get("additionalProperties")]:
            completed = _with_defaults(inner, completed, root, depth + 1)
        value[name] = completed


def _resolve(reference: str, root: Any) -> Any:
    """Return what a local reference names; None for any other, which validation reports."""
    found = root
    if not reference.startswith("#"):
        return None
    for part in reference[1:].split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, dict) or key not in found:
            return None
        found = found[key]
    return found
