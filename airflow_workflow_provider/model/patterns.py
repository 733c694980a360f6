"""Which events match a pattern and a correlation (rules E1, E5), and how to find the patterns of an event.

A pattern's *shape* is what is left when its literal segments are blanked out: ``orders.*.paid`` has the shape
``x.*.x``. However many patterns are in use, few shapes are; and a type and a shape together leave a handful of
patterns that could match. Those are looked up in an index, so the search does not grow with the number of patterns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Final

from airflow_workflow_provider.model.pointers import value_at

ONE: Final = "*"
MANY: Final = "**"
LITERAL: Final = "x"
WILDCARDS: Final = frozenset({ONE, MANY})

MAX_MANY: Final = 3
"""``**`` in one pattern: each more multiplies the ways in which it can match."""

MAX_SEGMENTS: Final = 64
"""Segments of an event's type."""


@lru_cache(maxsize=4096)
def matches(pattern: str, event_type: str) -> bool:
    """Whether a pattern means events of a type (rule E1).

    Both are split at ``.``; ``*`` is exactly one segment, ``**`` any number of them, none included; all else is
    literal and case-sensitive.
    """
    tokens, segments = pattern.split("."), event_type.split(".")
    # The positions in the type up to which the tokens so far can reach.
    reached = {0}
    for token in tokens:
        if token == MANY:
            reached = set(range(min(reached), len(segments) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(segments) and token in (ONE, segments[at])}
        if not reached:
            return False
    return len(segments) in reached


def values_at(data: Any, paths: Iterable[str]) -> dict[str, Any] | None:
    """The values at dotted paths in an event's data; None where one is missing."""
    try:
        return {path: value_at(data, path.split(".")) for path in paths}
    except LookupError:
        return None


def shape_of(pattern: str) -> str | None:
    """The shape of a pattern; None for one without wildcards, which matches exactly its own text."""
    tokens = pattern.split(".")
    if WILDCARDS.isdisjoint(tokens):
        return None
    return ".".join(token if token in WILDCARDS else LITERAL for token in tokens)


@lru_cache(maxsize=4096)
def candidates_of_shape(shape: str, event_type: str) -> frozenset[str]:
    """Every pattern of a shape that matches a type."""
    return frozenset(".".join(found) for found in _align(tuple(shape.split(".")), tuple(event_type.split("."))))


def candidates(event_type: str, shapes: Iterable[str]) -> frozenset[str]:
    """Every pattern that matches a type, among those without wildcards and those of some shapes.

    :param shapes: the shapes in use, see :func:`shape_of`
    """
    return frozenset({event_type}).union(*(candidates_of_shape(shape, event_type) for shape in shapes))


def _align(tokens: tuple[str, ...], segments: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Each way to put a type's segments into the blanks of a shape."""
    if not tokens:
        if not segments:
            yield ()
        return
    head, rest = tokens[0], tokens[1:]
    needed = sum(token != MANY for token in rest)
    if head == MANY:
        # Behind the last ** the number of segments is fixed.
        longest = len(segments) - needed
        shortest = 0 if MANY in rest else longest
        for taken in range(max(shortest, 0), longest + 1):
            yield from ((MANY, *found) for found in _align(rest, segments[taken:]))
    elif len(segments) > needed:
        first = ONE if head == ONE else segments[0]
        yield from ((first, *found) for found in _align(rest, segments[1:]))
