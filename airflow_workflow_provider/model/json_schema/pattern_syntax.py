"""The syntax of ECMA-262 regular expressions with the flag ``u``, read into a tree.

What is read here was accepted by a parser of ECMA-262 before, so nothing is refused again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from airflow_workflow_provider.model.json_schema.code_points import (
    CLASSES,
    LINE_ENDS,
    Ranges,
    complement,
    property_ranges,
    ranges_of,
)

_CONTROLS: Final = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13, "0": 0}
_LOOKS: Final = ("?=", "?!", "?<=", "?<!")
_CONTROL_BITS: Final = 0x1F
_SURROGATES: Final = (0xD800, 0xDC00, 0xE000)


@dataclass(frozen=True)
class Chars:
    """One of these code points."""

    ranges: Ranges


@dataclass(frozen=True)
class Edge:
    """A place between characters: ``^``, ``$``, ``b`` or ``B``; of each line ``m^`` and ``m$``."""

    kind: str


@dataclass(frozen=True)
class Group:
    """A group, numbered where it captures."""

    node: Node
    number: int | None


@dataclass(frozen=True)
class Look:
    """What comes before or after: ``?=``, ``?!``, ``?<=`` or ``?<!``."""

    kind: str
    node: Node


@dataclass(frozen=True)
class Back:
    """What the groups of these numbers captured; of several of one name, one took part at most."""

    numbers: tuple[int, ...]


@dataclass(frozen=True)
class Repeat:
    """So many times, ``most`` being None for any number."""

    node: Node
    least: int
    most: int | None
    lazy: bool


@dataclass(frozen=True)
class Sequence:
    """One after the other."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Choice:
    """One of these."""

    nodes: tuple[Node, ...]


Node = Chars | Edge | Group | Look | Back | Repeat | Sequence | Choice


@dataclass
class Reader:
    """Reads one pattern.

    :ivar backtracking: it looks around or back, which no engine does in linear time
    """

    source: str
    backtracking: bool = False
    _at: int = 0
    _groups: int = 0
    _closed: set[int] = field(default_factory=set)
    _names: dict[str, list[int]] = field(default_factory=dict)

    def read(self) -> Node:
        """Return the tree of the whole pattern."""
        return self._choice()

    def _chars(self, ranges: Ranges, *, inverted: bool = False) -> Chars:
        return Chars(complement(ranges) if inverted else ranges)

    def _edge(self, kind: str) -> Edge:
        return Edge(kind)

    def _sees_count(self) -> bool:
        return self._sees("{")

    def _next(self, count: int = 1) -> str:
        text = self.source[self._at : self._at + count]
        self._at += count
        return text

    def _sees(self, text: str) -> bool:
        return self.source.startswith(text, self._at)

    def _takes(self, text: str) -> bool:
        if self._sees(text):
            self._at += len(text)
            return True
        return False

    def _until(self, end: str) -> str:
        stop = self.source.index(end, self._at)
        text = self.source[self._at : stop]
        self._at = stop + len(end)
        return text

    def _choice(self) -> Node:
        nodes = [self._sequence()]
        while self._takes("|"):
            nodes.append(self._sequence())
        return nodes[0] if len(nodes) == 1 else Choice(tuple(nodes))

    def _sequence(self) -> Node:
        nodes = []
        while self._at < len(self.source) and not self._sees("|") and not self._sees(")"):
            nodes.append(self._repeated(self._atom()))
        return nodes[0] if len(nodes) == 1 else Sequence(tuple(nodes))

    def _repeated(self, node: Node) -> Node:
        least, most = 1, 1
        unbounded = False
        if self._takes("*"):
            least, unbounded = 0, True
        elif self._takes("+"):
            unbounded = True
        elif self._takes("?"):
            least = 0
        elif self._sees_count():
            self._next()
            low, comma, high = self._until("}").partition(",")
            least = int(low)
            most = int(high) if high else least
            unbounded = bool(comma) and not high
        else:
            return node
        return Repeat(node, least, None if unbounded else most, lazy=self._takes("?"))

    def _atom(self) -> Node:
        first = self._next()
        if first in "^$":
            return self._edge(first)
        if first == ".":
            return self._chars(LINE_ENDS, inverted=True)
        if first == "(":
            return self._group()
        if first == "[":
            return self._class()
        if first == "\\":
            return self._escape()
        return self._chars(((ord(first), ord(first)),))

    def _group(self) -> Node:
        for kind in _LOOKS:
            if self._takes(kind):
                self.backtracking = True
                node = self._choice()
                self._next()
                return Look(kind, node)
        if self._takes("?:"):
            node = self._choice()
            self._next()
            return Group(node, None)
        self._groups += 1
        number = self._groups
        if self._takes("?<"):
            self._names.setdefault(self._until(">"), []).append(number)
        node = self._choice()
        self._next()
        self._closed.add(number)
        return Group(node, number)

    def _escape(self) -> Node:
        if self.source[self._at] in "bB":
            return Edge(self._next())
        if self._takes("k<"):
            return self._back(self._names.get(self._until(">"), []))
        if self.source[self._at] in "123456789":
            digits = self._next()
            while self._at < len(self.source) and self.source[self._at] in "0123456789":
                digits += self._next()
            return self._back([int(digits)])
        return self._chars(self._escaped())

    def _back(self, numbers: list[int]) -> Node:
        """Refer to groups; one that is still open, or comes later, has captured nothing and matches the empty text."""
        self.backtracking = True
        return Back(tuple(number for number in numbers if number in self._closed))

    def _escaped(self) -> Ranges:
        if self.source[self._at] in CLASSES:
            return CLASSES[self._next()]
        if self.source[self._at] in "pP":
            inverted = self._next(2)[0] == "P"
            ranges = property_ranges(self._until("}"))
            return complement(ranges) if inverted else ranges
        point = self._code_point()
        return ((point, point),)

    def _code_point(self) -> int:
        kind = self._next()
        if kind == "u":
            return self._unicode()
        if kind == "x":
            return int(self._next(2), 16)
        if kind == "c":
            return ord(self._next()) & _CONTROL_BITS
        return _CONTROLS.get(kind, ord(kind))

    def _unicode(self) -> int:
        if self._takes("{"):
            return int(self._until("}"), 16)
        first = int(self._next(4), 16)
        high, low, end = _SURROGATES
        if high <= first < low and self._sees("\\u") and not self._sees("\\u{"):
            second = int(self.source[self._at + 2 : self._at + 6], 16)
            if low <= second < end:
                self._at += 6
                return 0x10000 + ((first - high) << 10) + (second - low)
        return first

    def _class(self) -> Node:
        inverted = self._takes("^")
        pairs: list[tuple[int, int]] = []
        while not self._takes("]"):
            first = self._member()
            if self._sees("-") and not self._sees("-]"):
                dash = ord(self._next())
                last = self._member()
                if _is_one(first) and _is_one(last):
                    pairs.append((first[0][0], last[0][1]))
                else:
                    pairs += (*first, (dash, dash), *last)
            else:
                pairs += first
        return self._chars(ranges_of(pairs), inverted=inverted)

    def _member(self) -> Ranges:
        first = self._next()
        if first != "\\":
            return ((ord(first), ord(first)),)
        if self._takes("b"):
            return ((8, 8),)
        return self._escaped()


def _is_one(ranges: Ranges) -> bool:
    """Whether a member of a class is one character, not a class of its own."""
    return len(ranges) == 1 and ranges[0][0] == ranges[0][1]
