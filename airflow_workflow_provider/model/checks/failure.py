"""Retries, error handlers and compensation (rules F1, F2, F4, F7)."""

from __future__ import annotations

import builtins
import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from pydantic.alias_generators import to_camel

from airflow_workflow_provider.model.checks.base import Check, Checked, Path, finding, warning
from airflow_workflow_provider.model.checks.times import policies_at
from airflow_workflow_provider.model.durations import parse_duration
from airflow_workflow_provider.model.references import is_child_workflow
from airflow_workflow_provider.model.task import BUILTIN_TASKS
from airflow_workflow_provider.model.words import shown
from airflow_workflow_provider.vocabulary import ErrorType

if TYPE_CHECKING:
    from airflow_workflow_provider.model.definition import OnFailure, RetryPolicy, Step
    from airflow_workflow_provider.model.diagnostics import Diagnostic

ERROR_TYPES: Final[frozenset[str]] = frozenset({*map(str, ErrorType), "TaskError"})
"""The error types of the format itself."""

_NEVER_RETRIED: Final = frozenset({ErrorType.VALIDATION_ERROR, ErrorType.CANCELLED})
_RAISES_OWN: Final = frozenset({"python"})
"""Built-in operators that run code of strangers, whose errors may have any name."""

_OF_DELAYS: Final = ("delay", "strategy", "max_delay", "multiplier", "jitter")
_SIMILARITY: Final = 0.87
_LONGEST: Final = 100


def _handlers(document: Checked) -> Iterator[tuple[Path, OnFailure]]:
    if document.definition.on_failure is not None:
        yield ("onFailure",), document.definition.on_failure
    for path, step, _ in document.steps():
        if step.on_failure is not None:
            yield (*path, "onFailure"), step.on_failure


class EmptyErrorCondition(Check):
    """An error condition says which errors it means (rule F4)."""

    codes = ("WF207",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the conditions that name nothing."""
        for path, handler in _handlers(document):
            for number, condition in enumerate(handler.conditions):
                if condition.error_type is None and condition.error_code is None:
                    message = "The condition names neither errorType nor errorCode"
                    suggestion = 'name one; "errorType": "*" means every error but Cancelled'
                    yield finding("WF207", (*path, "errorHandler", "conditions", number), message, suggestion)


class WorkflowRetry(Check):
    """A workflow's ``onFailure`` has nothing that it could retry (rule F7)."""

    codes = ("WF209",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the action."""
        handler = document.definition.on_failure
        if handler is not None and handler.action == "retry":
            message = "A workflow cannot be retried by its onFailure; the action counts as stop"
            yield warning("WF209", ("onFailure", "action"), message, "give the steps a retryPolicy")


class IdleCompensation(Check):
    """Compensations run where the workflow's ``onFailure`` says so (rule F7)."""

    codes = ("WF212",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the compensations that never run, or the wish for them where there are none."""
        handler = document.definition.on_failure
        wanted = handler is not None and handler.compensate
        places = [path for path, step, _ in document.steps() if step.compensation is not None]
        if wanted and not places:
            message = "No step has a compensation, so there is nothing to undo"
            yield warning("WF212", ("onFailure", "compensate"), message, "give the steps a compensation")
        if not wanted:
            for path in places:
                message = "The compensation never runs: the workflow's onFailure has no compensate"
                yield warning("WF212", (*path, "compensation"), message, 'add "onFailure": {"compensate": true}')


class ErrorTypeSpelling(Check):
    """An error type that is nearly one of the format's own is probably meant to be that (rule F1)."""

    codes = ("WF213",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the types that look misspelt."""
        for path, name in self._types(document):
            meant = _meant(name)
            if meant is not None:
                message = f"{shown(name)} is not one of the engine's error types"
                yield warning("WF213", path, message, f"did you mean {shown(meant)}?")

    @staticmethod
    def _types(document: Checked) -> Iterator[tuple[Path, str]]:
        for path, handler in _handlers(document):
            for number, condition in enumerate(handler.conditions):
                if condition.error_type is not None:
                    yield (*path, "errorHandler", "conditions", number, "errorType"), condition.error_type
        for path, step, _ in document.steps():
            for place, policy in policies_at(path, step.retry_policy):
                for number, name in enumerate(policy.retry_on):
                    yield (*place, "retryOn", number), name
                for number, name in enumerate(policy.do_not_retry_on):
                    yield (*place, "doNotRetryOn", number), name


class IdlePolicy(Check):
    """In a list of retry policies the first that matches applies, and some errors are never retried (rule F2)."""

    codes = ("WF214",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the policies that never apply."""
        for path, step, _ in document.steps():
            covered = False
            for place, policy in policies_at(path, step.retry_policy):
                if covered:
                    message = "The policy never applies: one before it matches every error"
                    yield warning("WF214", place, message, "put the policy without retryOn last")
                elif policy.retry_on and _NEVER_RETRIED.issuperset(policy.retry_on) and not _may_raise(document, step):
                    names = " and ".join(policy.retry_on)
                    message = f"The policy never applies: the engine's own {names} is never retried"
                    yield warning("WF214", (*place, "retryOn"), message, "route it with an errorHandler")
                elif _excludes_all(policy):
                    message = "The policy never retries: doNotRetryOn lists every error that its retryOn lists"
                    yield warning("WF214", (*place, "doNotRetryOn"), message, "remove one of the two")
                covered = covered or _matches_all(policy)


def _may_raise(document: Checked, step: Step) -> bool:
    """Return whether an error of a step may be of a task's own class, which can have any name (rule F1)."""
    if step.parallel_branches or step.for_each is not None:
        return True
    return any(_task_may_raise(document, task_id) for task_id in step.task_ids)


def _task_may_raise(document: Checked, task_id: str) -> bool:
    if is_child_workflow(task_id):
        return True
    task = document.catalogue.get(task_id) if document.catalogue is not None else None
    operator = task.operator if task is not None else task_id
    return operator not in BUILTIN_TASKS or operator in _RAISES_OWN


def _excludes_all(policy: RetryPolicy) -> bool:
    excluded = set(policy.do_not_retry_on)
    return "*" in excluded or (bool(policy.retry_on) and excluded.issuperset(policy.retry_on))


class IdleFields(Check):
    """Every field of a retry policy has an effect (rule F2)."""

    codes = ("WF215",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the fields that have none."""
        for path, step, _ in document.steps():
            for place, policy in policies_at(path, step.retry_policy):
                yield from idle_fields(place, policy)
            handler = step.on_failure
            if handler is None or handler.action != "retry" or step.retry_policy is None:
                continue
            if all(policy.max_attempts == 1 for policy in step.retry_policies):
                message = 'The action "retry" has no effect: the step\'s retryPolicy says that nothing is retried'
                suggestion = "remove retryPolicy or the action"
                yield warning("WF215", (*path, "onFailure", "action"), message, suggestion)
        yield from _idle_on_timeout(document)


def _idle_on_timeout(document: Checked) -> Iterator[Diagnostic]:
    """Yield each ``onTimeout`` that stands for no timeout; a step may have that of its task (rules F3, K4)."""
    message, suggestion = "onTimeout has no effect: there is no timeout", "add timeout, or remove it"
    for path, step, _ in document.steps():
        if "on_timeout" in step.model_fields_set and step.timeout is None and document.catalogue is not None:
            tasks = [document.catalogue.get(task_id) for task_id in step.task_ids]
            if all(task is not None and task.timeout is None for task in tasks):
                yield warning("WF215", (*path, "onTimeout"), message, suggestion)
    settings = document.definition.settings
    if "on_timeout" in settings.model_fields_set and settings.timeout is None:
        yield warning("WF215", ("settings", "onTimeout"), message, suggestion)


def idle_fields(path: Path, policy: RetryPolicy) -> Iterator[Diagnostic]:
    """Yield the fields of a retry policy that are given and have no effect."""
    given = policy.model_fields_set
    if "retry_on" in given and not policy.retry_on:
        message = "An empty retryOn has no effect: every error is retried, as without it"
        yield warning("WF215", (*path, "retryOn"), message, 'remove it; "maxAttempts": 1 retries nothing')
    if policy.max_attempts == 1:
        for name in _OF_DELAYS:
            if name in given:
                message = f"{to_camel(name)} has no effect: with maxAttempts 1 nothing is retried"
                yield warning("WF215", (*path, to_camel(name)), message, "raise maxAttempts, or remove it")
        return
    for name, why in _idle_delays(policy):
        if name in given:
            yield warning("WF215", (*path, to_camel(name)), f"{to_camel(name)} has no effect: {why}", "leave it out")


def _idle_delays(policy: RetryPolicy) -> Iterator[tuple[str, str]]:
    """Yield the fields about delays that cannot change any, each with the reason."""
    delay, longest = _seconds(policy.delay), _seconds(policy.max_delay)
    if delay == 0:
        yield from ((name, "the delay is zero") for name in ("strategy", "multiplier", "max_delay", "jitter"))
        return
    if policy.strategy != "exponential":
        yield "multiplier", 'only the strategy "exponential" multiplies'
    elif policy.max_attempts == 2:  # noqa: PLR2004 - the second attempt has the first delay
        yield "multiplier", "with maxAttempts 2 there is one delay, which is not multiplied"
    if delay is None or longest is None:
        return
    if longest < delay:
        yield "delay", "maxDelay is shorter, so every delay is maxDelay"
        if policy.multiplier >= 1:
            yield "multiplier", "maxDelay is shorter than the first delay"
    elif policy.strategy != "exponential" and _longest(policy, delay) <= longest:
        yield "max_delay", "no delay is longer"


def _longest(policy: RetryPolicy, delay: float) -> float:
    """Return the longest delay in seconds of a policy that does not multiply it."""
    last = policy.max_attempts - 1 if policy.strategy == "linear" else 1
    return delay * last * (1 + policy.jitter)


def _seconds(duration: str | None) -> float | None:
    try:
        return None if duration is None else parse_duration(duration).total_seconds()
    except (ValueError, OverflowError):
        return None


def _matches_all(policy: RetryPolicy) -> bool:
    return (not policy.retry_on or "*" in policy.retry_on) and not policy.do_not_retry_on


def _meant(name: str) -> str | None:
    if name == "*" or name in ERROR_TYPES or hasattr(builtins, name) or len(name) > _LONGEST:
        return None
    for known in ERROR_TYPES:
        if known.casefold() == name.casefold():
            return known
    close = difflib.get_close_matches(name, sorted(ERROR_TYPES), n=1, cutoff=_SIMILARITY)
    return close[0] if close else None
