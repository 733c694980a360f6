"""How a task asks Airflow to retry it or not: the machine has decided, Airflow only obeys."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import RetryDecision, RetryPolicy
from airflow.sdk.exceptions import AirflowRuntimeError

from airflow_workflow_provider.errors import StoreUnavailable, WorkflowsError
from airflow_workflow_provider.operators.patience import delay_after
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow.sdk import Context

AWAY: Final = (StoreUnavailable, AirflowRuntimeError, OSError)
"""The exceptions of unavailable infrastructure: the workflow database, Airflow's API, a network or a disk."""

TOO_NEW: Final = "stored-state-too-new"
"""Code of the error of a worker that is still to be upgraded; another one may run the task."""

UNFORESEEN: Final = 5
"""Tries after errors of other kinds."""


class StepStopped(WorkflowsError):
    """A step has failed for good; the error object says why.

    :param error: the error object of rule F1
    """

    default_code = ProblemCode.STEP_FAILED

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error.get('type')}: {error.get('message')}", code=error.get("code"))
        self.error = error


class StepRetried(WorkflowsError):
    """An attempt of a step has failed and another follows.

    :param delay: time until then
    """

    default_code = ProblemCode.STEP_RETRIED

    def __init__(self, error: dict[str, Any] | None, delay: timedelta) -> None:
        error = error or {}
        super().__init__(f"{error.get('type')}: {error.get('message')}", code=error.get("code"))
        self.delay = delay


class StepRetryPolicy(RetryPolicy):
    """Passes the machine's decision to Airflow.

    Unavailable infrastructure is waited for at growing delays, as often as the task's ``retries`` allow. An unexpected
    error would persist for all that time, so it is retried only a few times.

    :param own: how many tries the task's own work may take
    """

    def __init__(self, own: int = 1) -> None:
        self.own = own

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,  # noqa: ARG002 - Airflow itself ends at these
        context: Context | None = None,  # noqa: ARG002
    ) -> RetryDecision:
        """Return what follows an exception of a task."""
        if isinstance(exception, StepStopped):
            return RetryDecision.fail("the workflow does not try this step again")
        if isinstance(exception, StepRetried):
            return RetryDecision.retry(exception.delay, reason="the step's retry policy")
        if not _may_pass(exception) and try_number > self.own + UNFORESEEN:
            return RetryDecision.fail("an unexpected error occurred repeatedly")
        delay = delay_after(try_number, load_settings())
        reason = "the workflow database" if isinstance(exception, StoreUnavailable) else "the platform"
        return RetryDecision.retry(delay, reason=f"trouble with {reason}")

    def serialize(self) -> dict[str, Any]:
        """Return nothing: only the task's own process asks this policy."""
        return {}


def _may_pass(exception: BaseException) -> bool:
    """Return whether an exception says that something is unavailable, rather than wrong."""
    return isinstance(exception, AWAY) or getattr(exception, "code", None) == TOO_NEW
