"""Parts of the JSON Schemas of built-in tasks' arguments (draft 2020-12)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# What parse_duration reads: fixed lengths only, so no years and no months.
_NUMBER: Final = "[0-9]+([.,][0-9]+)?"
_TIME: Final = f"T({_NUMBER}H({_NUMBER}M)?({_NUMBER}S)?|{_NUMBER}M({_NUMBER}S)?|{_NUMBER}S)"
DURATION: Final = f"^P({_NUMBER}W|{_NUMBER}D({_TIME})?|{_TIME})$"
"""Pattern of an ISO 8601 duration without years and months."""

RFC3339: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$"
"""Pattern of a time with offset."""


def arguments_schema(properties: Mapping[str, Any], *, required: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """Return the schema of an object that has no other properties.

    :param more: further keywords
    """
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
        **more,
    }


_DURATION_FIELD: Final[dict[str, Any]] = {"type": "string", "pattern": DURATION}
_NAMES: Final[dict[str, Any]] = {
    "type": "array",
    "items": {"type": "string", "minLength": 1, "maxLength": 250},
    "uniqueItems": True,
    "maxItems": 1000,
}
_OPTION: Final[dict[str, Any]] = {"type": "string", "minLength": 1, "maxLength": 100}
_ASSIGNEES: Final = arguments_schema({"users": _NAMES, "roles": _NAMES, "groups": _NAMES})

QUESTION: Final[Mapping[str, Any]] = {
    "subject": {"type": "string", "minLength": 1, "maxLength": 500, "description": "the question, in one line"},
    "body": {"type": "string", "maxLength": 20_000, "description": "information for the decision, in Markdown"},
    "options": {
        "type": "array",
        "items": _OPTION,
        "minItems": 1,
        "maxItems": 20,
        "uniqueItems": True,
        "description": "the possible decisions; the first one is the approval",
    },
    "optionLabels": {
        "type": "object",
        "propertyNames": _OPTION,
        "additionalProperties": {"type": "string", "minLength": 1, "maxLength": 100},
        "maxProperties": 20,
        "description": "what people read on the buttons instead of the names of the options, by option",
    },
    "schema": {"type": "object", "description": "JSON Schema of the form to fill in with the decision"},
    "defaults": {"type": "object", "description": "initial values of the form"},
    "assignees": {
        **_ASSIGNEES,
        "description": "who may answer: any of these users, roles and groups; without it, all users with "
        "permission to answer for this workflow in Airflow",
    },
    "minApprovals": {
        "type": "integer",
        "minimum": 1,
        "maximum": 100,
        "description": "how many people must choose the first option; any other choice decides at once",
    },
    "excludeInitiator": {
        "type": "boolean",
        "description": "the user who started the instance may not answer (four eyes)",
    },
    "commentRequired": {
        "type": "array",
        "items": _OPTION,
        "uniqueItems": True,
        "description": "the options that need a comment",
    },
    "timeout": {**_DURATION_FIELD, "description": "maximum wait for an answer, an ISO 8601 duration"},
    "onTimeout": {
        "anyOf": [_OPTION, arguments_schema({"option": _OPTION}, required=("option",))],
        "description": 'the outcome then: {"option": name} counts as the decision; "fail" (default) is a TimeoutError',
    },
    "reminders": {
        "type": "array",
        "items": _DURATION_FIELD,
        "maxItems": 20,
        "description": "when to remind, counted from the question",
    },
    "escalations": {
        "type": "array",
        "maxItems": 10,
        "items": arguments_schema({"after": _DURATION_FIELD, "assignees": _ASSIGNEES}, required=("after", "assignees")),
        "description": "who else may answer after a time",
    },
    "notifiers": {**_NAMES, "description": "names of [workflows] notifiers to use; default: all"},
}
"""The arguments that ``approval`` and ``form`` share."""
