"""Regular expressions of JSONata, and the other things that it can look for in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import regex
from jsonata.functions import Functions

from airflow_workflow_provider.model.expressions.bounds import TIME_LIMIT_SECONDS
from airflow_workflow_provider.model.expressions.errors import ExpressionFailure, ExpressionSyntaxError
from airflow_workflow_provider.model.expressions.jsonata.parser import fault

if TYPE_CHECKING:
    from airflow_workflow_provider.model.expressions.functions import Match
    from airflow_workflow_provider.model.expressions.jsonata.evaluation import Evaluation


_SIZE_LIMIT: Final = 100_000
"""Parts of a regular expression with every repetition written out."""

_PART: Final = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\{([0-9]{1,9})(?:,([0-9]{0,9}))?\}|.", re.DOTALL)


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


class TimedPattern:
    """A regular expression that gives up: backtracking can take longer than the age of the universe.

    :param pattern: its source
    :param flags: what follows its closing slash
    """

    def __init__(self, pattern: str, flags: Any) -> None:
        if _size(pattern) > _SIZE_LIMIT:
            msg = "the regular expression is too large: its repetitions, written out, would take too much memory"
            raise ExpressionSyntaxError(msg, kind="size")
        options = (regex.IGNORECASE if flags.case_insensitive else 0) | (regex.MULTILINE if flags.multiline else 0)
        self._pattern = regex.compile(pattern, options)

    def search(self, string: str, start: int = 0) -> Any:
        """As :meth:`re.Pattern.search`."""
        try:
            return self._pattern.search(string, start, timeout=TIME_LIMIT_SECONDS)
        except TimeoutError as error:
            msg = f"a regular expression ran for more than {TIME_LIMIT_SECONDS:g} seconds"
            raise ExpressionFailure(msg) from error

    def finditer(self, string: str) -> Iterator[Match]:
        """The matches one after the other; one that would never get further is an error, as in the reference."""
        found = self.search(string)
        while found is not None:
            yield {"match": found[0], "start": found.start(), "end": found.end(), "groups": list(found.groups())}
            if found.end() >= len(string):
                return
            found = self.search(string, found.end())
            if found is not None and not found[0]:
                raise fault(0, "D1004")

    # The engine knows a regular expression by these.
    sub = split = finditer


def matches(engine: Evaluation, matcher: Any, text: str) -> Iterator[Match]:
    """What a regular expression, or a function that does its work, finds in a text.

    :raises JException: the function does not give what such a function must
    """
    if Functions.is_regex(matcher):
        yield from matcher.finditer(text)
        return
    found = engine.call(matcher, [text])
    while found is not None:
        if not isinstance(found, Mapping) or not {"start", "end", "groups", "next"} & found.keys():
            raise fault(-1, "T1010", "matcher")
        yield {"match": "", "start": 0, "end": 0, "groups": [], **found}
        engine.meter.tick()
        found = engine.call(found.get("next"), [])
