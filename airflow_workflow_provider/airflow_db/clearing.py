"""Clearing tasks of a DAG run, as Airflow's own API does it (rule I5)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.api_fastapi.common.dagbag import create_dag_bag
from airflow.models.dag_version import DagVersion
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance, clear_task_instances
from airflow.task.trigger_rule import TriggerRule
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, TaskInstanceState
from sqlalchemy import or_, select

from airflow_workflow_provider.airflow_db.dag_runs import MOVED, LoadedVersion
from airflow_workflow_provider.airflow_db.dag_versions import PinnedDag, loaded_model, version_of
from airflow_workflow_provider.errors import Conflict
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow.serialization.definitions.dag import SerializedDAG
    from sqlalchemy.orm import Session

FAILED = (TaskInstanceState.FAILED, TaskInstanceState.UPSTREAM_FAILED)
RUNNING = (TaskInstanceState.RUNNING, TaskInstanceState.RESTARTING)
NOT_CHOSEN = (TaskInstanceState.SKIPPED, TaskInstanceState.UPSTREAM_FAILED, TaskInstanceState.REMOVED)


@contextmanager
def cleared(
    dag_id: str,
    run_id: str,
    task_ids: Collection[str] | None,
    *,
    newest: bool = False,
    conf: Mapping[str, Any] | None = None,
    alone: bool = False,
) -> Iterator[dict[str, int]]:
    """Clear tasks and all behind them; committed when the context ends well.

    Skipped tasks are cleared too: a run that was ended manually skips tasks that were to run. Airflow skips again what
    a decision that still stands did not choose.

    :param task_ids: the tasks; None for all of the run
    :param newest: let the run continue with the newest version of its DAG
    :param conf: the new ``conf`` of the run
    :param alone: clear nothing that was skipped before these tasks, and let them start whatever became of that
    :returns: the largest number of tries of each cleared task, which rises with each clearing
    :raises Conflict: ``run-missing``: Airflow has deleted the run, or the DAG
    """
    with create_session() as session:
        run = session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id).with_for_update())
        if run is None:
            raise _missing(run_id)
        bag = create_dag_bag()
        dag = (
            bag.get_latest_version_of_dag(dag_id, session=session)
            if newest
            else bag.get_dag_for_run(run, session=session)
        )
        if dag is None:
            raise _missing(run_id)
        if conf is not None:
            run.conf = dict(conf)
        if newest:
            _make_tasks(session, run, dag)
        found = list(session.scalars(_to_clear(dag, run_id, task_ids, alone=alone)).all())
        clear_task_instances(found, session, DagRunState.QUEUED, run_on_latest_version=newest)
        session.flush()
        if alone:
            for task_id in task_ids or ():
                _lead_to(session, dag, run_id, task_id)
        yield {each.task_id: each.max_tries for each in found}


@contextmanager
def moved(
    dag_id: str, run_id: str, task_ids: Collection[str], to: LoadedVersion | PinnedDag
) -> Iterator[dict[str, int]]:
    """Let a run that has not ended continue with another version of its DAG; committed when the context ends well.

    Those tasks and all behind them are cleared. Tasks that the version adds elsewhere are skipped: the run has passed
    them. Those that only the version before had are left to Airflow, which marks them as removed.

    :param task_ids: the tasks of the version to begin with
    :returns: the largest number of tries of each task
    :raises Conflict: ``step-running``: a process runs a task at this moment, and would report by the decisions of the
        version before; ``run-missing``; ``workflow-version-moved``; what :func:`version_of` raises
    """
    with create_session() as session:
        run = session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id).with_for_update())
        if run is None:
            raise _missing(run_id)
        version = _version(session, dag_id, to)
        dag = create_dag_bag().get_dag(version.id, session=session)
        if dag is None:
            raise _missing(run_id)
        # With a lock, so that none begins meanwhile.
        tasks = select(TaskInstance).where(TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id)
        before = {each.task_id: each.state for each in session.scalars(tasks.with_for_update(of=TaskInstance))}
        running = [task_id for task_id, state in before.items() if state in RUNNING]
        if running:
            message = f"Tasks {sorted(running)} of DAG run {run_id!r} are running"
            suggestion = "try again in a moment; while the instance is suspended no other task begins"
            raise Conflict(message, code=ProblemCode.STEP_RUNNING, suggestion=suggestion)
        run.created_dag_version, run.bundle_version, run.dag = version, version.bundle_version, dag
        session.flush()
        run.verify_integrity(session=session, dag_version_id=version.id)
        session.flush()
        found = list(session.scalars(_to_clear(dag, run_id, task_ids, alone=True)).all())
        clear_task_instances(found, session, DagRunState.QUEUED)
        for each in found:
            each.dag_version_id = version.id
        session.flush()
        known = {task_id for task_id, state in before.items() if state != TaskInstanceState.REMOVED}
        ahead, now = {each.task_id for each in found}, list(session.scalars(tasks).all())
        for each in now:
            if each.task_id not in known | ahead and each.state is None:
                each.set_state(TaskInstanceState.SKIPPED, session=session)
        session.flush()
        yield {each.task_id: each.max_tries for each in now}


def _version(session: Session, dag_id: str, to: LoadedVersion | PinnedDag) -> DagVersion:
    if isinstance(to, PinnedDag):
        return version_of(session, loaded_model(session, dag_id), to)
    found = session.get(DagVersion, to.id, with_for_update=True)
    if found is None or found.bundle_version != to.bundle_version:
        message = f"Airflow has just loaded another version of workflow {dag_id!r}"
        raise Conflict(message, code=MOVED, suggestion="try again")
    return found


def _lead_to(session: Session, dag: SerializedDAG, run_id: str, task_id: str) -> None:
    """Let a task start although nothing before it led to it: count one of the tasks before it as if that had.

    That is one between two steps, which says nothing about any step, or one that never ran. One that has succeeded may
    have led elsewhere.
    """
    task = dag.get_task(task_id)
    before = task.upstream_task_ids
    query = select(TaskInstance).where(
        TaskInstance.dag_id == dag.dag_id, TaskInstance.run_id == run_id, TaskInstance.task_id.in_(before)
    )
    found = sorted(session.scalars(query).all(), key=lambda each: ("." not in each.task_id, each.task_id))
    state = TaskInstanceState.SUCCESS
    if task.trigger_rule == TriggerRule.ONE_FAILED:
        state = TaskInstanceState.UPSTREAM_FAILED
        if any(each.state in FAILED for each in found):
            return
    for each in found:
        if each.state != TaskInstanceState.SUCCESS:
            each.set_state(state, session=session)
            return


def _make_tasks(session: Session, run: DagRun, dag: SerializedDAG) -> None:
    """Give a run the tasks of the newest version, before any of them is cleared."""
    version = DagVersion.get_latest_version(run.dag_id, session=session)
    if version is None:
        raise _missing(run.run_id)
    run.created_dag_version_id = version.id
    run.dag = dag
    run.verify_integrity(session=session, dag_version_id=version.id)
    session.flush()


def _to_clear(dag: SerializedDAG, run_id: str, task_ids: Collection[str] | None, *, alone: bool) -> Any:
    query = select(TaskInstance).where(
        TaskInstance.dag_id == dag.dag_id,
        TaskInstance.run_id == run_id,
        TaskInstance.task_id.in_(list(dag.task_dict)),
    )
    if task_ids is None:
        return query
    wanted = set(task_ids)
    for task_id in task_ids:
        wanted.update(dag.get_task(task_id).get_flat_relative_ids(upstream=False))
    if alone:
        return query.where(TaskInstance.task_id.in_(wanted))
    return query.where(or_(TaskInstance.task_id.in_(wanted), TaskInstance.state.in_(NOT_CHOSEN)))


def _missing(run_id: str) -> Conflict:
    message = f"Airflow has no DAG run {run_id!r} any more, or not its DAG"
    return Conflict(message, code=ProblemCode.RUN_MISSING, suggestion="start a new instance")
