"""From text to a JSON value and back, more strictly than Python does it, with every finding and its place.

Every text that becomes data comes through :func:`loads_data` (or, where it is a definition, :func:`loads_document`,
whose checks go on), and every JSON text of ours out of :func:`dumps`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from airflow_workflow_provider.errors import InvalidDefinition
from airflow_workflow_provider.model.diagnostics import Diagnostic, pointer_of
from airflow_workflow_provider.model.words import shortened, shown

MAX_DEPTH: Final = 400
"""Levels of objects and lists in a document; about a hundred nested parallel steps."""

DATA_DEPTH: Final = 200
"""Levels in data: inputs, outputs, answers, data of events. The state of an instance has it some levels deeper."""

MAX_SIZE: Final = 4_000_000
"""Characters of text plus one for every value of a document."""

MAX_DIGITS: Final = 300
_TOO_LARGE: Final = 10**MAX_DIGITS
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f]+")
_QUOTES: Final = frozenset("'\u2018\u2019\u201c\u201d")

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class _BadNumber:
    """Stands in a parsed document for a number that is none."""

    text: str


class _Duplicates:
    """Remembers the objects that had a key twice; kept alive, so that no other object can get their identity."""

    def __init__(self) -> None:
        self.found: dict[int, tuple[dict[str, Any], list[str]]] = {}

    def make(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            seen: set[str] = set()
            twice = [key for key, _ in pairs if key in seen or seen.add(key)]  # type: ignore[func-returns-value]
            self.found[id(made)] = (made, list(dict.fromkeys(twice)))
        return made


def loads_document(text: str | bytes) -> Any:
    """The JSON value of a document's text.

    :param text: JSON; bytes are read as UTF-8, UTF-16 or UTF-32
    :raises InvalidDefinition: it is not JSON, has a key twice, or has a number that is none; with every finding
    """
    duplicates = _Duplicates()
    try:
        document = json.loads(
            decoded(text),
            object_pairs_hook=duplicates.make,
            parse_constant=_BadNumber,
            parse_float=_parse_float,
            parse_int=_parse_int,
        )
    except json.JSONDecodeError as error:
        raise _refused([_not_json(error)]) from error
    except RecursionError as error:
        raise _refused([_too_deep(())]) from error
    found = list(_text_findings(document, duplicates))
    if found:
        raise _refused(found)
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
    for place, value in _walk(document):
        size += 1 + (len(value) if isinstance(value, str) else 0)
        if place.depth > max_depth:
            return [*found, _too_deep(place.path[:4], max_depth, pointer)]
        if max_size is not None and size > max_size:
            message = f"The document is larger than {max_size} characters"
            return [*found, Diagnostic("WF104", "error", pointer, message, "keep data out of the definition")]
        for code, message in _value_problems(value):
            found.append(Diagnostic(code, "error", pointer + pointer_of(place.path), message))
        if isinstance(value, dict):
            size += sum(len(key) for key in value if isinstance(key, str))
    return found


class _Place:
    """Where a value stands; its path is put together only where something is wrong."""

    __slots__ = ("_key", "_outer", "depth")

    def __init__(self, outer: _Place | None, key: str | int) -> None:
        self._outer = outer
        self._key = key
        self.depth: int = 0 if outer is None else outer.depth + 1

    @property
    def path(self) -> Path:
        parts: list[str | int] = []
        place = self
        while place._outer is not None:
            parts.append(place._key)
            place = place._outer
        return tuple(reversed(parts))


def _walk(document: Any) -> Iterator[tuple[_Place, Any]]:
    """Every value with its place, in document order, without recursion."""
    stack: list[tuple[_Place, Any]] = [(_Place(None, ""), document)]
    while stack:
        place, value = stack.pop()
        yield place, value
        if isinstance(value, dict):
            stack.extend((_Place(place, str(key)), part) for key, part in reversed(value.items()))
        elif isinstance(value, (list, tuple)):
            stack.extend((_Place(place, index), value[index]) for index in reversed(range(len(value))))


def _value_problems(value: Any) -> Iterable[tuple[str, str]]:
    if isinstance(value, dict):
        return _key_problems(value)
    problem = _value_problem(value)
    return () if problem is None else (problem,)


def _value_problem(value: Any) -> tuple[str, str] | None:
    if isinstance(value, str):
        return _text_problem(value)
    if value is None or isinstance(value, (bool, dict, list, tuple)):
        return None
    if isinstance(value, int):
        return None if -_TOO_LARGE < value < _TOO_LARGE else ("WF102", "The integer is too large")
    if isinstance(value, float):
        return None if math.isfinite(value) else ("WF102", f"{value} is no JSON number")
    return "WF112", f"A value of type {type(value).__name__} is not JSON"


def _text_problem(text: str) -> tuple[str, str] | None:
    if "\0" in text:
        return "WF105", "The text has the character U+0000, which PostgreSQL cannot store"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        return "WF105", f"The text has half of a surrogate pair, U+{ord(text[error.start]):04X}, which is no character"
    return None


def _key_problems(value: dict[Any, Any]) -> Iterator[tuple[str, str]]:
    for key in value:
        if not isinstance(key, str):
            yield "WF112", f"The key {shown(key)} is no text"
            continue
        problem = _text_problem(key)
        if problem is not None:
            yield problem[0], f"A key: {problem[1]}"


def _text_findings(document: Any, duplicates: _Duplicates) -> Iterator[Diagnostic]:
    for place, value in _walk(document):
        if isinstance(value, _BadNumber):
            yield Diagnostic(
                "WF102",
                "error",
                pointer_of(place.path),
                f"{shortened(value.text, 60)} is no number that JSON and PostgreSQL can hold",
                "write a finite number of at most 300 digits, or a text",
            )
        elif isinstance(value, dict) and id(value) in duplicates.found:
            for key in duplicates.found[id(value)][1]:
                message = f"The object has the key {shown(key)} twice; only the last would count"
                yield Diagnostic("WF101", "error", pointer_of((*place.path, key)), message, "keep one of them")


def decoded(text: str | bytes) -> str:
    """Return the characters of a JSON text, in whichever encoding of Unicode it is.

    :raises InvalidDefinition: ``WF100``: it is in none
    """
    if isinstance(text, str):
        return text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    try:
        return bytes(text).decode(json.detect_encoding(bytes(text))).removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    except UnicodeDecodeError as error:
        message = f"The text is not {error.encoding.upper()}: byte {error.start} does not fit"
        raise _refused([Diagnostic("WF100", "error", "", message, "save the file as UTF-8")]) from error


def _parse_float(text: str) -> Any:
    value = float(text)
    return value if math.isfinite(value) else _BadNumber(text)


def _parse_int(text: str) -> Any:
    return int(text) if len(text.lstrip("-")) <= MAX_DIGITS else _BadNumber(text)


def _refused(found: list[Diagnostic]) -> InvalidDefinition:
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return InvalidDefinition(found[0].message + more, found)


def _too_deep(path: Path, max_depth: int = MAX_DEPTH, pointer: str = "") -> Diagnostic:
    message = f"The document is nested deeper than {max_depth} levels"
    way_out = "move part of it into a workflow of its own" if max_depth == MAX_DEPTH else "nest it less deeply"
    return Diagnostic("WF103", "error", pointer + pointer_of(path), message, way_out)


def _not_json(error: json.JSONDecodeError) -> Diagnostic:
    message = f"Not JSON: {error.msg} in line {error.lineno}, column {error.colno}"
    return Diagnostic("WF100", "error", "", message, _hint(error.doc, error.pos))


def _hint(text: str, position: int) -> str | None:
    if not text.strip():
        return "the text is empty"
    here = text[position : position + 2]
    before = text[:position].rstrip()
    if here in {"//", "/*"} or here[:1] == "#":
        return "JSON has no comments; remove them"
    if here[:1] in {"}", "]"} and before.endswith(","):
        return "remove the comma before the closing bracket"
    if before.endswith(",") and text[position:].lstrip()[:1] in {"}", "]"}:
        return "remove the comma before the closing bracket"
    if here[:1] in _QUOTES:
        return 'write texts in straight double quotes: "…"'
    if position >= len(text.rstrip()):
        return "the text ends too early; a closing bracket or quote is missing"
    return None
