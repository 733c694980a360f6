"""From text to a JSON value, more strictly than Python does it, with every problem and its place.

Documents, data and the options of the configuration that hold JSON are read here; what each makes of the problems is
its own: see :mod:`airflow_workflow_provider.model.json_text` and :mod:`airflow_workflow_provider.settings.values`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

MAX_DIGITS: Final = 300
"""Digits of an integer."""

_TOO_LARGE: Final = 10**MAX_DIGITS
_QUOTES: Final = frozenset("'\u2018\u2019\u201c\u201d")
_LONGEST_SHOWN: Final = 60

Path = tuple[str | int, ...]


class Problem(NamedTuple):
    """Why a text, or a value, is no JSON that can be kept.

    :param code: of a diagnostic
    :param path: names and positions from the root to the place
    :param suggestion: how to fix it
    """

    code: str
    path: Path
    message: str
    suggestion: str | None = None


class Unreadable(Exception):
    """A text is no JSON at all.

    :param problem: why
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass(frozen=True)
class _BadNumber:
    """Stands in a parsed document for an invalid number."""

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


def parsed(text: str | bytes) -> tuple[Any, list[Problem]]:
    """The JSON value of a text, and what is wrong in it: a key twice, an invalid number.

    :param text: JSON; bytes are read as UTF-8, UTF-16 or UTF-32
    :raises Unreadable: it is not JSON
    :raises RecursionError: it is nested too deeply to be read
    """
    duplicates = _Duplicates()
    try:
        value = json.loads(
            decoded(text),
            object_pairs_hook=duplicates.make,
            parse_constant=_BadNumber,
            parse_float=_parse_float,
            parse_int=_parse_int,
        )
    except json.JSONDecodeError as error:
        raise Unreadable(_not_json(error)) from error
    return value, list(_text_problems(value, duplicates))


def decoded(text: str | bytes) -> str:
    """Return the characters of a JSON text, in whichever encoding of Unicode it is.

    :raises Unreadable: ``WF100``: it is in none
    """
    if isinstance(text, str):
        return text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    try:
        return bytes(text).decode(json.detect_encoding(bytes(text))).removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    except UnicodeDecodeError as error:
        message = f"The text is not {error.encoding.upper()}: byte {error.start} does not fit"
        raise Unreadable(Problem("WF100", (), message, "save the file as UTF-8")) from error


class Place:
    """Where a value stands; its path is put together only where something is wrong."""

    __slots__ = ("_key", "_outer", "depth")

    def __init__(self, outer: Place | None, key: str | int) -> None:
        self._outer = outer
        self._key = key
        self.depth: int = 0 if outer is None else outer.depth + 1

    @property
    def path(self) -> Path:
        """Names and positions from the root on."""
        parts: list[str | int] = []
        place = self
        while place._outer is not None:
            parts.append(place._key)
            place = place._outer
        return tuple(reversed(parts))


def walk(document: Any) -> Iterator[tuple[Place, Any]]:
    """Every value with its place, in document order, without recursion."""
    stack: list[tuple[Place, Any]] = [(Place(None, ""), document)]
    while stack:
        place, value = stack.pop()
        yield place, value
        if isinstance(value, dict):
            stack.extend((Place(place, str(key)), part) for key, part in reversed(value.items()))
        elif isinstance(value, (list, tuple)):
            stack.extend((Place(place, index), value[index]) for index in reversed(range(len(value))))


def value_problems(value: Any) -> Iterable[tuple[str, str]]:
    """What makes one value unfit, but for what is in it: codes and messages."""
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
        return None if math.isfinite(value) else ("WF102", f"{value} is not a JSON number")
    return "WF112", f"A value of type {type(value).__name__} is not JSON"


def _text_problem(text: str) -> tuple[str, str] | None:
    if "\0" in text:
        return "WF105", "The text has the character U+0000, which PostgreSQL cannot store"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        half = f"U+{ord(text[error.start]):04X}"
        return "WF105", f"The text has half of a surrogate pair, {half}, which is not a character"
    return None


def _key_problems(value: dict[Any, Any]) -> Iterator[tuple[str, str]]:
    for key in value:
        if not isinstance(key, str):
            yield "WF112", f"The key {_shown(key)} is no text"
            continue
        problem = _text_problem(key)
        if problem is not None:
            yield problem[0], f"A key: {problem[1]}"


def _text_problems(value: Any, duplicates: _Duplicates) -> Iterator[Problem]:
    for place, part in walk(value):
        if isinstance(part, _BadNumber):
            message = f"{_cut(part.text)} is not a number that JSON and PostgreSQL can store"
            yield Problem("WF102", place.path, message, "write a finite number of at most 300 digits, or a text")
        elif isinstance(part, dict) and id(part) in duplicates.found:
            for key in duplicates.found[id(part)][1]:
                message = f"The object has the key {_shown(key)} twice; only the last would count"
                yield Problem("WF101", (*place.path, key), message, "keep one of them")


def _parse_float(text: str) -> Any:
    value = float(text)
    return value if math.isfinite(value) else _BadNumber(text)


def _parse_int(text: str) -> Any:
    return int(text) if len(text.lstrip("-")) <= MAX_DIGITS else _BadNumber(text)


def _not_json(error: json.JSONDecodeError) -> Problem:
    message = f"Not JSON: {error.msg} in line {error.lineno}, column {error.colno}"
    return Problem("WF100", (), message, _hint(error.doc, error.pos))


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


def _shown(key: Any) -> str:
    return repr(_cut(key)) if isinstance(key, str) else repr(key)


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return text if len(text) <= _LONGEST_SHOWN else line[: _LONGEST_SHOWN - 1] + "…"
