"""ECMA-262 regular expressions without the flag ``u``, as ``/…/`` in programs has them: what JSONata's are.

Two things differ from a browser on purpose. Characters are whole ones, as everywhere in JSONata's functions, never
halves of a surrogate pair. And ``\\p{…}`` and ``\\u{…}`` mean what they mean with the flag, where a browser looks for
these letters.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from airflow_workflow_provider.model.json_schema.code_points import LAST, Ranges, ranges_of
from airflow_workflow_provider.model.json_schema.pattern_syntax import Chars, Edge, Node, Reader

_COUNT: Final = re.compile(r"\{[0-9]+(?:,[0-9]*)?\}")
_ESCAPES_AND_CLASSES: Final = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]", re.DOTALL)
_CAPTURING: Final = re.compile(r"\((?!\?)|\(\?<(?![=!])")
_MEANINGLESS: Final = re.compile(r"\\(?:[^A-Za-z]|[bBcdDfknpPrsStuvwWx])|\\([A-Za-z])", re.DOTALL)
_OCTAL: Final = re.compile(r"[0-3][0-7]{0,2}|[4-7][0-7]?")
_HEX: Final = re.compile(r"[0-9A-Fa-f]{2}")
_UNIT: Final = re.compile(r"[0-9A-Fa-f]{4}|\{[0-9A-Fa-f]+\}")
_PROPERTY: Final = re.compile(r"[pP]\{[^}]+\}")
_PLANE: Final = 0x10000
_ASCII: Final = 0x80


def meaningless_escape(source: str) -> str | None:
    """Return an escaped letter that stands for itself only, as ``\\A``: other languages mean something by it."""
    return next((found[0] for found in _MEANINGLESS.finditer(source) if found[1]), None)


@dataclass
class LegacyReader(Reader):
    """Reads one pattern without the flag ``u``.

    :param ignore_case: the flag ``i``
    :param multiline: the flag ``m``
    """

    ignore_case: bool = False
    multiline: bool = False
    count: int = field(init=False)
    """The groups that capture."""
    _has_names: bool = field(init=False)

    def __post_init__(self) -> None:
        bare = _ESCAPES_AND_CLASSES.sub("", self.source)
        found = _CAPTURING.findall(bare)
        self.count = len(found)
        self._has_names = any("<" in each for each in found)

    def _chars(self, ranges: Ranges, *, inverted: bool = False) -> Chars:
        return super()._chars(same_letters(ranges) if self.ignore_case else ranges, inverted=inverted)

    def _edge(self, kind: str) -> Edge:
        return Edge(f"m{kind}" if self.multiline else kind)

    def _sees_count(self) -> bool:
        return _COUNT.match(self.source, self._at) is not None

    def _escape(self) -> Node:
        first = self.source[self._at]
        if first == "k" and not self._has_names:
            return self._chars(self._escaped())
        digits = re.compile(r"[1-9][0-9]*").match(self.source, self._at)
        if digits is not None and int(digits[0]) > self.count:
            return self._chars(self._escaped())
        return super()._escape()

    def _escaped(self) -> Ranges:
        if self.source[self._at] in "pP" and not _PROPERTY.match(self.source, self._at):
            point = ord(self._next())
            return ((point, point),)
        return super()._escaped()

    def _code_point(self) -> int:
        kind = self.source[self._at]
        octal = _OCTAL.match(self.source, self._at)
        if octal is not None:
            self._at += len(octal[0])
            return int(octal[0], 8)
        if kind == "c" and not self._sees_control():
            # The backslash stands for itself, and the letter is read again.
            return ord("\\")
        syntax = {"u": _UNIT, "x": _HEX}.get(kind)
        if syntax is not None and not syntax.match(self.source, self._at + 1):
            return ord(self._next())
        point = super()._code_point()
        if point > LAST:
            message = f"there is no character {point:X}"
            raise ValueError(message)
        return point

    def _sees_control(self) -> bool:
        following = self.source[self._at + 1 : self._at + 2]
        return following.isascii() and following.isalpha()


def same_letters(ranges: Ranges) -> Ranges:
    """Return code points with those that are the same to the flag ``i``.

    Two are the same whose upper case is one and the same single character; only ASCII letters equal ASCII letters, and
    beyond the basic plane there is no case.
    """
    starts = [first for first, _ in ranges]

    def has(point: int) -> bool:
        index = bisect_right(starts, point) - 1
        return index >= 0 and point <= ranges[index][1]

    further = [point for letters in _cases() if any(map(has, letters)) for point in letters]
    return ranges_of([*ranges, *((point, point) for point in further)])


@cache
def _cases() -> tuple[tuple[int, ...], ...]:
    found: dict[int, list[int]] = {}
    for point in range(_PLANE):
        upper = chr(point).upper()
        same = ord(upper) if len(upper) == 1 else point
        if same >= _PLANE or (point >= _ASCII > same):
            same = point
        found.setdefault(same, []).append(point)
    return tuple(tuple(letters) for letters in found.values() if len(letters) > 1)
