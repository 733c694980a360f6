"""What notifiers have to be told: written in the transaction of what it is about, sent afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, func, insert

from airflow_workflow_provider.store.tables import workflow_notifications as notifications

MAX_ATTEMPTS: Final = 8
FIRST_DELAY: Final = timedelta(seconds=10)


def add_notifications(
    connection: Connection, occasion: str, notifiers: Sequence[str], instance: UUID, question: UUID | None = None
) -> None:
    """Have notifiers told of something.

    :param occasion: ``asked``, ``reminder``, ``escalated``, ``failed`` or ``completed``
    :param notifiers: names in ``[workflows] notifiers``
    """
    if not notifiers:
        return
    rows = [
        {"instance_id": instance, "question_id": question, "occasion": occasion, "notifier": name} for name in notifiers
    ]
    connection.execute(insert(notifications).values(rows))
    connection.execute(func.pg_notify("workflow_notifications", "").select())
