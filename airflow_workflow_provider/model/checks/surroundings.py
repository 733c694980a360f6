"""Triggers and the execution log (rules E1, L2, L4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from airflow_workflow_provider.model.checks.base import Check, Checked, finding, warning
from airflow_workflow_provider.model.diagnostics import Diagnostic, pointer_of
from airflow_workflow_provider.model.patterns import MANY, MAX_MANY
from airflow_workflow_provider.model.words import shown

_MAX_PATTERN: Final = 500


class EventPattern(Check):
    """A pattern is a CloudEvent type with ``*`` and ``**`` for whole segments, or an asset's name (rule E1)."""

    codes = ("WF501",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the patterns of another form."""
        for number, trigger in enumerate(document.definition.triggers):
            problem = _pattern_problem(trigger.event_pattern)
            if problem is not None:
                message = f"eventPattern {shown(trigger.event_pattern)} {problem}"
                suggestion = "write for example orders.created, orders.*, or **"
                yield finding("WF501", ("triggers", number, "eventPattern"), message, suggestion)


class UniquePatterns(Check):
    """One event starts at most one instance of a definition, so a second trigger of the same pattern never acts."""

    codes = ("WF502",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield every pattern after its first."""
        first: dict[str, int] = {}
        for number, trigger in enumerate(document.definition.triggers):
            if trigger.event_pattern in first:
                place = pointer_of(("triggers", first[trigger.event_pattern]))
                message = f"eventPattern {shown(trigger.event_pattern)} is already at {place}; only that one acts"
                yield warning("WF502", ("triggers", number, "eventPattern"), message, "remove one of them")
            first.setdefault(trigger.event_pattern, number)


class LogPaths(Check):
    """``metadata`` and ``redact`` hold dotted paths (rules L2 and L4)."""

    codes = ("WF503",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the paths of another form."""
        log = document.definition.execution_log
        if log is None:
            return
        for key, paths in (("metadata", log.metadata), ("redact", log.redact)):
            for number, text in enumerate(paths):
                if not text or not all(segment.strip() == segment and segment for segment in text.split(".")):
                    message = f"{shown(text)} is no dotted path"
                    yield finding("WF503", ("executionLog", key, number), message, "write for example customer.email")


def _pattern_problem(pattern: str) -> str | None:
    if not pattern.strip():
        return "is empty"
    if pattern != pattern.strip():
        return "starts or ends with white space"
    if len(pattern) > _MAX_PATTERN:
        return f"is longer than {_MAX_PATTERN} characters"
    segments = pattern.split(".")
    if any("*" in segment and segment not in {"*", "**"} for segment in segments):
        return "has a * beside other characters; it stands for a whole segment between dots"
    if segments.count(MANY) > MAX_MANY:
        return f"has ** more than {MAX_MANY} times"
    # the name of an asset may be a URI, in which two dots mean something else
    if "/" not in pattern and not all(segments):
        return "has an empty segment between dots"
    return None
