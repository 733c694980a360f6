"""ECMA-262 patterns in the syntax of the engines that run them: RE2, and ``regex`` for what RE2 lacks."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Protocol

from airflow_workflow_provider.model.json_schema.code_points import LINE_ENDS, WORD, Ranges, complement, intersection
from airflow_workflow_provider.model.json_schema.pattern_syntax import (
    Back,
    Chars,
    Choice,
    Edge,
    Group,
    Look,
    Node,
    Repeat,
    Sequence,
)

MAX_SIZE: Final = 100_000
"""Character ranges of a pattern with every repetition written out: what an automaton has to hold."""

_RE2_REPEATS: Final = 1000


class TooLarge(Exception):
    """A pattern that would take too much memory."""


@dataclass(frozen=True)
class Written:
    """Part of a pattern in an engine's words.

    :param size: ranges, every repetition written out
    :param repeats: the largest product of nested counts
    """

    text: str
    size: int
    repeats: int = 1


class Dialect(Protocol):
    """How an engine writes what is not the same everywhere.

    :ivar captures: it keeps what groups captured; which of several ways matches then counts, so lazy stays lazy
    """

    captures: bool

    def chars(self, ranges: Ranges) -> str:
        """One of these code points."""
        ...

    def edge(self, kind: str) -> str:
        """A place between characters."""
        ...

    def back(self, node: Back) -> str:
        """What a group captured."""
        ...

    def repeated(self, inner: Written, least: int, most: int | None, lazy: str) -> str:
        """A group, repeated; ``lazy`` is a question mark where as few times as possible are meant."""
        ...


class Re2:
    """RE2: every pattern in time linear in the text; counts up to 1000, nested ones multiplied.

    :param captures: groups capture
    """

    def __init__(self, *, captures: bool = False) -> None:
        self.captures = captures

    def chars(self, ranges: Ranges) -> str:
        """One of these code points."""
        return _class(ranges, r"\x{{{:X}}}") if ranges else r"[^\x{0}-\x{10FFFF}]"

    def edge(self, kind: str) -> str:
        """A place between characters."""
        return {"^": r"\A", "$": r"\z", "b": r"\b", "B": r"\B", "m^": "(?m:^)", "m$": "(?m:$)"}[kind]

    def back(self, node: Back) -> str:
        """Never there: RE2 cannot, and is not asked to."""
        raise NotImplementedError(node)

    def repeated(self, inner: Written, least: int, most: int | None, lazy: str) -> str:
        """A group, repeated; larger counts are written as several ones after each other."""
        step = max(1, _RE2_REPEATS // inner.repeats)
        whole, rest = divmod(least, step)
        parts = [f"{inner.text}{{{step}}}"] * whole + [f"{inner.text}{{{rest}}}"] * bool(rest)
        if most is None:
            return "".join([*parts, f"{inner.text}*{lazy}"])
        whole, rest = divmod(most - least, step)
        parts += [f"{inner.text}{{0,{step}}}{lazy}"] * whole + [f"{inner.text}{{0,{rest}}}{lazy}"] * bool(rest)
        return "".join(parts) or "(?:)"


class Re2Lines(Re2):
    """RE2 over a text of :func:`marked` lines: it knows one end of a line, and ECMA-262 four."""

    def chars(self, ranges: Ranges) -> str:
        """One of these code points."""
        ends = intersection(ranges, LINE_ENDS)
        if not ends:
            return super().chars(ranges)
        others = intersection(ranges, complement(LINE_ENDS))
        end = f"\\n{super().chars(tuple((_MARKS[first], _MARKS[last]) for first, last in ends))}\\n"
        return f"(?:{super().chars(others)}|{end})" if others else f"(?:{end})"


_MARKS: Final = {0x0A: ord("a"), 0x0D: ord("b"), 0x2028: ord("c"), 0x2029: ord("d")}
_END: Final = re.compile("[\n\r\u2028\u2029]")
_MARK: Final = re.compile("\n(.)\n")
_ENDS: Final = {chr(mark): chr(end) for end, mark in _MARKS.items()}

MARKED_START: Final = r"(?s:[^\n]|\n.\n)*?"
"""What stands before a match in a text of :func:`marked` lines: whole characters and whole ends of lines."""


def marked(text: str) -> str:
    """Return a text in which every end of a line begins and ends with a line feed, between them a letter for it."""
    return _END.sub(lambda found: f"\n{chr(_MARKS[ord(found[0])])}\n", text)


def unmarked(text: str) -> str:
    """Return the text of which :func:`marked` made a text, or a part of it."""
    return _MARK.sub(lambda found: _ENDS[found[1]], text)


class Backtracking:
    """The package ``regex``: looks around and back, in time that may be exponential.

    :param numbers: the groups that there are; a reference to another one matches the empty text
    :param ignore_case: letters that are captured equal those of the other case
    """

    captures = True

    def __init__(self, numbers: Collection[int] | None = None, *, ignore_case: bool = False) -> None:
        self._numbers = numbers
        self._ignore_case = ignore_case

    def back(self, node: Back) -> str:
        """What a group captured; one that captured nothing matches the empty text."""
        numbers = [number for number in node.numbers if self._numbers is None or number in self._numbers]
        flag = "(?i:" if self._ignore_case else "(?:"
        return "".join(rf"(?(g{number}){flag}\g<g{number}>)|)" for number in numbers) or "(?:)"

    def chars(self, ranges: Ranges) -> str:
        """One of these code points."""
        return _class(ranges, r"\U{:08X}") if ranges else "(?!)"

    def edge(self, kind: str) -> str:
        """A place between characters; words are of ASCII letters."""
        word = self.chars(WORD)
        other = self.chars(complement(LINE_ENDS))
        return {
            "m^": f"(?<!{other})",
            "m$": f"(?!{other})",
            "^": r"\A",
            "$": r"\Z",
            "b": f"(?:(?<={word})(?!{word})|(?<!{word})(?={word}))",
            "B": f"(?:(?<={word})(?={word})|(?<!{word})(?!{word}))",
        }[kind]

    def repeated(self, inner: Written, least: int, most: int | None, lazy: str) -> str:
        """A group, repeated."""
        return f"{inner.text}{{{least},{'' if most is None else most}}}{lazy}"


def _class(ranges: Ranges, spelling: str) -> str:
    parts = [
        spelling.format(first) if first == last else f"{spelling.format(first)}-{spelling.format(last)}"
        for first, last in ranges
    ]
    return f"[{''.join(parts)}]"


def written(node: Node, dialect: Dialect) -> Written:
    """Return a pattern in an engine's words.

    :raises TooLarge: it describes more than :data:`MAX_SIZE` ranges
    """
    found = _written(node, dialect)
    if found.size > MAX_SIZE:
        raise TooLarge
    return found


def _written(node: Node, dialect: Dialect) -> Written:
    match node:
        case Chars():
            return Written(dialect.chars(node.ranges), len(node.ranges))
        case Edge():
            return Written(dialect.edge(node.kind), 1)
        case Back():
            return Written(dialect.back(node), 1)
        case Repeat():
            return _repeat(node, dialect)
        case Look():
            inner = written(node.node, dialect)
            return Written(f"({node.kind}{inner.text})", inner.size, inner.repeats)
        case Group():
            inner = written(node.node, dialect)
            captures = node.number is not None and dialect.captures
            opening = f"(?P<g{node.number}>" if captures else "(?:"
            return Written(f"{opening}{inner.text})", inner.size, inner.repeats)
        case _:
            return _several(node, dialect)


def _several(node: Sequence | Choice, dialect: Dialect) -> Written:
    parts = [written(each, dialect) for each in node.nodes]
    text = ("|" if isinstance(node, Choice) else "").join(part.text for part in parts)
    # The parts are groups of their own, or the whole is one.
    return Written(text, sum(part.size for part in parts), max((part.repeats for part in parts), default=1))


def _repeat(node: Repeat, dialect: Dialect) -> Written:
    inner = written(node.node, dialect)
    copies = max(node.least, 1 if node.most is None else node.most)
    size = max(1, inner.size) * max(1, copies)
    if size > MAX_SIZE:
        raise TooLarge
    text = dialect.repeated(inner, node.least, node.most, "?" if node.lazy and dialect.captures else "")
    return Written(f"(?:{text})", size, inner.repeats * max(1, copies))
