"""Sets of code points, as sorted ranges: what a character class or ``\\p{…}`` of a pattern stands for."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Final

LAST: Final = 0x10FFFF

Ranges = tuple[tuple[int, int], ...]
"""First and last code point of each range, ascending, none touching the next."""


def ranges_of(pairs: Iterable[tuple[int, int]]) -> Ranges:
    """Return ranges sorted and joined."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(pairs):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(joined)


def complement(ranges: Ranges) -> Ranges:
    """Return every code point that is not in the ranges."""
    found = []
    start = 0
    for first, last in ranges:
        if start < first:
            found.append((start, first - 1))
        start = last + 1
    if start <= LAST:
        found.append((start, LAST))
    return tuple(found)


def intersection(some: Ranges, others: Ranges) -> Ranges:
    """Return the code points that are in both."""
    return complement(ranges_of([*complement(some), *complement(others)]))


def _single(text: str) -> Ranges:
    return ranges_of((ord(each), ord(each)) for each in text)


LINE_ENDS: Final = _single("\n\r\u2028\u2029")
DIGITS: Final[Ranges] = ((0x30, 0x39),)
WORD: Final[Ranges] = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
SPACE: Final = ranges_of(
    [*_single("\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff"), (0x2000, 0x200A)],
)
"""WhiteSpace and LineTerminator of ECMA-262: the byte order mark and every space separator, not U+0085."""

CLASSES: Final[dict[str, Ranges]] = {
    "d": DIGITS,
    "D": complement(DIGITS),
    "w": WORD,
    "W": complement(WORD),
    "s": SPACE,
    "S": complement(SPACE),
}


@lru_cache(maxsize=256)
def property_ranges(name: str) -> Ranges:
    """Return the code points that have a Unicode property.

    :param name: as between the braces of ``\\p{…}``, such as ``L`` or ``Script=Greek``
    :raises ValueError: the available Unicode data does not know it
    """
    import regex

    key, _, value = name.partition("=")
    if value and key in ("Script_Extensions", "scx"):
        name = f"scx={value}"
    try:
        found = regex.compile(rf"\p{{{name}}}+")
    except regex.error as error:
        message = f"no Unicode property {name!r} is known here"
        raise ValueError(message) from error
    return tuple((match.start(), match.end() - 1) for match in found.finditer(_every()))


@cache
def _every() -> str:
    return "".join(map(chr, range(LAST + 1)))
