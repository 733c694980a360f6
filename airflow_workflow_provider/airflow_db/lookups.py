"""Single facts of Airflow's metadata database."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from airflow.configuration import conf
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from sqlalchemy import select


def dag_exists(dag_id: str) -> bool:
    """Return whether Airflow has a DAG of this id that is not gone."""
    query = select(DagModel.dag_id).where(DagModel.dag_id == dag_id, ~DagModel.is_stale)
    with create_session() as session:
        return session.scalar(query) is not None


def task_instance_id(dag_id: str, run_id: str, task_id: str) -> UUID | None:
    """Return the id of a task instance that is not mapped; None where there is none."""
    query = select(TaskInstance.id).where(
        TaskInstance.dag_id == dag_id,
        TaskInstance.run_id == run_id,
        TaskInstance.task_id == task_id,
        TaskInstance.map_index == -1,
    )
    with create_session() as session:
        found: UUID | None = session.scalar(query)
    return found


def run_state(dag_id: str, run_id: str) -> str | None:
    """Return the state of a DAG run once nobody is changing it; None where there is no such run."""
    query = select(DagRun.state).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id).with_for_update()
    with create_session() as session:
        state = session.scalar(query)
    return None if state is None else str(state)


def teams_of(dag_ids: Sequence[str]) -> dict[str, str | None]:
    """Return the teams that DAGs belong to; empty where Airflow has no teams."""
    if not dag_ids or not conf.getboolean("core", "multi_team"):
        return {}
    return DagModel.get_dag_id_to_team_name_mapping(list(dag_ids))
