"""What a task does if its instance is older than the work that was done for it, as after a restored backup.

What the lost part of the state said cannot be made up, and to do its work again may do it twice. So the instance is
suspended and the task waits; reconciliation has the run start from the first task, which continues from the stored
state once somebody has resumed the instance.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NoReturn

from airflow.sdk.exceptions import AirflowTaskTerminated

from airflow_workflow_provider.engine.suspension import hold, suspend_restored
from airflow_workflow_provider.instances.stored import StateRestored, Stored
from airflow_workflow_provider.operators.resumption import wait_for_resumption
from airflow_workflow_provider.operators.task_states import states_of
from airflow_workflow_provider.plan.positions import POSITION, is_behind, position_in

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_workflow_provider.engine.machine import Machine
    from airflow_workflow_provider.instances.session import InstanceSession
    from airflow_workflow_provider.plan.nodes import Plan

log = logging.getLogger(__name__)

RUNNING: Final = "running"
"""The state in Airflow of a task whose process runs, unless the task was cleared."""


def check(plan: Plan, task_id: str, session: InstanceSession, context: Context) -> None:
    """Wait where the state is older than the tasks before this one, which nothing in the state led to.

    :param task_id: this one
    :raises TaskAwaitingInput: it is
    """
    ti, before = context["ti"], [node.task_id for node in plan.deciders(task_id)]
    left = {each: position_in(ti.xcom_pull(task_ids=each, key=POSITION)) for each in before}
    positions = {each: position for each, position in left.items() if position is not None}
    if not positions:
        return

    def has_lost(machine: Machine) -> bool:
        return not machine.is_over and is_behind(machine, plan, positions)

    if session.look(has_lost):
        _wait(task_id, session)


@contextmanager
def noticed(task_id: str, session: InstanceSession, context: Context) -> Iterator[None]:
    """Wait where the state turns out to be older than what this task has stored itself.

    :raises TaskAwaitingInput: it does
    :raises AirflowTaskTerminated: it does, and the task was cleared meanwhile. Reconciliation was there first, and the
        instance may have been resumed since: this process, which Airflow is about to end, must not suspend it again
    """
    try:
        yield
    except StateRestored:
        if states_of(context, [task_id]).get(task_id) != RUNNING:
            message = "The task was cleared after the workflow database was restored; another one takes its place"
            raise AirflowTaskTerminated(message) from None
        session.stored = Stored()
        _wait(task_id, session)


def _wait(task_id: str, session: InstanceSession) -> NoReturn:
    def work(machine: Machine) -> None:
        suspend_restored(machine, session.clock())
        hold(machine, task_id)

    session.change(work)
    log.error("The workflow database was restored from an older backup; instance %s is suspended", session.instance_id)
    wait_for_resumption()
