"""Retries, error handlers and compensation (rules F1, F2, F4, F7)."""

from __future__ import annotations

import builtins
import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.model.checks.base import Check, Checked, Path, finding, warning
from airflow_workflow_provider.model.checks.times import policies_at
from airflow_workflow_provider.model.words import shown

if TYPE_CHECKING:
    from airflow_workflow_provider.model.definition import OnFailure, RetryPolicy
    from airflow_workflow_provider.model.diagnostics import Diagnostic

ERROR_TYPES: Final = frozenset(
    {
        "ValidationError", "TimeoutError", "ExpressionError", "NoTransitionMatched", "BranchFailed", "OutputError",
        "OutputTooLarge", "LoopLimitExceeded", "TaskNotFound", "WorkerLost", "Rejected", "Cancelled", "WorkflowFailed",
        "TaskError",
    }
)  # fmt: skip
"""The error types of the format itself."""

_NEVER_RETRIED: Final = frozenset({"ValidationError", "Cancelled"})
_ALIKE: Final = 0.87
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
                message = f"{shown(name)} is none of the format's own error types"
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
                elif policy.retry_on and _NEVER_RETRIED.issuperset(policy.retry_on):
                    message = f"The policy never applies: {' and '.join(policy.retry_on)} is never retried"
                    yield warning("WF214", (*place, "retryOn"), message, "route it with an errorHandler")
                covered = covered or _matches_all(policy)


def _matches_all(policy: RetryPolicy) -> bool:
    return (not policy.retry_on or "*" in policy.retry_on) and not policy.do_not_retry_on


def _meant(name: str) -> str | None:
    if name == "*" or name in ERROR_TYPES or hasattr(builtins, name) or len(name) > _LONGEST:
        return None
    for known in ERROR_TYPES:
        if known.casefold() == name.casefold():
            return known
    close = difflib.get_close_matches(name, sorted(ERROR_TYPES), n=1, cutoff=_ALIKE)
    return close[0] if close else None
