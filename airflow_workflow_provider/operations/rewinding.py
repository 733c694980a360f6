"""Putting a DAG run back to where its instance is, after the workflow database was restored from an older backup.

What the steps did since that backup cannot be known, and to do it again may do it twice. So the instance is suspended,
and its run starts from the first task: a step whose result is stored finds it and follows it, and the first one that
the instance does not know waits until somebody has resumed the instance.

Each part may be done again: the state is suspended first, then the tasks are cleared, and only then is forgotten what
showed that the state is older.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_workflow_provider.airflow_db.clearing import cleared
from airflow_workflow_provider.airflow_db.dag_runs import find_run
from airflow_workflow_provider.airflow_db.positions import forget_positions, positions_of
from airflow_workflow_provider.engine.suspension import suspend_restored
from airflow_workflow_provider.errors import NotFound
from airflow_workflow_provider.failpoints import failpoint
from airflow_workflow_provider.instances.session import Run
from airflow_workflow_provider.model.bundle_versions import revision_in
from airflow_workflow_provider.plan.plan import plan_of
from airflow_workflow_provider.plan.positions import is_behind
from airflow_workflow_provider.store.instances import instance_id
from airflow_workflow_provider.vocabulary import LogEvent

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.machine import Machine
    from airflow_workflow_provider.instances.session import InstanceSession
    from airflow_workflow_provider.operations.context import OperationContext


def is_restored(context: OperationContext, dag_id: str, run_id: str) -> bool:
    """Return whether the instance of a run is older than what its tasks have left, or is not there although they have.

    :raises WorkflowsError: the instance or its definition cannot be read
    """
    # Before the state, which must not be older only because a task has ended in between.
    positions = positions_of(dag_id, run_id)
    session = _session(context, dag_id, run_id) if positions else None
    if session is None:
        return False
    plan = plan_of(session.graph)
    try:
        return session.look(lambda machine: is_behind(machine, plan, positions))
    except NotFound:
        return True


def rewind(context: OperationContext, dag_id: str, run_id: str) -> bool:
    """Suspend an instance that is older than its run, and have its run start from the first task.

    An instance that is not there is made, from the input of its run. One that has ended stays so, and its log has a row
    about it.

    :returns: False where the run is not there, or the instance is not older
    :raises WorkflowsError: the instance or its definition cannot be read
    :raises Conflict: Airflow does not have the run's DAG
    """
    session = _session(context, dag_id, run_id)
    if session is None:
        return False
    plan = plan_of(session.graph)

    def suspend(machine: Machine) -> tuple[bool, bool]:
        # A position is left after its state was stored, so under the lock none of them is newer.
        if not is_behind(machine, plan, positions_of(dag_id, run_id)):
            return False, machine.is_over
        now = session.clock()
        if machine.is_over:
            data = {"found": "database-restored", "did": "instance-left"}
            machine.log.add("error", LogEvent.INSTANCE_RECONCILED, now, data=data)
        else:
            suspend_restored(machine, now)
        return True, machine.is_over

    behind, is_over = session.change(suspend)
    failpoint("restored.suspended")
    if not behind:
        return False
    if not is_over:
        # The rows of the state and of the run are locked in the same order as for any other clearing.
        with context.instances.locked(session.instance_id), cleared(dag_id, run_id, None):
            pass
        failpoint("restored.cleared")
    forget_positions(dag_id, run_id)
    return True


def _session(context: OperationContext, dag_id: str, run_id: str) -> InstanceSession | None:
    run = find_run(dag_id, run_id)
    if run is None:
        return None
    try:
        stored = context.instances.get(instance_id(dag_id, run_id))
        workflow_id, revision = stored.workflow_id, stored.revision
    except NotFound:
        workflow_id, highest = dag_id, context.definitions.highest_revision()
        known = revision_in(run.bundle_version)
        revision = highest if known is None else min(known, highest)
    return context.session(workflow_id, revision, Run(dag_id, run_id, run.conf, run.triggered_by))
