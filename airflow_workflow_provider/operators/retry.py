"""How a task tells Airflow to try again or not: the machine has decided, Airflow only obeys."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk.definitions.retry_policy import RetryDecision, RetryPolicy

from airflow_workflow_provider.errors import StoreUnavailable, WorkflowsError
from airflow_workflow_provider.settings import load_settings

if TYPE_CHECKING:
    from airflow.sdk import Context


class StepStopped(WorkflowsError):
    """A step has failed for good; the error object says why.

    :param error: the error object of rule F1
    """

    default_code = "step-failed"

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error.get('type')}: {error.get('message')}", code=error.get("code"))
        self.error = error


class StepRetried(WorkflowsError):
    """An attempt of a step has failed and another follows.

    :param delay: time until then
    """

    default_code = "step-retried"

    def __init__(self, error: dict[str, Any] | None, delay: timedelta) -> None:
        error = error or {}
        super().__init__(f"{error.get('type')}: {error.get('message')}", code=error.get("code"))
        self.delay = delay


class StepRetryPolicy(RetryPolicy):
    """Tells Airflow what the machine has decided.

    An unreachable workflow database and anything unforeseen is tried again after
    ``[workflows] infrastructure_retry_delay``, as often as the task's ``retries`` allow.
    """

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,  # noqa: ARG002 - the machine counts the attempts
        max_tries: int,  # noqa: ARG002
        context: Context | None = None,  # noqa: ARG002
    ) -> RetryDecision:
        """Return what follows an exception of a task."""
        if isinstance(exception, StepStopped):
            return RetryDecision.fail("the workflow does not try this step again")
        if isinstance(exception, StepRetried):
            return RetryDecision.retry(exception.delay, reason="the step's retry policy")
        delay = load_settings().infrastructure_retry_delay
        reason = "the workflow database" if isinstance(exception, StoreUnavailable) else "the platform"
        return RetryDecision.retry(delay, reason=f"trouble with {reason}")

    def serialize(self) -> dict[str, Any]:
        """Return nothing: this policy has no settings of its own."""
        return {}
