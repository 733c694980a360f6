"""Repetitions as ECMA-262 runs them, written so that engines made after Perl's do the same.

In ECMA-262 a further round of a repetition that matches nothing does not count, and each round forgets what its groups
captured before. Others take the empty round, and remember. So what is repeated is written without its ways to be empty,
and its rounds get groups of their own: what was captured outside of the last one is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from airflow_workflow_provider.model.json_schema.pattern_engines import TooLarge
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

_MOST_WAYS: Final = 1000
_MOST_COPIES: Final = 20
_NOTHING: Final = Sequence(())


@dataclass
class Loops:
    """Writes the repetitions of one pattern.

    :param count: its capturing groups; the rounds' groups are numbered after them
    :ivar rounds: by the number of a group: the number of the group around the innermost round that holds it
    """

    count: int
    rounds: dict[int, int] = field(default_factory=dict)

    def written(self, node: Node, inside: int | None = None) -> Node:
        """Return a node with its repetitions written as ECMA-262 runs them.

        :param inside: the number of the round that holds it
        :raises TooLarge: there are too many ways to match nothing
        """
        match node:
            case Group():
                if node.number is not None and inside is not None:
                    self.rounds[node.number] = inside
                return Group(self.written(node.node, inside), node.number)
            case Look():
                # What is captured around the place is outside of the round.
                return Look(node.kind, self.written(node.node))
            case Sequence():
                return Sequence(tuple(self.written(each, inside) for each in node.nodes))
            case Choice():
                return Choice(tuple(self._way(each, inside) for each in node.nodes))
            case Repeat():
                return self._repeat(node, inside)
            case _:
                return node

    def _way(self, node: Node, inside: int | None) -> Node:
        """One of several ways; one that another round took has captured nothing in this round."""
        if inside is None or not numbers_of(node):
            return self.written(node, inside)
        number = self._numbered(inside)
        return Group(self.written(node, number), number)

    def _numbered(self, inside: int | None) -> int:
        self.count += 1
        if inside is not None:
            self.rounds[self.count] = inside
        return self.count

    def _repeat(self, node: Repeat, inside: int | None) -> Node:
        number = self._numbered(inside) if node.most != 1 and numbers_of(node.node) else None
        body = self.written(node.node, number or inside)
        if not _can_be_empty(body):
            return Repeat(_round(body, number), node.least, node.most, node.lazy)
        most = None if node.most is None else node.most - node.least
        ways = tuple(way for empty, way in _ways(body) if not empty)
        further = Repeat(_round(Choice(ways), number), 0, most, node.lazy)
        if not ways or most == 0:
            further_nodes: tuple[Node, ...] = ()
        else:
            further_nodes = (further,)
        if not node.least:
            return Group(Sequence(further_nodes), None)
        needed = _round(body, number)
        if number is not None and node.least <= _MOST_COPIES:
            # Each round is written, so that what another one captured at the same place is not taken for its own.
            return Group(Sequence((needed,) * node.least + further_nodes), None)
        return Group(Sequence((Repeat(needed, node.least, node.least, lazy=False), *further_nodes)), None)


def _round(body: Node, number: int | None) -> Node:
    return body if number is None and isinstance(body, (Chars, Group)) else Group(body, number)


def numbers_of(node: Node) -> frozenset[int]:
    """Return the numbers of the groups in a node that capture."""
    match node:
        case Group():
            return numbers_of(node.node) | ({node.number} if node.number is not None else frozenset())
        case Look() | Repeat():
            return numbers_of(node.node)
        case Sequence() | Choice():
            return frozenset().union(*map(numbers_of, node.nodes))
        case _:
            return frozenset()


def _can_be_empty(node: Node) -> bool:
    match node:
        case Chars():
            return False
        case Group():
            return _can_be_empty(node.node)
        case Repeat():
            return node.least == 0 or _can_be_empty(node.node)
        case Sequence():
            return all(map(_can_be_empty, node.nodes))
        case Choice():
            return any(map(_can_be_empty, node.nodes))
        case _:
            return True


def _ways(node: Node) -> list[tuple[bool, Node]]:
    """The ways to match, first choice first, each with whether it always matches nothing, or else never does."""
    found = []
    for way in _each_way(node):
        found.append(way)
        if len(found) > _MOST_WAYS:
            raise TooLarge
    return found


def _each_way(node: Node) -> Iterator[tuple[bool, Node]]:
    match node:
        case Chars():
            yield False, node
        case Back():
            # Whether it is empty is seen in a search only.
            yield False, node
        case Edge() | Look():
            yield True, node
        case Group():
            for empty, way in _ways(node.node):
                yield empty, Group(way, node.number)
        case Choice():
            for each in node.nodes:
                yield from _ways(each)
        case Sequence():
            yield from _ways_of_sequence(node.nodes)
        case Repeat():
            yield from _ways_of_repeat(node)


def _ways_of_sequence(nodes: tuple[Node, ...]) -> Iterator[tuple[bool, Node]]:
    if not nodes:
        yield True, _NOTHING
        return
    first, *others = nodes
    rest = tuple(others)
    for empty, way in _ways(first):
        if not empty:
            yield False, Sequence((way, *rest))
            continue
        for rest_empty, rest_way in _ways(Sequence(rest)):
            yield rest_empty, Sequence((way, rest_way))


def _ways_of_repeat(node: Repeat) -> Iterator[tuple[bool, Node]]:
    if node.least:
        if not _can_be_empty(node.node):
            yield False, node
            return
        if node.least > _MOST_COPIES:
            raise TooLarge
        # Only what must be repeated can be empty here: further rounds cannot.
        yield from _ways(Sequence((node.node,) * node.least))
        return
    some = [(False, Repeat(node.node, 1, node.most, node.lazy))] if node.most != 0 else []
    ways: list[tuple[bool, Node]] = [*some, (True, _NOTHING)]
    yield from reversed(ways) if node.lazy else ways
