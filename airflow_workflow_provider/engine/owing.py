"""Compensations that an instance owes, because it ended before its policy for failures could be followed (rule F7).

A person ends its DAG run, or cancels it without compensation; Airflow gives up on the task in which they run. What its
steps have done then stands, although the definition says that a failure undoes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_workflow_provider.engine import completion, limits
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.instance_records import FailureHandling
from airflow_workflow_provider.engine.phases import InstanceStatus, StepStatus

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_workflow_provider.engine.machine import Machine


def compensate(machine: Machine, now: datetime) -> int:
    """Let an instance that has failed run the compensations that it owes, and then end as it had ended.

    The workflow's handler does not run: nobody waits for its path any more.

    :returns: how many it owed
    """
    state, count = machine.state, completion.owed(machine.graph, machine.state)
    if not count:
        return 0
    handled, error = state.failure, state.error
    if error is None:
        message = "an instance that has failed has an error"
        raise AssertionError(message)
    failure = handled.failure if handled is not None else Failure.named(error["type"], error["message"])
    done = [each for each in handled.compensated if each.status is not StepStatus.RUNNING] if handled else []
    with machine.turn(now) as turn:
        limits.run_again(turn)
        state.status, state.error, state.output = InstanceStatus.RUNNING, None, None
        again = FailureHandling(error, failure, queue=list(range(count)), compensated=done, cancelled=True)
        completion.begin_on_failure(turn, again)
    return count
