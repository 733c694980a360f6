"""The shape of a state machine, as a JSON Schema: what is an object, a list or a text."""

from __future__ import annotations

from typing import Any, Final

_TEXT: Final = {"type": "string"}
_PATH: Final = {"type": ["string", "null"]}
_OBJECT: Final = {"type": "object"}
_NAMES: Final = {"type": "array", "items": _TEXT, "minItems": 1}
_NUMBER: Final = {"type": "number"}

_RULE: Final = {
    "type": "object",
    "properties": {
        "Variable": _TEXT,
        "Next": _TEXT,
        "And": {"type": "array", "items": {"$ref": "#/$defs/rule"}, "minItems": 1},
        "Or": {"type": "array", "items": {"$ref": "#/$defs/rule"}, "minItems": 1},
        "Not": {"$ref": "#/$defs/rule"},
        "Assign": _OBJECT,
    },
}
_STATE: Final = {
    "type": "object",
    "required": ["Type"],
    "properties": {
        "Type": _TEXT,
        "QueryLanguage": _TEXT,
        "Next": _TEXT,
        "Default": _TEXT,
        "End": {"type": "boolean"},
        "Resource": _TEXT,
        "InputPath": _PATH,
        "OutputPath": _PATH,
        "ResultPath": _PATH,
        "ItemsPath": _TEXT,
        "SecondsPath": _TEXT,
        "TimeoutSecondsPath": _TEXT,
        "MaxConcurrencyPath": _TEXT,
        "ToleratedFailureCountPath": _TEXT,
        "ToleratedFailurePercentagePath": _TEXT,
        "TimestampPath": _TEXT,
        "ErrorPath": _TEXT,
        "CausePath": _TEXT,
        "Error": _TEXT,
        "Cause": _TEXT,
        "Assign": _OBJECT,
        "ResultSelector": _OBJECT,
        "ItemReader": _OBJECT,
        "ItemBatcher": {
            "type": "object",
            "properties": {"MaxItemsPerBatchPath": _TEXT, "BatchInput": _OBJECT},
        },
        "Choices": {"type": "array", "items": {"$ref": "#/$defs/rule"}, "minItems": 1},
        "Branches": {"type": "array", "items": {"$ref": "#/$defs/machine"}, "minItems": 1},
        "Iterator": {"$ref": "#/$defs/machine"},
        "ItemProcessor": {"$ref": "#/$defs/machine"},
        "Retry": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["ErrorEquals"],
                "properties": {"ErrorEquals": _NAMES, "BackoffRate": _NUMBER},
            },
        },
        "Catch": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["ErrorEquals", "Next"],
                "properties": {"ErrorEquals": _NAMES, "Next": _TEXT, "ResultPath": _PATH, "Assign": _OBJECT},
            },
        },
    },
    "allOf": [
        {"if": {"properties": {"Type": {"const": "Choice"}}}, "then": {"required": ["Choices"]}},
        {"if": {"properties": {"Type": {"const": "Parallel"}}}, "then": {"required": ["Branches"]}},
        {"if": {"properties": {"Type": {"const": "Task"}}}, "then": {"required": ["Resource"]}},
        {
            "if": {"properties": {"Type": {"const": "Map"}}},
            "then": {"anyOf": [{"required": ["ItemProcessor"]}, {"required": ["Iterator"]}]},
        },
    ],
}
_MACHINE: Final = {
    "type": "object",
    "required": ["StartAt", "States"],
    "properties": {
        "StartAt": _TEXT,
        "QueryLanguage": _TEXT,
        "ProcessorConfig": _OBJECT,
        "States": {"type": "object", "minProperties": 1, "additionalProperties": {"$ref": "#/$defs/state"}},
    },
}

SHAPE: Final[dict[str, Any]] = {
    "$ref": "#/$defs/machine",
    "$defs": {"machine": _MACHINE, "state": _STATE, "rule": _RULE},
}
