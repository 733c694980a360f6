"""Durations (rule D3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_workflow_provider.model.checks.base import Check, Checked, Path, finding
from airflow_workflow_provider.model.durations import parse_duration, parse_retention

if TYPE_CHECKING:
    from airflow_workflow_provider.model.definition import RetryPolicy
    from airflow_workflow_provider.model.diagnostics import Diagnostic


def policies_at(path: Path, policy: RetryPolicy | tuple[RetryPolicy, ...] | None) -> Iterator[tuple[Path, RetryPolicy]]:
    """The retry policies of a ``retryPolicy`` with their places, whichever form it has."""
    if isinstance(policy, tuple):
        for number, each in enumerate(policy):
            yield (*path, "retryPolicy", number), each
    elif policy is not None:
        yield (*path, "retryPolicy"), policy


def policy_durations(path: Path, policy: RetryPolicy | tuple[RetryPolicy, ...] | None) -> Iterator[Diagnostic]:
    """What is wrong with the durations of a ``retryPolicy``."""
    for place, each in policies_at(path, policy):
        yield from fixed_length((*place, "delay"), each.delay)
        yield from fixed_length((*place, "maxDelay"), each.max_delay)


def fixed_length(path: Path, text: str | None, *, above_zero: bool = False) -> Iterator[Diagnostic]:
    """What is wrong with a duration of fixed length, if it is there."""
    if text is None:
        return
    try:
        length = parse_duration(text)
    except ValueError as error:
        yield finding("WF125", path, str(error))
        return
    if above_zero and length == timedelta(0):
        yield finding("WF125", path, f"{text!r} is no time at all", "omit it for no limit")


class Durations(Check):
    """Durations are ISO 8601; years and months only where the calendar is meant."""

    codes = ("WF125",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the durations that are invalid."""
        for path, step, _ in document.steps():
            yield from policy_durations(path, step.retry_policy)
            if isinstance(step.timeout, str):
                yield from fixed_length((*path, "timeout"), step.timeout, above_zero=True)
        settings = document.definition.settings
        yield from fixed_length(("settings", "timeout"), settings.timeout, above_zero=True)
        yield from fixed_length(("settings", "deadline"), settings.deadline, above_zero=True)
        log = document.definition.execution_log
        if log is not None and log.retention is not None:
            yield from _calendar(("executionLog", "retention"), log.retention)


def _calendar(path: Path, text: str) -> Iterable[Diagnostic]:
    try:
        parse_retention(text)
    except ValueError as error:
        yield finding("WF125", path, str(error))
