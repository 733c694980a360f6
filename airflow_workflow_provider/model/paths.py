"""Paths into JSON documents, as ``executionLog`` writes them (rules L2 and L4).

A path is names with dots between: ``customer.email``. ``[2]`` is a position in a list, ``[*]`` every position, ``*``
any name or position, ``**`` any number of them. A name with other characters is quoted, in brackets or not:
``orders["net.gross"]``. Lists that a path does not mention are searched: ``users.password`` is that of every
user.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from airflow_workflow_provider.model.json_schema.patterns import PatternError, PatternTimeout, stored_pattern

MAX_DEEP: Final = 3
"""``**`` in one path: each more multiplies the ways in which it can match."""

MAX_LENGTH: Final = 500

MAX_REDACTED: Final = 1_000
"""Paths of one ``redact``; publishing refuses more, and of what was stored with more everything is masked."""

_VISIT: Final = 10
_PATTERN: Final = 10
"""What it takes to look at a value, and to look for a pattern, in comparisons of a name."""

Part = str | int


class PathError(ValueError):
    """A text is not a path; the message says why."""


@dataclass(frozen=True)
class Name:
    """A property; a number also stands for that position."""

    text: str

    def fits(self, part: Part) -> bool:
        """Return whether a part of a place is meant."""
        return part == self.text or (isinstance(part, int) and str(part) == self.text)


@dataclass(frozen=True)
class Position:
    """A position in a list, or every one from it on."""

    first: int
    on: bool = False

    def fits(self, part: Part) -> bool:
        """Return whether a part of a place is meant."""
        return isinstance(part, int) and (part >= self.first if self.on else part == self.first)


@dataclass(frozen=True)
class Others:
    """Properties that have no name in a schema.

    :param like: pattern of the names; None for all
    :param but: names that are not meant
    :param but_like: patterns of names that are not meant
    """

    like: str | None = None
    but: tuple[str, ...] = ()
    but_like: tuple[str, ...] = ()

    def fits(self, part: Part) -> bool:
        """Return whether a part of a place is meant; if that is unknown, it counts as meant."""
        if isinstance(part, int) or part in self.but:
            return False
        if any(_matches(pattern, part, otherwise=False) for pattern in self.but_like):
            return False
        return self.like is None or _matches(self.like, part, otherwise=True)


@dataclass(frozen=True)
class Anything:
    """``*``: any property or position."""

    def fits(self, _: Part) -> bool:
        """Return whether a part of a place is meant."""
        return True


@dataclass(frozen=True)
class Deep:
    """``**``: any number of properties and positions."""

    def fits(self, _: Part) -> bool:
        """Return whether a part of a place is meant."""
        return True


Segment = Name | Position | Others | Anything | Deep
Path = tuple[Segment, ...]

_NAME: Final = re.compile(r"""[^\s.\[\]*"'`/\\#$@(){},:;|<>=!?&~^%]+""")
_QUOTED: Final = re.compile(r"""\[\s*("(?:[^"\\]|\\.)*"|'[^'\\]*')\s*\]|("(?:[^"\\]|\\.)*")""")
_POSITION: Final = re.compile(r"\[(0|[1-9][0-9]{0,8})\]")


def parse_path(text: str) -> Path:
    """Return the segments of a path.

    :raises PathError: it is none
    """
    if not text or text != text.strip() or len(text) > MAX_LENGTH:
        message = f"it is empty, longer than {MAX_LENGTH} characters, or begins or ends with white space"
        raise PathError(message)
    segments: list[Segment] = []
    at = 0
    while at < len(text):
        if segments and text[at] == ".":
            at += 1
        elif segments and text[at] != "[":
            message = f"after a name comes a dot or a bracket, not {text[at:][:20]!r}"
            raise PathError(message)
        segment, at = _segment(text, at)
        if not (isinstance(segment, Deep) and segments and isinstance(segments[-1], Deep)):
            segments.append(segment)
    if sum(isinstance(each, Deep) for each in segments) > MAX_DEEP:
        message = f"it has ** more than {MAX_DEEP} times"
        raise PathError(message)
    return tuple(segments)


def place_named(text: str) -> tuple[Part, ...]:
    """Return the place that a path of names and positions names; the text itself as a name where it is no such path."""
    try:
        path = parse_path(text)
    except PathError:
        return (text,)
    if not all(isinstance(each, (Name, Position)) for each in path):
        return (text,)
    return tuple(
        each.text if isinstance(each, Name) else each.first for each in path if isinstance(each, (Name, Position))
    )


def _segment(text: str, at: int) -> tuple[Segment, int]:
    for word, segment in (("**", Deep()), ("*", Anything()), ("[*]", Position(0, on=True))):
        if text.startswith(word, at):
            return segment, at + len(word)
    position = _POSITION.match(text, at)
    if position is not None:
        return Position(int(position.group(1))), position.end()
    quoted = _QUOTED.match(text, at)
    if quoted is not None:
        return Name(_unquoted(quoted.group(1) or quoted.group(2))), quoted.end()
    name = _NAME.match(text, at)
    if name is None:
        message = (
            f"{text[at:][:20]!r} is not a name, position, * or **" if at < len(text) else "a name is missing at its end"
        )
        raise PathError(message)
    return Name(name.group()), name.end()


def _unquoted(text: str) -> str:
    if text.startswith("'"):
        return text[1:-1]
    try:
        return str(json.loads(text))
    except ValueError as error:
        message = f"{text} is not a JSON string"
        raise PathError(message) from error


def matches(path: Sequence[Segment], place: Sequence[Part]) -> bool:
    """Return whether a path leads to a place in a document; lists that it does not speak of are looked through."""
    reached = _with_skipped(path, {0})
    for part in place:
        reached = _after(path, reached, part)
    return len(path) in reached


def ends_with(place: Sequence[Part], path: Sequence[Segment]) -> bool:
    """Return whether a place ends with what a path says, wherever it begins."""
    start = _with_skipped(path, {0})
    reached: set[int] = set()
    for part in place:
        reached = _after(path, reached | start, part)
    return len(path) in reached


def _after(path: Sequence[Segment], reached: set[int], part: Part) -> set[int]:
    """Return how many segments of a path may be used up after one more part of a place."""
    found = set()
    for used in reached:
        if used < len(path):
            segment = path[used]
            if isinstance(segment, Deep) or isinstance(part, int):
                found.add(used)
            if not isinstance(segment, Deep) and segment.fits(part):
                found.add(used + 1)
    return _with_skipped(path, found)


def _with_skipped(path: Sequence[Segment], reached: set[int]) -> set[int]:
    """Add what is reached because ``**`` may stand for nothing."""
    skipped = {used + 1 for used in reached if used < len(path) and isinstance(path[used], Deep)}
    return reached if skipped <= reached else _with_skipped(path, reached | skipped)


class Exhausted(Exception):
    """To follow the paths takes more work than was allowed."""


@dataclass
class Allowance:
    """How much work may be done: segments that are compared with parts of places."""

    left: int

    def spend(self, amount: int) -> None:
        """Use some of it up.

        :raises Exhausted: there is not so much left
        """
        self.left -= amount
        if self.left < 0:
            raise Exhausted


def effort_of(segments: Iterable[Segment]) -> int:
    """Return what it takes at most to compare a part of a place with segments."""
    return sum(1 + _PATTERN * (len(each.but_like) + 1) if isinstance(each, Others) else 1 for each in segments)


def values_at(value: Any, path: Sequence[Segment], allowed: Allowance) -> Iterator[Any]:
    """Yield the values to which a path leads, each once.

    :raises Exhausted: it takes more work than is allowed
    """
    waiting = [(value, _with_skipped(path, {0}))]
    while waiting:
        at, reached = waiting.pop()
        if len(path) in reached:
            yield at
        open_ = [path[used] for used in reached if used < len(path)]
        names = [segment.text for segment in open_ if isinstance(segment, Name)]
        if isinstance(at, dict) and len(names) == len(open_):
            # By far most paths are names; nothing else needs to be looked at.
            children: list[tuple[Part, Any]] = [(name, at[name]) for name in dict.fromkeys(names) if name in at]
        else:
            children = _children(at)
        allowed.spend(_VISIT + len(children) * effort_of(open_))
        # What comes first in the document is yielded first.
        for part, inner in reversed(children):
            further = _after(path, reached, part)
            if further:
                waiting.append((inner, further))


def _children(value: Any) -> list[tuple[Part, Any]]:
    if isinstance(value, Mapping):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def to_json(path: Path) -> list[Any]:
    """Return a path as JSON that :func:`from_json` reads."""
    return [_SPELLED[type(segment)](segment) for segment in path]


_SPELLED: Final[dict[type, Any]] = {
    Name: lambda each: each.text,
    Position: lambda each: {"from": each.first} if each.on else each.first,
    Others: lambda each: {"like": each.like, "but": list(each.but), "butLike": list(each.but_like)},
    Anything: lambda _: {"any": True},
    Deep: lambda _: {"deep": True},
}


def from_json(path: Sequence[Any]) -> Path:
    """Return the path that was written as JSON."""
    return tuple(_segment_of(part) for part in path)


def _segment_of(part: Any) -> Segment:
    if isinstance(part, int):
        return Position(part)
    if isinstance(part, str):
        return Name(part)
    if "from" in part:
        return Position(part["from"], on=True)
    if "like" in part:
        return Others(part["like"], tuple(part["but"]), tuple(part["butLike"]))
    return Deep() if "deep" in part else Anything()


def _matches(pattern: str, text: str, *, otherwise: bool) -> bool:
    try:
        return stored_pattern(pattern).search(text)
    except (PatternError, PatternTimeout):
        return otherwise
