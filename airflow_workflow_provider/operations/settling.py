"""Makes an instance agree with a DAG run that has ended without a report of its tasks.

So end the instances of runs that a person marked, that timed out, or that lost a task for good.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_workflow_provider.airflow_db.lookups import run_state
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.manual_override import agree_completed, agree_failed
from airflow_workflow_provider.engine.suspension import suspend_restored
from airflow_workflow_provider.errors import NotFound
from airflow_workflow_provider.instances.session import Run
from airflow_workflow_provider.operations.run_sessions import session_of
from airflow_workflow_provider.plan.plan import plan_of
from airflow_workflow_provider.plan.positions import Positions, is_behind
from airflow_workflow_provider.store.instances import Instances, instance_id
from airflow_workflow_provider.vocabulary import ErrorType

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.machine import Machine
    from airflow_workflow_provider.operations.ended_run import EndedRun
    from airflow_workflow_provider.store.database import Database
    from airflow_workflow_provider.store.instances import Instance


def settle(
    ended: EndedRun,
    database: Database,
    *,
    still_so: Callable[[EndedRun], bool] = lambda _: True,
    positions: Callable[[str, str], Positions] = lambda *_: {},
    note: Callable[[Machine, datetime], None] = lambda *_: None,
    create: bool = True,
) -> bool:
    """Make the instance of a run that has ended agree with it; a run that is no workflow's is left alone.

    :param still_so: returns whether the run has not begun to run again, because somebody cleared a task or retried it;
        asked while nobody else can change the instance
    :param positions: gives what the tasks of a run have left; where the instance is older, it is suspended instead
    :param note: adds to the log what else is to be reported of it
    :param create: make the instance of a workflow's run that has none
    :returns: whether anything had to be changed
    """
    found = _instance(ended, Instances(database))
    if (found is None and not create) or (found is not None and _agrees(ended, found)):
        return False
    session = session_of(Run(ended.dag_id, ended.run_id, ended.conf), found, database)
    if session is None:
        return False
    graph, clock = session.graph, session.clock

    def agree(machine: Machine) -> bool:
        if not still_so(ended):
            return False
        now = clock()
        # How the run has ended says nothing about an instance that has forgotten what led there.
        if not machine.is_over and is_behind(machine, plan_of(graph), positions(ended.dag_id, ended.run_id)):
            return suspend_restored(machine, now)
        if ended.succeeded:
            changed = agree_completed(machine, now)
        else:
            changed = agree_failed(machine, failure_of(ended.reason), now)
        if changed:
            note(machine, now)
        return changed

    try:
        return session.change(agree, create=found is None)
    except NotFound:
        # Purged at this moment.
        return False


def is_still_so(ended: EndedRun) -> bool:
    """Return whether a run is in the state in which it ended, as Airflow's database knows once the end is committed."""
    # Airflow reports an end before it commits it, and locks the row until then.
    state = run_state(ended.dag_id, ended.run_id)
    return state is None or state == ("success" if ended.succeeded else "failed")


def _instance(ended: EndedRun, instances: Instances) -> Instance | None:
    try:
        return instances.get(instance_id(ended.dag_id, ended.run_id))
    except NotFound:
        return None


def _agrees(ended: EndedRun, found: Instance) -> bool:
    return found.status == ("completed" if ended.succeeded else "failed")


def failure_of(reason: str) -> Failure:
    """Return why an instance has failed that no task of it reported."""
    if reason == "timed_out":
        return Failure(ErrorType.TIMEOUT_ERROR, "The DAG run did not end within its time")
    if reason in ("task_failure", "all_tasks_deadlocked"):
        return Failure(ErrorType.WORKER_LOST, f"A task of the DAG run was lost ({reason})")
    return Failure(ErrorType.CANCELLED, f"The DAG run was ended manually ({reason})")
