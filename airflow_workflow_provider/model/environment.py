"""Values of an environment in definitions: ``${env:NAME}`` in a text, replaced before the document is checked.

A text that is nothing but a placeholder becomes the value itself, of any JSON type; inside a longer text stand texts,
numbers and booleans. Values are not read for placeholders again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.model.diagnostics import Diagnostic, pointer_of
from airflow_workflow_provider.model.json_text import dumps, loads_document
from airflow_workflow_provider.model.words import shown
from airflow_workflow_provider.strict_json import walk
from airflow_workflow_provider.vocabulary import ProblemCode

MARK: Final = "env:"
"""Without it, a text has no placeholder, however its other characters are escaped."""
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
MAX_VALUES: Final = 1_000
"""Values of one environment."""

_PLACEHOLDER: Final = re.compile(r"\$\{env:([^{}]*)\}")
_TEXT: Final = re.compile(r'"(?:[^"\\]|\\.)*"(\s*:)?')
_SECRET: Final = re.compile(r"pass(word|wd|phrase)|secret|token|credential|(private|api|access)_?key", re.IGNORECASE)

Values = Mapping[str, Any]


def values_of(document: Any, file: str) -> Values:
    """Return the values of an environment.

    :param document: what its file has
    :param file: its name, for messages
    :raises Misuse: it is not an object, or a name is of another form or that of a secret
    """
    if not isinstance(document, dict) or len(document) > MAX_VALUES:
        message = f"{file} is not an object of at most {MAX_VALUES:,} values"
        raise Misuse(message, code=ProblemCode.BAD_ENVIRONMENT)
    for name in document:
        if not NAME.fullmatch(name):
            message = f"The name {shown(name)} is not 1 to 100 of the characters A-Z a-z 0-9 _, the first one no digit"
            raise Misuse(message, code=ProblemCode.BAD_ENVIRONMENT, pointer=f"{file}#{pointer_of((name,))}")
        if _SECRET.search(name):
            message = f"{shown(name)} looks like a secret; definitions are stored and shown as they are published"
            hint = "keep the secret in an Airflow connection or variable, and name that here"
            raise Misuse(
                message, code=ProblemCode.BAD_ENVIRONMENT, pointer=f"{file}#{pointer_of((name,))}", suggestion=hint
            )
    return document


def resolved(text: str, values: Values) -> str:
    """Return the JSON text of a document with the values in place of placeholders; its layout stays.

    A placeholder without a value stays: :func:`unresolved` finds it.

    :param text: JSON text
    """
    return text if MARK not in text else _TEXT.sub(lambda found: _replaced(found, values), text)


def _replaced(found: re.Match[str], values: Values) -> str:
    # Keys are names, never values.
    if found[1] is not None:
        return found[0]
    text: str = loads_document(found[0])
    whole = _PLACEHOLDER.fullmatch(text)
    if whole is not None:
        return dumps(values[whole[1]]) if whole[1] in values else found[0]
    changed = _PLACEHOLDER.sub(lambda inner: _inside(inner, values), text)
    return found[0] if changed == text else dumps(changed)


def _inside(found: re.Match[str], values: Values) -> str:
    value = values.get(found[1])
    if isinstance(value, str):
        return value
    return dumps(value) if isinstance(value, (bool, int, float)) else found[0]


def unresolved(document: Any) -> Iterator[Diagnostic]:
    """Yield the placeholders that a document has left."""
    for place, value in walk(document):
        if isinstance(value, dict):
            for key in value:
                if isinstance(key, str) and _PLACEHOLDER.search(key):
                    message = f"The key {shown(key)} has a placeholder; only values come from an environment"
                    yield Diagnostic("WF128", "error", pointer_of((*place.path, key)), message)
        elif isinstance(value, str) and MARK in value:
            found = _PLACEHOLDER.search(value)
            if found is not None:
                message = f"{shown(found[0])} has no value here, or one that cannot stand inside a text"
                hint = "publish with --env FILE, whose file has a value of this name"
                yield Diagnostic("WF128", "error", pointer_of(place.path), message, hint)
