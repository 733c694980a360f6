"""How a task tells Airflow to try again or not."""

from __future__ import annotations

import pickle
from datetime import timedelta

import pytest
from airflow.sdk.definitions.retry_policy import RetryAction

from airflow_workflow_provider.errors import StoreUnavailable, WorkflowsError
from airflow_workflow_provider.operators.retry import StepRetried, StepRetryPolicy, StepStopped

ERROR = {"type": "Broken", "code": "E1", "message": "not today"}


def test_f2_airflow_does_what_the_machine_decided() -> None:
    policy = StepRetryPolicy()
    again = policy.evaluate(StepRetried(ERROR, timedelta(seconds=7)), 1, 3)
    assert (again.action, again.retry_delay) == (RetryAction.RETRY, timedelta(seconds=7))
    assert policy.evaluate(StepStopped(ERROR), 1, 3).action == RetryAction.FAIL


@pytest.mark.parametrize("error", [StoreUnavailable("down"), ConnectionResetError(), RuntimeError("odd")])
def test_trouble_of_the_platform_is_tried_again_at_growing_delays(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__INFRASTRUCTURE_RETRY_DELAY", "PT42S")
    policy = StepRetryPolicy(own=1000)
    for try_number, delay in ((1, 1), (4, 8), (6, 32), (7, 42), (900, 42)):
        found = policy.evaluate(error, try_number, 1000)
        assert found.action == RetryAction.RETRY
        assert found.retry_delay is not None
        assert delay / 2 <= found.retry_delay.total_seconds() <= delay


def test_only_what_is_away_is_waited_for_without_end() -> None:
    policy = StepRetryPolicy(own=2)
    assert policy.evaluate(StoreUnavailable("down"), 500, 1000).action == RetryAction.RETRY
    newer = WorkflowsError("written by a newer release", code="stored-state-too-new")
    assert policy.evaluate(newer, 500, 1000).action == RetryAction.RETRY
    assert policy.evaluate(KeyError("odd"), 7, 1000).action == RetryAction.RETRY
    assert policy.evaluate(KeyError("odd"), 8, 1000).action == RetryAction.FAIL


def test_errors_between_processes_keep_what_they_say() -> None:
    stopped = pickle.loads(pickle.dumps(StepStopped(ERROR)))  # noqa: S301 - our own
    assert (str(stopped), stopped.code, stopped.error) == ("Broken: not today", "E1", ERROR)
    retried = pickle.loads(pickle.dumps(StepRetried(ERROR, timedelta(seconds=1))))  # noqa: S301
    assert (str(retried), retried.delay) == ("Broken: not today", timedelta(seconds=1))
