"""Ending the DAG run of an instance, or tasks of it, as Airflow's own API does it."""

from __future__ import annotations

from collections.abc import Collection

from airflow.api_fastapi.common.dagbag import create_dag_bag
from airflow.api_fastapi.core_api.datamodels.dag_run import DagRunMutableStates
from airflow.api_fastapi.core_api.services.public.dag_run import patch_dag_run_state
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from airflow.utils.state import State, TaskInstanceState
from sqlalchemy import or_, select


def fail_run(dag_id: str, run_id: str) -> bool:
    """Set a DAG run failed and stop its tasks; one that has ended, or that is not there, is left alone.

    :returns: whether anything changed
    """
    with create_session() as session:
        run = session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id).with_for_update())
        if run is None or run.state in State.finished_dr_states:
            return False
        # No cache: the tasks are those of the version that the run has.
        dag = create_dag_bag().get_dag_for_run(run, session=session)
        if dag is None:
            return False
        patch_dag_run_state(dag=dag, dag_run=run, state=DagRunMutableStates.FAILED, session=session)
    return True


def fail_tasks(dag_id: str, run_id: str, task_ids: Collection[str]) -> None:
    """Set tasks of a DAG run failed that have not ended: what runs is stopped, and their failure is followed."""
    unfinished = or_(TaskInstance.state.is_(None), TaskInstance.state.not_in(State.finished))
    with create_session() as session:
        found = session.scalars(
            select(TaskInstance)
            .where(
                TaskInstance.dag_id == dag_id,
                TaskInstance.run_id == run_id,
                TaskInstance.task_id.in_(task_ids),
                unfinished,
            )
            .with_for_update(of=TaskInstance)
        ).all()
        for each in found:
            each.set_state(TaskInstanceState.FAILED, session=session)
