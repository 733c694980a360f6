"""Tasks that are to be told to go on, written in the transaction that makes it necessary (rule I3).

Airflow's metadata may be another database, so the telling cannot be part of that transaction. A row stays until it was
told, or until there is nobody any more to tell.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import Connection, delete, func, insert, select, update

from airflow_workflow_provider.store.leases import claiming
from airflow_workflow_provider.store.tables import workflow_wakeups as wakeups

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database

CHANNEL: Final = "workflow_wakeups"
"""What PostgreSQL's listeners are told on when there is something to do."""

LEASE: Final = timedelta(seconds=30)
"""After this time a claimed row whose end nobody heard of is claimed again."""


@dataclass(frozen=True)
class Wakeup:
    """A task that is to be told to go on.

    :param question_id: the question that it waited for; None where it waited for the end of a suspension
    :param attempts: how often it has been tried, this time included
    """

    id: int
    dag_id: str
    run_id: str
    task_id: str
    question_id: UUID | None
    created_at: datetime
    attempts: int


def add(
    connection: Connection, dag_id: str, run_id: str, task_ids: Iterable[str], question_id: UUID | None = None
) -> None:
    """Have tasks told, once the transaction is committed.

    :param question_id: the question that they waited for, if they did
    """
    rows = [
        {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "question_id": question_id} for task_id in task_ids
    ]
    if not rows:
        return
    connection.execute(insert(wakeups), rows)
    connection.execute(select(func.pg_notify(CHANNEL, "")))


class Wakeups:
    """The tasks that are to be told to go on."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, limit: int = 20, lease: timedelta = LEASE) -> tuple[Wakeup, ...]:
        """Take rows that are due, oldest first; nobody else gets them before the lease is over."""
        columns = (wakeups.c[name] for name in Wakeup.__dataclass_fields__)
        statement = claiming(wakeups, limit, lease, *columns)
        rows = self._database.run(lambda connection: connection.execute(statement).all())
        return tuple(sorted((Wakeup(**row._mapping) for row in rows), key=lambda found: found.id))

    def done(self, wakeup: int) -> None:
        """Forget a row: the task was told, or is not there any more."""
        statement = delete(wakeups).where(wakeups.c.id == wakeup)
        self._database.run(lambda connection: connection.execute(statement))

    def later(self, wakeup: int, delay: timedelta) -> None:
        """Have a row looked at again after a time."""
        statement = update(wakeups).where(wakeups.c.id == wakeup).values(due_at=func.statement_timestamp() + delay)
        self._database.run(lambda connection: connection.execute(statement))

    def next_due(self) -> timedelta | None:
        """How long it takes until something is due; None when there is nothing."""
        query = select(func.min(wakeups.c.due_at) - func.statement_timestamp())
        found: timedelta | None = self._database.run(lambda connection: connection.execute(query).scalar_one())
        return found
