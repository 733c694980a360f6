"""Triggers and the execution log (rules E1, L2, L4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from airflow_workflow_provider.model.checks.base import Check, Checked, finding, warning
from airflow_workflow_provider.model.checks.base import Path as Place
from airflow_workflow_provider.model.definition import EventTrigger
from airflow_workflow_provider.model.diagnostics import Diagnostic, pointer_of
from airflow_workflow_provider.model.json_schema.budget import OutOfSteps
from airflow_workflow_provider.model.json_schema.defaults import with_defaults
from airflow_workflow_provider.model.json_schema.patterns import PatternError
from airflow_workflow_provider.model.json_schema.reach import may_lead
from airflow_workflow_provider.model.json_schema.references import UnknownReference
from airflow_workflow_provider.model.json_schema.validation import place_of, schema_findings
from airflow_workflow_provider.model.paths import MAX_REDACTED, Name, Path, PathError, Position, parse_path
from airflow_workflow_provider.model.patterns import MANY, MAX_MANY
from airflow_workflow_provider.model.schedules import MAX_SCHEDULES, problems_of
from airflow_workflow_provider.model.words import shown

_MAX_PATTERN: Final = 500
_PATH_ADVICE: Final = 'write for example customer.email, users[*].password, tokens.* or orders["net.gross"]'


class EventPattern(Check):
    """A pattern is a CloudEvent type with ``*`` and ``**`` for whole segments, or an asset's name (rule E1)."""

    codes = ("WF501",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the patterns of another form."""
        for number, trigger in _of_events(document):
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
        for number, trigger in _of_events(document):
            if trigger.event_pattern in first:
                place = pointer_of(("triggers", first[trigger.event_pattern]))
                message = f"eventPattern {shown(trigger.event_pattern)} is already at {place}; only that one acts"
                yield warning("WF502", ("triggers", number, "eventPattern"), message, "remove one of them")
            first.setdefault(trigger.event_pattern, number)


class Schedules(Check):
    """A schedule says in one way when it is due, and its times exist (rule E6)."""

    codes = ("WF508",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield what is wrong with each."""
        for number, trigger in document.definition.scheduled:
            for key, message in problems_of(trigger.schedule):
                yield finding("WF508", ("triggers", number, "schedule", *([] if key is None else [key])), message)
            timetable = trigger.schedule.timetable
            if timetable is not None and not document.policy.allows_timetable(timetable):
                message = f"Timetable {shown(timetable)} is not allowed"
                place = ("triggers", number, "schedule", "timetable")
                yield finding("WF508", place, message, document.policy.operator_advice())
        if len(document.definition.schedules) > MAX_SCHEDULES:
            message = (
                f"There are {len(document.definition.schedules):,} schedules; at most {MAX_SCHEDULES} are possible"
            )
            yield finding("WF508", ("triggers",), message, "write one cron expression for several times")


class ScheduledInput(Check):
    """A workflow that starts by itself needs its input from somewhere (rules E6 and X6)."""

    codes = ("WF509",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the schedules of which each run would be refused."""
        for number, trigger in document.definition.scheduled:
            if trigger.schedule.input is not None:
                continue
            problem = _missing_input(document.definition.input_schema)
            if problem is not None:
                message = f"The schedule gives no input, and inputSchema refuses that: {problem}"
                suggestion = "add input to the schedule, or defaults to the schema"
                yield finding("WF509", ("triggers", number, "schedule"), message, suggestion)


def _missing_input(schema: dict[str, Any]) -> str | None:
    try:
        found = schema_findings(schema, with_defaults(schema, {}))
    except (OutOfSteps, RecursionError, UnknownReference, PatternError, TypeError, ValueError, AttributeError):
        # What is wrong with the schema is said by another check.
        return None
    return f"{found[0]['pointer'] or '/'}: {found[0]['message']}" if found else None


def _of_events(document: Checked) -> Iterator[tuple[int, EventTrigger]]:
    for number, trigger in enumerate(document.definition.triggers):
        if isinstance(trigger, EventTrigger):
            yield number, trigger


class LogPaths(Check):
    """``metadata`` and ``redact`` hold paths, and those of ``redact`` lead somewhere (rules L2 and L4)."""

    codes = ("WF503",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the paths of another form, and those that can match nothing."""
        log = document.definition.execution_log
        if log is None:
            return
        if len(log.redact) > MAX_REDACTED:
            message = f"redact has {len(log.redact):,} paths; at most {MAX_REDACTED:,} are looked for"
            yield finding("WF503", ("executionLog", "redact"), message, "use * and **, as in tokens.* or **.password")
            return
        for key, texts in (("metadata", log.metadata), ("redact", log.redact)):
            for number, text in enumerate(texts):
                place = ("executionLog", key, number)
                try:
                    path = parse_path(text)
                except PathError as error:
                    yield finding("WF503", place, f"{shown(text)} is no path: {error}", _PATH_ADVICE)
                else:
                    yield from (
                        _of_metadata(text, path, place)
                        if key == "metadata"
                        else _of_redact(document, text, path, place)
                    )


def _of_metadata(text: str, path: Path, place: Place) -> Iterator[Diagnostic]:
    if not all(isinstance(each, Name) or (isinstance(each, Position) and not each.on) for each in path):
        message = f"{shown(text)} may lead to several values; metadata holds one of each name"
        yield finding("WF503", place, message, "write for example orders[0].id")


def _of_redact(document: Checked, text: str, path: Path, place: Place) -> Iterator[Diagnostic]:
    names = [each.text for each in path if isinstance(each, Name)]
    if not names:
        yield finding("WF503", place, f"{shown(text)} has no name: it would mask everything", _PATH_ADVICE)
    elif not _leads_somewhere(document, path):
        message = f"{shown(text)} cannot match anything in this definition"
        yield warning("WF503", place, message, "compare it with inputSchema and the ids of the steps")


def _leads_somewhere(document: Checked, path: Path) -> bool:
    first, second = path[0], path[1] if len(path) > 1 else None
    root = first.text if isinstance(first, Name) else None
    if root == "steps" and isinstance(second, Name) and len(path) > len(("steps", "<id>")):
        return second.text in {step.step_id for _, step, _ in document.steps()}
    schema = document.definition.input_schema
    if root != "input" or not schema:
        return True
    try:
        return may_lead(place_of(schema), path[1:])
    except (RecursionError, TypeError, ValueError, AttributeError):
        # Another check reports errors of the schema.
        return True


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
