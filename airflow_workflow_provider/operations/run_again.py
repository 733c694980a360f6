"""Creates the missing DAG run of an instance again, which continues from its stored state (rule I1).

The new run has the id of the old one and runs the same version. Its tasks start from the first: each one whose step is
done finds the stored decision and follows it, and the one that stands where the instance is begins there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.airflow_db.dag_runs import StartedRun, find_run, loaded_version, start_run
from airflow_workflow_provider.airflow_db.dag_versions import UNVERSIONED
from airflow_workflow_provider.airflow_db.run_states import highest_tries
from airflow_workflow_provider.dag.pinned import pinned_dag
from airflow_workflow_provider.engine import recovery
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.keys import ROOT
from airflow_workflow_provider.engine.manual_override import abandon
from airflow_workflow_provider.errors import Conflict
from airflow_workflow_provider.failpoints import failpoint
from airflow_workflow_provider.instances.graphs import resolved_at
from airflow_workflow_provider.instances.run_conf import START, conf_of
from airflow_workflow_provider.instances.session import InstanceSession, Run
from airflow_workflow_provider.plan.nodes import task_in
from airflow_workflow_provider.plan.plan import plan_of
from airflow_workflow_provider.vocabulary import ErrorType, LogEvent, ProblemCode

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from airflow_workflow_provider.engine.machine import Machine
    from airflow_workflow_provider.operations.context import OperationContext
    from airflow_workflow_provider.store.definitions import Definitions
    from airflow_workflow_provider.store.instances import Instance
    from airflow_workflow_provider.store.tasks import Tasks

RUN_MISSING: Final = ProblemCode.RUN_MISSING


def _start_at_revision(
    definitions: Definitions,
    tasks: Tasks,
    run: Run,
    revision: int,
    *,
    by_step: bool = False,
) -> None:
    """Make a DAG run of a revision of its workflow; one of this id that is there already is left as it is.

    :param by_step: whether a step of another workflow waits for it
    :raises NotFound: there was no such workflow at that revision
    :raises Conflict: Airflow has not loaded the workflow, or only has a version of it that is another
    :raises Misuse: Airflow itself does not accept the run
    """
    pinned = resolved_at(definitions, tasks, run.dag_id, revision)
    try:
        start_run(
            run.dag_id, run.run_id, run.conf, user_name=run.triggered_by, pinned=pinned_dag(pinned), by_step=by_step
        )
    except Conflict as error:
        newest = resolved_at(definitions, tasks, run.dag_id, definitions.highest_revision())
        if error.code != UNVERSIONED or newest.revision != pinned.revision:
            raise
        start_run(run.dag_id, run.run_id, run.conf, user_name=run.triggered_by, by_step=by_step)


def make_again(context: OperationContext, wanted: UUID) -> bool:
    """Create the missing run of a live instance again.

    :returns: False where the instance has ended meanwhile, or the run is there
    :raises NotFound: there is no such instance, or not its definition
    :raises Conflict: Airflow cannot make the run now
    :raises Misuse: Airflow does not accept the run
    """
    stored = context.instances.get(wanted)
    session = _session(context, stored)

    def work(machine: Machine) -> bool:
        if machine.is_over or find_run(stored.dag_id, stored.run_id) is not None:
            return False
        start_again(context, session.run, stored.revision, machine)
        _note(machine, session.clock(), "run-recreated")
        return True

    return session.change(work, create=False)


def fail_without_run(context: OperationContext, wanted: UUID) -> bool:
    """Fail a live instance whose run is missing; where its workflow handles failures, that is done in a new run.

    :returns: False where the instance has ended meanwhile, or the run is there
    :raises WorkflowsError: see :func:`make_again`
    """
    stored = context.instances.get(wanted)
    session = _session(context, stored)
    message = f"Airflow no longer has the DAG run {stored.run_id!r}"
    failure = Failure(ErrorType.WORKER_LOST, message, code=RUN_MISSING)

    def work(machine: Machine) -> bool:
        if machine.is_over or find_run(stored.dag_id, stored.run_id) is not None:
            return False
        now = session.clock()
        if machine.state.failure is None:
            abandon(machine, ROOT, failure, now)
        if not machine.is_over:
            start_again(context, session.run, stored.revision, machine)
        _note(machine, now, "instance-failed")
        return True

    return session.change(work, create=False)


def lost_run(context: OperationContext, stored: Instance) -> StartedRun:
    """Return the run of an instance as it was before Airflow lost it, with the bundle version that it would get now.

    :raises Conflict: Airflow cannot start the workflow now
    """
    run = _run_of(context, stored)
    version = loaded_version(stored.dag_id).bundle_version
    return StartedRun(run.dag_id, run.run_id, False, run.conf, version, run.triggered_by)


def start_again(context: OperationContext, run: Run, revision: int, machine: Machine) -> dict[str, int]:
    """Make a run that Airflow has lost, and let the state agree with its tasks.

    :returns: the largest number of tries of each task
    :raises WorkflowsError: see :func:`_start_at_revision`
    """
    is_child = machine.state.instance.parent is not None
    _start_at_revision(context.definitions, context.tasks, run, revision, by_step=is_child)
    failpoint("rerun.run-made")
    tries, plan = highest_tries(run.dag_id, run.run_id), plan_of(machine.graph)
    recovery.lower_generations(machine, lambda step_id: tries.get(task_in(machine.graph, plan, step_id), 0))
    return tries


def _run_of(context: OperationContext, stored: Instance) -> Run:
    announced = context.instances.starts.find(stored.id)
    about = {} if announced is None else {START: announced.token}
    started_by = stored.state.instance.started_by or {}
    return Run(stored.dag_id, stored.run_id, conf_of(stored.input, about), started_by.get("name"))


def _session(context: OperationContext, stored: Instance) -> InstanceSession:
    return context.session(stored.workflow_id, stored.revision, _run_of(context, stored))


def _note(machine: Machine, now: datetime, did: str) -> None:
    machine.log.add("info", LogEvent.INSTANCE_RECONCILED, now, data={"found": RUN_MISSING, "did": did})
