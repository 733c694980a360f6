"""The backlog of background work, and its age: one query over indexes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Float, cast, extract, func, select

from airflow_workflow_provider.store.tables import (
    workflow_event_deliveries,
    workflow_notifications,
    workflow_questions,
    workflow_run_requests,
    workflow_wakeups,
)

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table

    from airflow_workflow_provider.store.database import Database


@dataclass(frozen=True)
class Backlog:
    """The backlog; times are in seconds, 0 if nothing waits.

    :param events: for which the oldest delivery of an event is overdue
    :param wakeups: for which the oldest resumption of a task is overdue
    :param run_requests: for which the oldest start of a sub-workflow is overdue
    :param notifications: for which the oldest notification is overdue
    :param dead_letters: their number
    :param open_questions: their number
    :param oldest_question: since the oldest of them was asked
    """

    events: float
    wakeups: float
    run_requests: float
    notifications: float
    dead_letters: int
    open_questions: int
    oldest_question: float


def read_backlog(database: Database) -> Backlog:
    """Return what waits now, by the clock of the database."""
    deliveries, questions = workflow_event_deliveries, workflow_questions
    dead = select(func.count()).select_from(deliveries).where(deliveries.c.status == "dead").scalar_subquery()
    is_open = questions.c.status == "open"
    number = select(func.count()).select_from(questions).where(is_open).scalar_subquery()
    query = select(
        _overdue(deliveries, deliveries.c.status == "pending").label("events"),
        _overdue(workflow_wakeups).label("wakeups"),
        _overdue(workflow_run_requests).label("run_requests"),
        _overdue(workflow_notifications, workflow_notifications.c.status == "pending").label("notifications"),
        dead.label("dead_letters"),
        number.label("open_questions"),
        _since(select(func.min(questions.c.asked_at)).where(is_open).scalar_subquery()).label("oldest_question"),
    )
    row = database.run(lambda connection: connection.execute(query).one())
    return Backlog(**row._mapping)


def _overdue(table: Table, only: ColumnElement[bool] | None = None) -> Any:
    query = select(func.min(table.c.due_at))
    return _since((query if only is None else query.where(only)).scalar_subquery())


def _since(moment: Any) -> Any:
    seconds = extract("epoch", func.statement_timestamp() - moment)
    return cast(func.greatest(func.coalesce(seconds, 0), 0), Float)
