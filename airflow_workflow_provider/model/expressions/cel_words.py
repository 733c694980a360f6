"""Messages for failures of CEL expressions: the operation, and the kinds of its values (rule X2)."""

from __future__ import annotations

import re
from typing import Final

from airflow_workflow_provider.model.expressions.cel_arithmetic import SIGNS, TEXT

_CODE: Final = re.compile(r"^[A-Z_]+: |\s*\[[A-Z_]+\]\s*$")
_NO_OVERLOAD: Final = re.compile(
    r"No matching overloads found : (?:\((?P<object>.*?)\)\.)?(?P<name>[^(\s]*)(?:\((?P<given>.*)\))?"
)
_NO_KEY: Final = re.compile(r"Key not found in map : (.*)")
_CONTAINER: Final = re.compile(r"Invalid container type: '([^']*)'")
_INDEX: Final = re.compile(r"Index error: expected integer type, got (\S+)")
_OUTSIDE: Final = re.compile(r"Index error: index=(-?[0-9]+) size=([0-9]+)")
_MAP_KEY: Final = re.compile(r"Invalid map key type: '([^']*)'")

_KINDS: Final = {
    "null_type": "null", "null": "null", "bool": "true or false", "dyn": "any value", "type": "a type",
    "int64": "a number", "uint64": "a number", "int": "a number", "uint": "a number", "double": "a number",
    "string": "a text", "bytes": "bytes or a number of more than 64 bits", "list": "a list", "map": "an object",
    "duration": "a duration", "timestamp": "a timestamp",
    "google.protobuf.duration": "a duration", "google.protobuf.timestamp": "a timestamp",
}  # fmt: skip
_OPERATORS: Final = {
    "_+_": "+", "_-_": "-", "_*_": "*", "_/_": "/", "_%_": "%", "_<_": "<", "_<=_": "<=", "_>_": ">", "_>=_": ">=",
    "_==_": "==", "_!=_": "!=", "@in": "in", "-_": "-",
}  # fmt: skip
_LITERALS: Final = {"int": "a whole number", "uint": "an unsigned number", "double": "a number with a fraction"}
"""Of numbers that are literals, whose kinds CEL distinguishes."""

_BOOLEAN: Final = {
    "!_": "! needs true or false",
    "_&&_": "&& needs true or false on both sides",
    "_||_": "|| needs true or false on both sides",
    "<jump_condition>": "the condition before ? must be true or false",
    "_?_:_": "the condition before ? must be true or false",
    "<iter_range>": "a macro such as all, exists, map or filter needs a list or an object to go through",
    "@in": "in needs a list or an object on its right side, and a text where that is an object",
    "@not_strictly_false": "a macro's condition must be true or false",
    "_[_]": "[ ] needs a list with a whole number, or an object with a text",
}
_KNOWN: Final = (
    ("divide by zero", "a number is divided by zero"),
    ("modulus by zero", "a number is divided by zero"),
    ("integer overflow", "the result overflows: it is a whole number of more than 64 bits"),
    ("Iteration budget", "the expression takes too many steps"),
    ("SELECT to non-message", "a field is read from a value that is not an object"),
    ("Invalid regex", "the regular expression of matches is invalid"),
    ("cannot convert string to int", "int() is called with a text that is not a whole number of 64 bits"),
    ("cannot convert string to uint", "uint() is called with a text that is not a whole number from 0"),
    ("cannot convert string to double", "double() is called with a text that is not a number"),
    ("from 'string' to 'bool'", 'bool() is called with a text that is neither "true" nor "false"'),
    ("String to Timestamp", "timestamp() is called with a text that is not an RFC 3339 timestamp"),
    ("String to Duration", 'duration() is called with a text that is not a duration, such as "1h30m"'),
    ("Invalid timezone", "there is no such time zone"),
    ("timestamp overflow", "the timestamp is outside of the years 1 to 9999"),
    ("out of int64 range", "int() is called with a number of more than 64 bits"),
    ("out of uint64 range", "uint() is called with a negative number, or one of more than 64 bits"),
    ("out of range", "the value is outside of what this type can hold"),
)


def words(message: str, source: str = "") -> str:
    """What an error of the engine means.

    :param message: the engine's own text
    :param source: the expression
    """
    text = _CODE.sub("", _CODE.sub("", message)).strip()
    missing = _NO_KEY.search(text)
    if missing is not None:
        return f"there is no field {missing[1]}; has(…) tests whether there is one"
    overload = _NO_OVERLOAD.search(text)
    if overload is not None:
        name = overload["name"]
        # Macros are written out with && and || before they are run.
        if name in {"_&&_", "_||_"} and name.strip("_") not in source:
            name = "@not_strictly_false"
        return _applied(name, overload["object"], overload["given"])
    for pattern, form in (
        (_CONTAINER, "[ ] is applied to {}, which has no entries"),
        (_INDEX, "a list index is a whole number, not {}"),
        (_MAP_KEY, "the key of an object must be a text, not {}"),
    ):
        found = pattern.search(text)
        if found is not None:
            return form.format(kind(found[1]))
    outside = _OUTSIDE.search(text)
    if outside is not None:
        return f"the list has no index {outside[1]}: it has {outside[2]} entries, counted from 0"
    return next((plain for part, plain in _KNOWN if part in text), text)


def _applied(name: str, receiver: str | None, given: str | None) -> str:
    if name in _BOOLEAN:
        return _BOOLEAN[name]
    kinds = [kind(part) for part in _split(given or "")]
    sign = SIGNS.get(name) or _OPERATORS.get(name)
    if sign is not None and len(kinds) > 1:
        return f"{sign} cannot be applied to {kinds[0]} and {kinds[1]}"
    if sign is not None:
        return f"{sign} cannot be applied to {kinds[0] if kinds else 'such a value'}"
    name = "string" if name == TEXT else name
    if receiver is not None:
        arguments = f" with {' and '.join(kinds)}" if kinds else ""
        return f"{name}() cannot be called on {kind(receiver)}{arguments}"
    return f"{name}() cannot be called with {' and '.join(kinds) or 'nothing'}"


def compile_words(name: str, given: str) -> str:
    """What the engine's checker found: a function or operator that does not take such values.

    :param name: its inner name
    :param given: the types of its arguments, with commas between
    """
    name = name.removeprefix(".")
    kinds = [_LITERALS.get(part) or kind(part) for part in _split(given)]
    sign = _OPERATORS.get(name)
    if sign is not None:
        return f"{sign} cannot be applied to {' and '.join(kinds)}"
    return _BOOLEAN.get(name) or f"{name}() cannot be applied to {' and '.join(kinds) or 'nothing'}"


def _split(types: str) -> list[str]:
    """Types with commas between, some of which have types inside."""
    parts, depth = [""], 0
    for sign in types:
        depth += (sign in "(<[") - (sign in ")>]")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts if part.strip()]


def kind(name: str) -> str:
    """A type of the engine in words."""
    bare = re.split(r"[(<]", name.strip("'"), maxsplit=1)[0].lower().removeprefix("wrapper")
    return _KINDS.get(bare) or _KINDS.get(name) or name
