"""Ending the DAG run of an instance, as Airflow's own API does it."""

from __future__ import annotations

from airflow.api_fastapi.common.dagbag import create_dag_bag
from airflow.api_fastapi.core_api.datamodels.dag_run import DagRunMutableStates
from airflow.api_fastapi.core_api.services.public.dag_run import patch_dag_run_state
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.state import State
from sqlalchemy import select


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
