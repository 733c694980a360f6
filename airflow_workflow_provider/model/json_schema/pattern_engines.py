"""ECMA-262 patterns in the words of the engines that run them: RE2, and ``regex`` for what RE2 has not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from airflow_workflow_provider.model.json_schema.code_points import WORD, Ranges
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
    """How an engine writes what is not the same everywhere."""

    def chars(self, ranges: Ranges) -> str:
        """One of these code points."""
        ...

    def edge(self, kind: str) -> str:
        """A place between characters."""
        ...

    def repeated(self, inner: Written, least: int, most: int | None) -> str:
        """A group, repeated."""
        ...


class Re2:
    """RE2: every pattern in time linear in the text; counts up to 1000, nested ones multiplied."""

    def chars(self, ranges: Ranges) -> str:
        """One of these code points."""
        return _class(ranges, r"\x{{{:X}}}") if ranges else r"[^\x{0}-\x{10FFFF}]"

    def edge(self, kind: str) -> str:
        """A place between characters."""
        return {"^": r"\A", "$": r"\z", "b": r"\b", "B": r"\B"}[kind]

    def repeated(self, inner: Written, least: int, most: int | None) -> str:
        """A group, repeated; larger counts are written as several ones after each other."""
        step = max(1, _RE2_REPEATS // inner.repeats)
        whole, rest = divmod(least, step)
        parts = [f"{inner.text}{{{step}}}"] * whole + [f"{inner.text}{{{rest}}}"] * bool(rest)
        if most is None:
            return "".join([*parts, f"{inner.text}*"])
        whole, rest = divmod(most - least, step)
        parts += [f"{inner.text}{{0,{step}}}"] * whole + [f"{inner.text}{{0,{rest}}}"] * bool(rest)
        return "".join(parts) or "(?:)"


class Backtracking:
    """The package ``regex``: looks around and back, in time that may be exponential."""

    def chars(self, ranges: Ranges) -> str:
        """One of these code points."""
        return _class(ranges, r"\U{:08X}") if ranges else "(?!)"

    def edge(self, kind: str) -> str:
        """A place between characters; words are of ASCII letters."""
        word = self.chars(WORD)
        return {
            "^": r"\A",
            "$": r"\Z",
            "b": f"(?:(?<={word})(?!{word})|(?<!{word})(?={word}))",
            "B": f"(?:(?<={word})(?={word})|(?<!{word})(?!{word}))",
        }[kind]

    def repeated(self, inner: Written, least: int, most: int | None) -> str:
        """A group, repeated."""
        return f"{inner.text}{{{least},{'' if most is None else most}}}"


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
            # One that captured nothing matches the empty text.
            return Written("".join(rf"(?(g{number})\g<g{number}>|)" for number in node.numbers) or "(?:)", 1)
        case Repeat():
            return _repeat(node, dialect)
        case Look():
            inner = written(node.node, dialect)
            return Written(f"({node.kind}{inner.text})", inner.size, inner.repeats)
        case Group():
            inner = written(node.node, dialect)
            captures = node.number is not None and isinstance(dialect, Backtracking)
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
    text = dialect.repeated(inner, node.least, node.most)
    lazy = "?" if node.lazy and isinstance(dialect, Backtracking) else ""
    return Written(f"(?:{text}{lazy})", size, inner.repeats * max(1, copies))
