"""From text to a JSON value and back, more strictly than Python does it, with every finding and its place.

Every text that becomes data comes through :func:`loads_data` (or, where it is a definition, :func:`loads_document`,
whose checks continue), and every JSON text of ours out of :func:`dumps`.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from airflow_workflow_provider.errors import InvalidDefinition
from airflow_workflow_provider.model.diagnostics import Diagnostic, pointer_of
from airflow_workflow_provider.strict_json import Path, Problem, Unreadable, parsed, value_problems, walk
from airflow_workflow_provider.strict_json import decoded as _decoded

MAX_DEPTH: Final = 400
"""Levels of objects and lists in a document; about a hundred nested parallel steps."""

DATA_DEPTH: Final = 200
"""Levels in data: inputs, outputs, answers, data of events. The state of an instance has it some levels deeper."""

MAX_SIZE: Final = 4_000_000
"""Characters of text plus one for every value of a document."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f]+")


def loads_document(text: str | bytes) -> Any:
    """The JSON value of a document's text.

    :param text: JSON; bytes are read as UTF-8, UTF-16 or UTF-32
    :raises InvalidDefinition: it is not JSON, has a key twice, or has an invalid number; with every finding
    """
    try:
        document, problems = parsed(text)
    except Unreadable as error:
        raise _refused([_finding(error.problem)]) from error
    except RecursionError as error:
        raise _refused([_too_deep(())]) from error
    if problems:
        raise _refused([_finding(each) for each in problems])
    return document


def loads_data(text: str | bytes) -> Any:
    """The JSON value of a text that is data: an input, mocks, an answer, an event.

    :param text: as in :func:`loads_document`
    :raises InvalidDefinition: it is not JSON, or has what cannot be kept as it is; with every finding
    """
    value = loads_document(text)
    found = value_findings(value, max_depth=DATA_DEPTH)
    if found:
        raise _refused(found)
    return value


def dumps(value: Any, *, compact: bool = False, ensure_ascii: bool = False, **how: Any) -> str:
    """The JSON text of a value: strict, and text that is UTF-8. Half of a surrogate pair becomes U+FFFD.

    :param compact: without white space
    :param how: ``indent``, ``sort_keys`` and ``default`` of :func:`json.dumps`
    :raises ValueError: NaN or infinity, which JSON does not have
    :raises TypeError: a value that is not JSON
    """
    separators = (",", ":") if compact else None
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=separators, **how)
    if text.isascii():
        return text
    text = _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)
    return _BEYOND_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text) if ensure_ascii else text


def value_findings(
    document: Any, *, max_depth: int = MAX_DEPTH, max_size: int | None = MAX_SIZE, pointer: str = ""
) -> list[Diagnostic]:
    """What makes a value unfit before its meaning is looked at: depth, size, text, numbers, types.

    :param max_size: characters plus one for every value; None for no bound
    :param pointer: where the value stands
    """
    found: list[Diagnostic] = []
    size = 0
    for place, value in walk(document):
        size += 1 + (len(value) if isinstance(value, str) else 0)
        if place.depth > max_depth:
            return [*found, _too_deep(place.path[:4], max_depth, pointer)]
        if max_size is not None and size > max_size:
            message = f"The document is larger than {max_size} characters"
            return [*found, Diagnostic("WF104", "error", pointer, message, "keep data out of the definition")]
        for code, message in value_problems(value):
            found.append(Diagnostic(code, "error", pointer + pointer_of(place.path), message))
        if isinstance(value, dict):
            size += sum(len(key) for key in value if isinstance(key, str))
    return found


def decoded(text: str | bytes) -> str:
    """Return the characters of a JSON text, in whichever encoding of Unicode it is.

    :raises InvalidDefinition: ``WF100``: it is in none
    """
    try:
        return _decoded(text)
    except Unreadable as error:
        raise _refused([_finding(error.problem)]) from error


def _finding(problem: Problem) -> Diagnostic:
    return Diagnostic(problem.code, "error", pointer_of(problem.path), problem.message, problem.suggestion)


def _refused(found: list[Diagnostic]) -> InvalidDefinition:
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return InvalidDefinition(found[0].message + more, found)


def _too_deep(path: Path, max_depth: int = MAX_DEPTH, pointer: str = "") -> Diagnostic:
    message = f"The document is nested deeper than {max_depth} levels"
    way_out = "move part of it into a workflow of its own" if max_depth == MAX_DEPTH else "nest it less deeply"
    return Diagnostic("WF103", "error", pointer + pointer_of(path), message, way_out)
