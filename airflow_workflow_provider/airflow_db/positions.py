"""The positions that the tasks of DAG runs have left in Airflow's database, as XComs."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import delete, func, select

from airflow_workflow_provider.plan.positions import POSITION, position_in

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement


def newest_positions(numbers: Collection[int]) -> dict[int, datetime]:
    """Return when a task of some runs left a position last, in one query on the primary key.

    :param numbers: of the runs, as Airflow counts them; those in which no task left one are not returned
    """
    query = select(XComModel.dag_run_id, func.max(XComModel.timestamp).label("at"))
    query = query.where(XComModel.dag_run_id.in_(numbers), XComModel.key == POSITION).group_by(XComModel.dag_run_id)
    with create_session() as session:
        return {row.dag_run_id: row.at for row in session.execute(query).all()} if numbers else {}


def positions_of(dag_id: str, run_id: str) -> dict[str, int]:
    """Return the positions that the tasks of a run have left."""
    query = select(XComModel.task_id, XComModel.value).where(*_of(dag_id, run_id))
    with create_session() as session:
        rows = session.execute(query).all()
    found = {row.task_id: position_in(row.value) for row in rows}
    return {task_id: position for task_id, position in found.items() if position is not None}


def forget_positions(dag_id: str, run_id: str) -> None:
    """Delete the positions of a run whose tasks start from the first."""
    with create_session() as session:
        session.execute(delete(XComModel).where(*_of(dag_id, run_id)))


def _of(dag_id: str, run_id: str) -> list[ColumnElement[bool]]:
    return [XComModel.dag_id == dag_id, XComModel.run_id == run_id, XComModel.key == POSITION]
