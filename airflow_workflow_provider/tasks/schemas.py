"""The JSON Schemas of the built-in tasks' arguments (draft 2020-12); ``docs/tasks.md`` is their handbook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_workflow_provider.engine.failure import BUILT_IN_TYPES, WORKFLOW_FAILED

# What parse_duration reads: fixed lengths only, so no years and no months.
_NUMBER = "[0-9]+([.,][0-9]+)?"
_TIME = f"T({_NUMBER}H({_NUMBER}M)?({_NUMBER}S)?|{_NUMBER}M({_NUMBER}S)?|{_NUMBER}S)"
_DURATION = f"^P({_NUMBER}W|{_NUMBER}D({_TIME})?|{_TIME})$"
_RFC3339 = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$"
_PATTERN = r"^(\*{1,2}|[^*.]*)(\.(\*{1,2}|[^*.]*))*$"
_HTTP_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_STATUS: dict[str, Any] = {"type": "integer", "minimum": 100, "maximum": 599}
_SCALAR: dict[str, Any] = {"type": ["string", "number", "boolean"]}


def _schema(properties: Mapping[str, Any], *, required: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
        **more,
    }


_DURATION_FIELD: dict[str, Any] = {"type": "string", "pattern": _DURATION}
_NAMES: dict[str, Any] = {
    "type": "array",
    "items": {"type": "string", "minLength": 1, "maxLength": 250},
    "uniqueItems": True,
    "maxItems": 1000,
}
_OPTION: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 100}
_ASSIGNEES = _schema({"users": _NAMES, "roles": _NAMES, "groups": _NAMES})

_QUESTION: Mapping[str, Any] = {
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
        "anyOf": [_OPTION, _schema({"option": _OPTION}, required=("option",))],
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
        "items": _schema({"after": _DURATION_FIELD, "assignees": _ASSIGNEES}, required=("after", "assignees")),
        "description": "who else may answer after a time",
    },
    "notifiers": {**_NAMES, "description": "names of [workflows] notifiers to use; default: all"},
}


ARGUMENT_SCHEMAS: Mapping[str, dict[str, Any]] = {
    "noop": _schema({}),
    "set": {"type": "object"},
    "fail": _schema(
        {
            "type": {
                "type": "string",
                "minLength": 1,
                "not": {
                    "enum": sorted(BUILT_IN_TYPES - {WORKFLOW_FAILED}),
                    "description": "is a type that only the engine itself gives; choose a name of your own",
                },
                "description": "type of the error, WorkflowFailed if absent; no other type of the engine's own",
            },
            "code": {"type": ["string", "null"]},
            "message": {"type": "string"},
            "details": {"type": "object"},
        }
    ),
    "wait": _schema(
        {
            "duration": {
                "type": "string",
                "pattern": _DURATION,
                "description": "ISO 8601 duration without years and months, such as PT15M",
            },
            "until": {
                "type": "string",
                "pattern": _RFC3339,
                "description": "RFC 3339 time with offset, such as 2027-01-31T09:00:00+01:00",
            },
        },
        oneOf=[{"required": ["duration"]}, {"required": ["until"]}],
    ),
    "python": _schema(
        {
            "callable": {
                "type": "string",
                "minLength": 1,
                "description": "id of a function registered with @workflow_task",
            },
            "input": {"type": "object"},
        },
        required=("callable",),
    ),
    "http": _schema(
        {
            "connection": {"type": "string", "minLength": 1, "description": "id of an Airflow HTTP connection"},
            "method": {"enum": list(_HTTP_METHODS)},
            "path": {
                "type": "string",
                "maxLength": 8000,
                "description": "path below the connection's address, without scheme, host and query",
                "not": {"pattern": r"^([A-Za-z][A-Za-z0-9+.-]*:)?//"},
            },
            "headers": {"type": "object", "additionalProperties": {"type": "string"}},
            "query": {
                "type": "object",
                "additionalProperties": {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR}]},
            },
            "json": {"description": "any JSON value, sent as application/json"},
            "body": {"type": "string"},
            "expectedStatus": {"anyOf": [_STATUS, {"type": "array", "items": _STATUS, "minItems": 1}]},
        },
        required=("path",),
        **{"not": {"required": ["json", "body"]}},
    ),
    "sql": _schema(
        {
            "connection": {"type": "string", "minLength": 1, "description": "id of an Airflow SQL connection"},
            "sql": {"type": "string", "minLength": 1, "description": "one statement"},
            "write": {"type": "boolean", "description": "whether the statement may change data"},
            "parameters": {
                "type": ["object", "array"],
                "description": "values for the placeholders of the statement; never put values into its text",
            },
            "fetch": {"enum": ["none", "one", "all"]},
            "maxRows": {"type": "integer", "minimum": 1, "maximum": 100_000},
        },
        required=("connection", "sql"),
    ),
    "receive": _schema(
        {
            "eventPattern": {
                "type": "string",
                "minLength": 1,
                "maxLength": 500,
                "pattern": _PATTERN,
                "description": "type of the events; * is one segment between dots, ** any number",
            },
            "correlation": {
                "type": "object",
                "propertyNames": {"minLength": 1},
                "description": "values that the event's data must have, by dotted path",
            },
            "timeout": {
                "type": "string",
                "pattern": _DURATION,
                "description": "how long to wait, an ISO 8601 duration without years and months",
            },
        },
        required=("eventPattern",),
    ),
    "event": _schema(
        {
            "type": {"type": "string", "minLength": 1, "maxLength": 500},
            "source": {"type": "string", "minLength": 1},
            "id": {"type": "string", "minLength": 1},
            "subject": {"type": "string", "minLength": 1},
            "time": {"type": "string", "pattern": _RFC3339},
            "data": {"description": "any JSON value"},
            "extensions": {
                "type": "object",
                "propertyNames": {"pattern": "^[a-z0-9]{1,40}$"},
                "additionalProperties": {"type": ["string", "integer", "boolean"]},
            },
        },
        required=("type",),
    ),
    "approval": _schema(
        {
            **_QUESTION,
            "failOnReject": {
                "type": "boolean",
                "description": "a decision for another option than the first one fails the step with Rejected",
            },
        },
        required=("subject",),
    ),
    "form": _schema(_QUESTION, required=("subject", "schema")),
}
"""JSON Schema (draft 2020-12) of the arguments of each built-in task."""
