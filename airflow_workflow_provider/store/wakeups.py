"""Tasks that are to be resumed, written in the transaction that makes it necessary (rule I3).

Airflow's metadata may be another database, so resuming the task cannot be part of that transaction. A row stays until
its task was resumed, or until there is nothing left to resume.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, func, insert, select

from airflow_workflow_provider.store.outbox import Outbox
from airflow_workflow_provider.store.tables import workflow_wakeups as wakeups

CHANNEL: Final = "workflow_wakeups"
"""Channel on which PostgreSQL announces new wake-ups."""


HELD: Final = "held"
"""The method by which a task continues that waited for the end of a suspension."""

CONTINUE: Final = {"workflows": "go on"}
"""The event of a task that is to look at its instance again."""


@dataclass(frozen=True)
class Wakeup:
    """A task that is to be resumed.

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
    """Have tasks resumed, once the transaction is committed.

    :param question_id: the question that they waited for, if they did
    """
    rows = [
        {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "question_id": question_id} for task_id in task_ids
    ]
    if not rows:
        return
    connection.execute(insert(wakeups), rows)
    connection.execute(select(func.pg_notify(CHANNEL, "")))


class Wakeups(Outbox[Wakeup]):
    """The tasks that are to be resumed."""

    table, row, channel = wakeups, Wakeup, CHANNEL
    lease = timedelta(seconds=30)
