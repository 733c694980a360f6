"""Regular expressions of JSONata, and the other things that it can look for in a text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from jsonata.functions import Functions

from airflow_workflow_provider.model.expressions.bounds import TIME_LIMIT_SECONDS
from airflow_workflow_provider.model.expressions.errors import ExpressionFailure, ExpressionSyntaxError, Kind
from airflow_workflow_provider.model.expressions.jsonata.parser import fault
from airflow_workflow_provider.model.json_schema.pattern_captures import (
    CapturingPattern,
    FormerCapturingPattern,
    capturing_pattern,
)
from airflow_workflow_provider.model.json_schema.patterns import ForeignPattern, PatternError, PatternTimeout

if TYPE_CHECKING:
    from airflow_workflow_provider.model.expressions.functions import Match
    from airflow_workflow_provider.model.expressions.jsonata.evaluation import Evaluation


class RegularExpression:
    """What stands between slashes, as ECMA-262 means it.

    One that was stored when Python's meaning counted, and that ECMA-262 does not know, keeps that meaning.

    :param source: its text
    :param flags: what follows its closing slash
    :ivar flaw: what is wrong with it today
    :raises ExpressionSyntaxError: nothing can be made of it
    """

    def __init__(self, source: str, flags: Any) -> None:
        self.source = source
        self.flaw: ExpressionSyntaxError | None = None
        ignore_case, multiline = bool(flags.case_insensitive), bool(flags.multiline)
        self._pattern: CapturingPattern | FormerCapturingPattern
        try:
            self._pattern = capturing_pattern(source, ignore_case, multiline, TIME_LIMIT_SECONDS)
        except ForeignPattern as error:
            self.flaw = self._error(error)
            try:
                self._pattern = FormerCapturingPattern(
                    source, ignore_case=ignore_case, multiline=multiline, patience=TIME_LIMIT_SECONDS
                )
            except PatternError:
                raise self.flaw from error
        except PatternError as error:
            raise self._error(error) from error

    def _error(self, error: PatternError) -> ExpressionSyntaxError:
        suggestion = error.suggestion
        if suggestion is not None and "flags" in suggestion:
            suggestion = f"{suggestion}; in JSONata they follow the last slash, as in /a/i"
        kind: Kind = "syntax" if isinstance(error, ForeignPattern) else "size"
        message = f"the regular expression /{self.source}/: {error}"
        return ExpressionSyntaxError(message, kind=kind, suggestion=suggestion)

    def finditer(self, string: str) -> Iterator[Match]:
        """The matches one after the other; one that would never get further is an error, as in the reference."""
        try:
            for count, found in enumerate(self._pattern.matches(string)):
                if count and not found.text:
                    raise fault(0, "D1004")
                yield {"match": found.text, "start": found.start, "end": found.end, "groups": list(found.groups)}
        except PatternTimeout as error:
            raise ExpressionFailure(str(error)) from error

    # The engine knows a regular expression by these.
    search = sub = split = finditer


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
