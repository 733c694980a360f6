"""Making an instance agree with a DAG run that has ended without a word of its tasks.

So end the instances of runs that a person marked, that timed out, or that lost a task for good.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_workflow_provider.airflow_db.lookups import run_state
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.manual_override import agree_completed, agree_failed
from airflow_workflow_provider.errors import NotFound
from airflow_workflow_provider.instances.graphs import graph_at
from airflow_workflow_provider.instances.session import InstanceSession, Run
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.instances import Instances, instance_id
from airflow_workflow_provider.store.tasks import Tasks
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
    note: Callable[[Machine, datetime], None] = lambda *_: None,
    create: bool = True,
) -> bool:
    """Make the instance of a run that has ended agree with it; a run that is no workflow's is left alone.

    :param still_so: tells whether the run has not begun to run again, because somebody cleared a task or retried it;
        asked while nobody else can change the instance
    :param note: adds to the log what else is to be told of it
    :param create: make the instance of a workflow's run that has none
    :returns: whether anything had to be changed
    """
    definitions, tasks, instances = Definitions(database), Tasks(database), Instances(database)
    found = _instance(ended, instances)
    if (found is None and not create) or (found is not None and _agrees(ended, found)):
        return False
    try:
        workflow_id = ended.dag_id if found is None else found.workflow_id
        revision = definitions.highest_revision() if found is None else found.revision
        graph = graph_at(definitions, tasks, workflow_id, revision)
    except NotFound:
        return False
    instance_session = InstanceSession(
        graph, revision, Run(ended.dag_id, ended.run_id, ended.conf), instances=instances
    )

    def agree(machine: Machine) -> bool:
        if not still_so(ended):
            return False
        now = instance_session.clock()
        if ended.succeeded:
            changed = agree_completed(machine, now)
        else:
            changed = agree_failed(machine, failure_of(ended.reason), now)
        if changed:
            note(machine, now)
        return changed

    try:
        return instance_session.change(agree, create=found is None)
    except NotFound:
        # Purged in this moment.
        return False


def is_still_so(ended: EndedRun) -> bool:
    """Tell whether a run is in the state in which it ended, as Airflow's database knows once the end is committed."""
    # Airflow tells of an end before it commits it, and holds the row until then.
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
    return Failure(ErrorType.CANCELLED, f"The DAG run was ended by hand ({reason})")
