"""The states of many DAG runs at once, with which instances are compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow.models.dagrun import DagRun
from airflow.models.log import Log
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, TaskInstanceState
from sqlalchemy import Select, and_, or_, select, tuple_

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

RunKey = tuple[str, str]
"""A DAG's id and a run's id."""

ACTIVE: Final = (DagRunState.QUEUED, DagRunState.RUNNING)
WAITING: Final = (TaskInstanceState.DEFERRED, TaskInstanceState.AWAITING_INPUT)
MOVING: Final = (
    TaskInstanceState.SCHEDULED,
    TaskInstanceState.QUEUED,
    TaskInstanceState.RUNNING,
    TaskInstanceState.RESTARTING,
    TaskInstanceState.UP_FOR_RETRY,
    TaskInstanceState.UP_FOR_RESCHEDULE,
)
MARKED: Final = "patch_dag_run"
"""How Airflow's audit log calls it when a user sets the state of a run."""


@dataclass(frozen=True)
class RunState:
    """A DAG run, as far as an instance is compared with it.

    :param ended_for: how long ago it ended; null where it has not, or Airflow does not say
    """

    id: int
    dag_id: str
    run_id: str
    state: str
    ended_for: timedelta | None


def run_states(keys: Collection[RunKey]) -> dict[RunKey, RunState]:
    """Return the runs of some keys, in one query on the unique key; those that Airflow does not have are left out."""
    if not keys:
        return {}
    with create_session() as session:
        rows = session.execute(states_of(keys)).all()
    return {(row.dag_id, row.run_id): _state(row) for row in rows}


def states_of(keys: Collection[RunKey]) -> Select[Any]:
    """Return the query of :func:`run_states`."""
    by_dag: dict[str, list[str]] = defaultdict(list)
    for dag_id, run_id in keys:
        by_dag[dag_id].append(run_id)
    wanted = [and_(DagRun.dag_id == dag_id, DagRun.run_id.in_(run_ids)) for dag_id, run_ids in by_dag.items()]
    return _columns().where(or_(*wanted))


def active_runs(after: int, limit: int) -> list[RunState]:
    """Return runs that are queued or running, of any DAG, by rising number.

    :param after: the number of the last one of the page before
    """
    query = _columns().where(DagRun.state.in_(ACTIVE), DagRun.id > after).order_by(DagRun.id).limit(limit)
    with create_session() as session:
        return [_state(row) for row in session.execute(query).all()]


def ended_runs(since: datetime, after: int, limit: int) -> list[RunState]:
    """Return runs that have ended and began after a moment, of any DAG, by rising number.

    :param after: the number of the last one of the page before
    """
    query = _columns().where(DagRun.run_after > since, DagRun.state.not_in(ACTIVE), DagRun.id > after)
    with create_session() as session:
        return [_state(row) for row in session.execute(query.order_by(DagRun.id).limit(limit)).all()]


def awaiting_tasks(keys: Collection[RunKey], since: timedelta) -> dict[RunKey, list[str]]:
    """Return the tasks of some runs that have waited for input for some time; runs without any are left out."""
    if not keys:
        return {}
    query = select(TaskInstance.dag_id, TaskInstance.run_id, TaskInstance.task_id).where(
        tuple_(TaskInstance.dag_id, TaskInstance.run_id).in_(list(keys)),
        TaskInstance.state == TaskInstanceState.AWAITING_INPUT,
        TaskInstance.updated_at < datetime.now(UTC) - since,
    )
    found: dict[RunKey, list[str]] = defaultdict(list)
    with create_session() as session:
        for row in session.execute(query).all():
            found[row.dag_id, row.run_id].append(row.task_id)
    return dict(found)


def only_wait(dag_id: str, run_id: str) -> bool:
    """Return whether some task of a run waits without a worker, and none runs or is about to."""
    query = select(TaskInstance.state).where(TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id)
    with create_session() as session:
        states = set(session.scalars(query).all())
    return not states.isdisjoint(WAITING) and states.isdisjoint(MOVING)


def why_failed(dag_id: str, run_id: str) -> str:
    """Return why a run has failed, as :func:`~airflow_workflow_provider.operations.settling.settle` takes it."""
    with create_session() as session:
        who = _marked_by(session, dag_id, run_id)
    return "task_failure" if who is None else f"marked as failed by {who}"


def _marked_by(session: Session, dag_id: str, run_id: str) -> str | None:
    query = select(Log.owner).where(Log.event == MARKED, Log.dag_id == dag_id, Log.run_id == run_id)
    found: str | None = session.scalar(query.order_by(Log.id.desc()).limit(1))
    return found


def highest_tries(dag_id: str, run_id: str) -> dict[str, int]:
    """Return how often each task of a run may be tried, which rises with each clearing."""
    query = select(TaskInstance.task_id, TaskInstance.max_tries)
    query = query.where(TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id)
    with create_session() as session:
        return {row.task_id: row.max_tries for row in session.execute(query).all()}


def _columns() -> Select[Any]:
    return select(DagRun.id, DagRun.dag_id, DagRun.run_id, DagRun.state, DagRun.end_date)


def _state(row: Any) -> RunState:
    ended = None if row.end_date is None else datetime.now(UTC) - row.end_date
    return RunState(row.id, row.dag_id, row.run_id, str(row.state), ended)
