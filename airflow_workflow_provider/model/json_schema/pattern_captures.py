"""Regular expressions that report where they match and what their groups captured, as programs in ECMA-262 have them.

The time of a search is linear in the text, but for patterns that look around or back, which have a limit of time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

from airflow_workflow_provider.model.json_schema.pattern_engines import (
    MARKED_START,
    MAX_SIZE,
    Backtracking,
    Re2,
    Re2Lines,
    TooLarge,
    marked,
    unmarked,
    written,
)
from airflow_workflow_provider.model.json_schema.pattern_legacy import LegacyReader, meaningless_escape
from airflow_workflow_provider.model.json_schema.pattern_loops import Loops, numbers_of
from airflow_workflow_provider.model.json_schema.patterns import (
    ForeignPattern,
    PatternError,
    PatternTimeout,
    compiled,
    hint_for,
    verify,
)

_NAMED: Final = re.compile(r"\(\?P<g([0-9]+)>")
_PART: Final = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\{([0-9]{1,9})(?:,([0-9]{0,9}))?\}|.", re.DOTALL)
_BRACKET: Final = re.compile(r"\((?:\?P<g([0-9]+)>)?|\)")
_OTHER_ENDS: Final = re.compile("[\r\u2028\u2029]")
_START: Final = "(?s:.)*?"
_NOT_CAPTURED: Final = (-1, -1)

Span = tuple[int, int]


@dataclass(frozen=True)
class Found:
    """A match.

    :ivar start: characters before it
    :ivar end: characters up to its end
    :ivar text: what matched
    :ivar groups: what each group captured; None where it took no part
    """

    start: int
    end: int
    text: str
    groups: tuple[str | None, ...]


@dataclass(frozen=True)
class _Copy:
    """One of the groups that stand for a group, where it is written several times.

    :ivar number: of the group
    :ivar around: the index of the group around it; None for the whole match
    """

    number: int
    around: int | None


@dataclass(frozen=True)
class _Engine:
    """A pattern in an engine's words, with what each of its groups stands for."""

    pattern: Any
    copies: tuple[_Copy, ...]


class CapturingPattern:
    """A compiled regular expression.

    :param source: its text, as ECMA-262 without the flag ``u``
    :param ignore_case: the flag ``i``
    :param multiline: the flag ``m``
    :param patience: seconds for a search with a pattern that looks around or back
    :ivar linear: a search takes time linear in the text
    :raises ForeignPattern: it is none of ECMA-262
    :raises PatternError: it is too large
    """

    def __init__(self, source: str, *, ignore_case: bool, multiline: bool, patience: float) -> None:
        self.source = source
        self._patience = patience
        self._ignore_case = ignore_case
        verify(source, "i" * ignore_case + "m" * multiline)
        strange = meaningless_escape(source)
        if strange is not None:
            message = f"{strange} has no meaning in ECMA-262 but the letter {strange[1:]}"
            raise ForeignPattern(message, hint_for(source) or f"write {strange[1:]}")
        reader = LegacyReader(source, ignore_case=ignore_case, multiline=multiline)
        try:
            tree = reader.read()
            loops = Loops(reader.count)
            self._tree = loops.written(tree)
            self.linear = not reader.backtracking
            # RE2 sees places between words inside of characters that are several bytes.
            self._from_start = "\\B" in source
            _ = self._engine if self.linear else self._slow_engine
        except (TooLarge, MemoryError) as error:
            message = "the regular expression is too large: its repetitions, written out, would take too much memory"
            raise PatternError(message, "repeat less") from error
        except ValueError as error:
            raise PatternError(str(error)) from error
        self._count = reader.count
        self._rounds = loops.rounds
        self._by_line = multiline and ("^" in source or "$" in source)

    def matches(self, text: str) -> Iterator[Found]:
        """Yield the matches one after the other, each begun where the one before ended.

        One that matches nothing is followed by itself, without end, unless it is at the end of the text.

        :raises PatternTimeout: a search took too long; never where :attr:`linear`
        """
        if not self.linear:
            yield from self._slowly(text)
            return
        by_line = self._by_line and _OTHER_ENDS.search(text) is not None
        try:
            data = (marked(text) if by_line else text).encode()
        except UnicodeEncodeError:
            # Half of a surrogate pair is no character to RE2.
            yield from self._slowly(text)
        else:
            yield from self._found(data, by_line=by_line)

    @cached_property
    def _engine(self) -> _Engine:
        return self._written(Re2(captures=True), _START if self._from_start else "")

    @cached_property
    def _engine_by_line(self) -> _Engine:
        return self._written(Re2Lines(captures=True), MARKED_START)

    @cached_property
    def _slow_engine(self) -> Any:
        dialect = Backtracking(numbers_of(self._tree), ignore_case=self._ignore_case)
        return compiled(written(self._tree, dialect).text, linear=False)

    def _written(self, dialect: Re2, before: str) -> _Engine:
        text = f"{before}(?P<g0>{written(self._tree, dialect).text})"
        return _Engine(compiled(_NAMED.sub("(", text), linear=True, captures=True), _copies(text))

    def _found(self, data: bytes, *, by_line: bool) -> Iterator[Found]:
        engine = self._engine_by_line if by_line else self._engine

        def part(start: int, end: int) -> str:
            piece = data[start:end].decode()
            return unmarked(piece) if by_line else piece

        # Characters are counted on from the match before, so that many matches take no longer than one.
        at = characters = 0
        search = engine.pattern.match if by_line or self._from_start else engine.pattern.search
        while (found := search(data, at)) is not None:
            spans = self._spans([(copy, found.span(index + 1)) for index, copy in enumerate(engine.copies)])
            start, end = spans[0] or _NOT_CAPTURED
            characters += len(part(at, start))
            whole = part(start, end)
            groups = tuple(None if span is None else part(*span) for span in spans[1:])
            yield Found(characters, characters + len(whole), whole, groups)
            characters += len(whole)
            at = end
            if at >= len(data):
                return

    def _slowly(self, text: str) -> Iterator[Found]:
        for found in _search_slowly(self._slow_engine, text, self._patience):
            names = self._slow_engine.groupindex
            spans = self._spans([(_Copy(int(name[1:]), None), found.span(name)) for name in names])
            groups = tuple(None if span is None else text[slice(*span)] for span in spans[1:])
            yield Found(found.start(), found.end(), found[0], groups)

    def _spans(self, captured: Sequence[tuple[_Copy, Span]]) -> list[Span | None]:
        """What each group captured: the last time, and inside of the last round of each repetition around it."""
        by_number: dict[int, list[int]] = {}
        for index, (copy, span) in enumerate(captured):
            if span != _NOT_CAPTURED:
                by_number.setdefault(copy.number, []).append(index)
        last: dict[int, int | None] = {}

        def inside(index: int, around: int) -> bool:
            outer, inner = captured[around][1], captured[index][1]
            return outer[0] <= inner[0] and inner[1] <= outer[1] and _is_around(captured, around, index)

        def of(number: int) -> int | None:
            if number not in last:
                found = by_number.get(number, [])
                if number in self._rounds:
                    around = of(self._rounds[number])
                    found = [] if around is None else [index for index in found if inside(index, around)]
                last[number] = max(found, key=lambda index: (captured[index][1], index), default=None)
            return last[number]

        indices = [of(number) for number in range(self._count + 1)]
        return [None if index is None else captured[index][1] for index in indices]


def _copies(text: str) -> tuple[_Copy, ...]:
    """The groups of a pattern in the order of their opening, as RE2 counts them."""
    found: list[_Copy] = []
    around: list[int | None] = [None]
    for bracket in _BRACKET.finditer(text):
        if bracket[0] == ")":
            around.pop()
        elif bracket[1] is None:
            around.append(around[-1])
        else:
            found.append(_Copy(int(bracket[1]), around[-1]))
            around.append(len(found) - 1)
    return tuple(found)


def _is_around(captured: Sequence[tuple[_Copy, Span]], outer: int, inner: int) -> bool:
    if captured[inner][0].around is None:
        # It is not known: one name may stand for several copies.
        return True
    at: int | None = inner
    while at is not None and at != outer:
        at = captured[at][0].around
    return at == outer


class FormerCapturingPattern:
    """A regular expression that was stored when Python's meaning counted, and is none of ECMA-262.

    The parameters are those of :class:`CapturingPattern`.

    :raises PatternError: Python does not know it either, or it is too large
    """

    def __init__(self, source: str, *, ignore_case: bool, multiline: bool, patience: float) -> None:
        import regex

        self._patience = patience
        if _size(source) > MAX_SIZE:
            message = "the regular expression is too large: its repetitions, written out, would take too much memory"
            raise PatternError(message, "repeat less")
        options = (regex.IGNORECASE if ignore_case else 0) | (regex.MULTILINE if multiline else 0)
        try:
            self._engine = regex.compile(source, options)
        except (regex.error, ValueError) as error:
            raise PatternError(str(error)) from error

    def matches(self, text: str) -> Iterator[Found]:
        """Yield the matches as :meth:`CapturingPattern.matches` does.

        :raises PatternTimeout: a search took too long
        """
        for found in _search_slowly(self._engine, text, self._patience):
            yield Found(found.start(), found.end(), found[0], tuple(found.groups()))


@lru_cache(maxsize=1024)
def capturing_pattern(source: str, ignore_case: bool, multiline: bool, patience: float) -> CapturingPattern:
    """Return a compiled regular expression; see :class:`CapturingPattern`."""
    return CapturingPattern(source, ignore_case=ignore_case, multiline=multiline, patience=patience)


def _search_slowly(engine: Any, text: str, patience: float) -> Iterator[Any]:
    """The matches of a pattern of the package ``regex``, each searched where the one before ended."""
    at = 0
    while True:
        try:
            found = engine.search(text, at, timeout=patience, concurrent=True)
        except TimeoutError as error:
            message = f"a regular expression ran for more than {patience:g} seconds"
            raise PatternTimeout(message) from error
        if found is None:
            return
        yield found
        at = found.end()
        if at >= len(text):
            return


def _size(pattern: str) -> int:
    """How many parts a regular expression has, with every repetition written out."""
    groups: list[list[int]] = [[]]
    for part in _PART.finditer(pattern):
        sizes = groups[-1]
        if part[0] == "(":
            groups.append([])
        elif part[0] == ")" and len(groups) > 1:
            groups.pop()
            groups[-1].append(sum(sizes) + 1)
        elif part[1] is not None and sizes:
            sizes[-1] *= max(int(part[1]), int(part[2] or 0), 1)
        else:
            sizes.append(1)
    return sum(map(sum, groups))
