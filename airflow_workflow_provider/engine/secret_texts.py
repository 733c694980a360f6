"""Secrets found by their text, in a time that grows with the text and not with how many secrets there are (rule L4)."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

from airflow_workflow_provider.engine.spellings import lines_of, spellings

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.documents import JsonValue

MASK: Final = "***"
SHORTEST_SECRET: Final = 4
"""Shorter texts and numbers are masked at their path only: masking every ``1`` would hide the log itself."""

LONGEST_SECRET: Final = 4_096
"""Of a longer text the beginning is looked for; where it is found, the rest of the text around it is masked too."""

MAX_SECRETS: Final = 40_000
"""Characters of all secrets of an instance; of more, not one is looked for, and every text is masked."""

MAX_SPELLINGS: Final = 4_000_000
"""Characters of all their spellings; the same of more."""

MAX_PROBES: Final = 2_000
"""Looks for secrets that overlap others in one text; after more of them the rest of the text is masked."""

_BEGINNING: Final = 6
"""Characters by which the beginning of a secret is known at the end of a text that was cut."""

_LONG: Final = 59
"""Shorter texts were not cut."""

# Not within a longer number, nor the year of a date.
_NUMBER: Final = re.compile(r"(?<![\d.])([0-9]+(?:\.[0-9]+)?)(e[+-]?[0-9]+)?(?!\.?\d|-\d\d-)")


@dataclass
class _Collected:
    """What stands in secrets."""

    named: frozenset[str]
    texts: set[str] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)
    """Beginnings of texts that are too long."""
    numbers: set[float] = field(default_factory=set)
    size: int = 0

    def add(self, secrets: Iterable[JsonValue]) -> None:
        """Collect the texts and numbers of JSON values, until there are too many."""
        waiting = list(secrets)
        while waiting and not self.too_many:
            secret = waiting.pop()
            if isinstance(secret, str):
                self._text(secret)
            elif isinstance(secret, bool) or secret is None:
                continue
            elif isinstance(secret, (int, float)):
                self._number(secret)
            elif isinstance(secret, dict):
                waiting += (key for key in secret if key not in self.named)
                waiting += secret.values()
            else:
                waiting += secret

    @property
    def too_many(self) -> bool:
        """Whether more is secret than can be looked for."""
        return self.size > MAX_SECRETS

    def _text(self, text: str) -> None:
        if len(text) < SHORTEST_SECRET or text in self.texts:
            return
        if len(text) <= LONGEST_SECRET:
            self.texts.add(text)
            self.size += len(text)
            return
        beginning = text[:LONGEST_SECRET]
        if beginning not in self.begun:
            self.begun.add(beginning)
            self.size += len(beginning)
        for line in lines_of(text):
            # The text itself, if it has one line only, is known already.
            if line != text.strip():
                self._text(line)
            if self.too_many:
                return

    def _number(self, number: float) -> None:
        if len(json.dumps(abs(number))) >= SHORTEST_SECRET and number not in self.numbers:
            self.numbers.add(number)
            self.size += 1


class SecretTexts:
    """Finds secrets by their text.

    :param secrets: JSON values
    :param named: names of properties that are no secret, though they stand in one
    """

    def __init__(self, secrets: Iterable[JsonValue] = (), named: frozenset[str] = frozenset()) -> None:
        found = _Collected(named)
        found.add(secrets)
        self._search = None if found.too_many else _search_for(frozenset(found.texts), frozenset(found.begun))
        self._everything = self._search is None
        self._numbers = found.numbers
        self._digits = {json.dumps(abs(number)) for number in found.numbers}
        self._names: dict[str, str] = {}

    @classmethod
    def all(cls) -> SecretTexts:
        """Return what masks every text and number, because there is more to look for than can be."""
        found = cls()
        found._everything = True
        return found

    def __bool__(self) -> bool:
        return self._everything or bool(self._search) or bool(self._digits)

    def masked(self, value: JsonValue) -> JsonValue:
        """Return a text, number, boolean or null, masked where a secret is or stands in it."""
        if isinstance(value, str):
            return MASK if self._everything else self._text(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return MASK if self._everything or value in self._numbers else value
        return value

    def masked_name(self, name: str) -> str:
        """Return the name of a property, masked where a secret stands in it; few names come again and again."""
        found = self._names.get(name)
        if found is None:
            found = self._names[name] = str(self.masked(name))
        return found

    def _text(self, text: str) -> str:
        masked = self._search.masked(text) if self._search else text
        return _NUMBER.sub(self._digits_masked, masked) if self._digits else masked

    def _digits_masked(self, found: re.Match[str]) -> str:
        number, exponent = found.group(1), found.group(2) or ""
        if number + exponent in self._digits:
            return MASK
        return MASK + exponent if number in self._digits else found.group()


class _Search:
    """Looks for all spellings of secrets at once.

    :param whole: spellings of secrets
    :param begun: of the beginnings of secrets
    """

    def __init__(self, whole: Iterable[str], begun: Iterable[str]) -> None:
        ends = {**dict.fromkeys(begun, True), **dict.fromkeys(whole, False)}
        self._known = sorted(ends)
        self._ends_text = [ends[each] for each in self._known]
        self._longest: dict[str, int] = {}
        for each in self._known:
            start = each[:_BEGINNING]
            self._longest[start] = max(len(each), self._longest.get(start, 0))
        self._reach = max(map(len, self._known), default=0)
        patterns = [each.encode("utf-8", "surrogatepass") for each in self._known]
        self._longest_bytes = max(map(len, patterns), default=0)
        self._automaton = BytesAhoCorasick(
            patterns,
            matchkind=MatchKind.LeftmostLongest,
            # What the library chooses for few patterns takes seconds to build where they are long.
            implementation=Implementation.ContiguousNFA,
        )

    def __bool__(self) -> bool:
        return bool(self._known)

    def masked(self, text: str) -> str:
        """Return a text without the secrets in it."""
        data = text.encode("utf-8", "surrogatepass")
        found = self._automaton.find_matches_as_indexes(data)
        masked = text
        if found:
            parts, end, probes = [], 0, 0
            for pattern, start, after in found:
                if after <= end:
                    continue
                # It may begin inside what an overlapping secret has taken with it.
                parts += [data[end:start], MASK.encode()] if start >= end else []
                end, probes = self._extent(data, start, after, probes)
                if self._ends_text[pattern] or probes > MAX_PROBES:
                    end = len(data)
                    break
            masked = b"".join([*parts, data[end:]]).decode("utf-8", "surrogatepass")
        return self._without_cut(masked) if len(text) >= _LONG else masked

    def _extent(self, data: bytes, start: int, after: int, probes: int) -> tuple[int, int]:
        """Return where a secret ends, together with those that begin inside it and end behind it, and the looks so far.

        The search reports of overlapping secrets only the leftmost; the rest of the others would stay readable.
        """
        at = start + 1
        while at < after and probes <= MAX_PROBES:
            probes += 1
            inside = self._automaton.find_matches_as_indexes(data[at : after + self._longest_bytes - 1])
            if not inside:
                break
            _, begins, ends = inside[0]
            if at + begins >= after:
                break
            if self._ends_text[inside[0][0]]:
                return len(data), probes
            after = max(after, at + ends)
            at += begins + 1
        return after, probes

    def _without_cut(self, text: str) -> str:
        """Return a text without the beginning of a secret at its end: long messages are cut somewhere."""
        seen: set[str] = set()
        for at in range(len(text) - _BEGINNING, max(0, len(text) - self._reach) - 1, -1):
            start = text[at : at + _BEGINNING]
            longest = self._longest.get(start)
            if longest is None or start in seen or len(text) - at > longest:
                continue
            seen.add(start)
            rest = text[at:].rstrip("….")
            nearest = bisect_left(self._known, rest)
            if nearest < len(self._known) and self._known[nearest].startswith(rest):
                return text[:at] + MASK
        return text


@lru_cache(maxsize=32)
def _search_for(texts: frozenset[str], begun: frozenset[str]) -> _Search | None:
    """Return the search for secrets, None where they have too many spellings.

    A page asks for those of the same instance again and again.
    """
    whole = _spelled(texts, MAX_SPELLINGS)
    opening = None if whole is None else _spelled(begun, MAX_SPELLINGS)
    return None if whole is None or opening is None else _Search(whole, opening)


def _spelled(secrets: Iterable[str], most: int) -> set[str] | None:
    """Return the spellings of secrets, None where they have more characters than that."""
    found: set[str] = set()
    for secret in secrets:
        spelled = {each for each in spellings(secret) if len(each) >= SHORTEST_SECRET}
        found |= spelled
        most -= sum(map(len, spelled))
        if most < 0:
            return None
    return found
