"""What notifiers have to be told: written in the transaction of what it is about, sent afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import Connection, func, insert, select, update

from airflow_workflow_provider.store.cursors import Cursors
from airflow_workflow_provider.store.leases import claiming
from airflow_workflow_provider.store.matching import stop_arrivals
from airflow_workflow_provider.store.tables import workflow_events as events
from airflow_workflow_provider.store.tables import workflow_instances as instances
from airflow_workflow_provider.store.tables import workflow_notifications as notifications

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_workflow_provider.store.database import Database

CHANNEL: Final = "workflow_notifications"
ENDS: Final = {"workflow.completed": "completed", "workflow.failed": "failed"}
CURSOR: Final = "notifications-of-ends"
LEASE: Final = timedelta(minutes=2)
"""After this time a claimed notification whose end nobody heard of is claimed again."""

BATCH: Final = 200


@dataclass(frozen=True)
class Notification:
    """Something that a notifier has to be told.

    :param occasion: ``asked``, ``reminder``, ``escalated``, ``failed`` or ``completed``
    :param notifier: its name in ``[workflows] notifiers``
    :param attempts: how often it was tried, this time included
    """

    id: int
    instance_id: UUID
    question_id: UUID | None
    occasion: str
    notifier: str
    attempts: int


def add_notifications(
    connection: Connection, occasion: str, notifiers: Sequence[str], instance: UUID, question: UUID | None = None
) -> None:
    """Have notifiers told of something.

    :param notifiers: names in ``[workflows] notifiers``
    """
    if not notifiers:
        return
    rows = [
        {"instance_id": instance, "question_id": question, "occasion": occasion, "notifier": name} for name in notifiers
    ]
    connection.execute(insert(notifications), rows)
    connection.execute(select(func.pg_notify(CHANNEL, "")))


class Notifications:
    """What is still to be told."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, limit: int = 10) -> tuple[Notification, ...]:
        """Take what is due, oldest first; nobody else gets it before the lease is over."""
        columns = (notifications.c[name] for name in Notification.__dataclass_fields__)
        statement = claiming(notifications, limit, LEASE, *columns, only=notifications.c.status == "pending")
        rows = self._database.run(lambda connection: connection.execute(statement).all())
        return tuple(sorted((Notification(**row._mapping) for row in rows), key=lambda found: found.id))

    def sent(self, notification: int) -> None:
        """Note that it was told."""
        self._set(notification, status="sent", error=None)

    def failed(self, notification: int, error: str, again: timedelta | None) -> None:
        """Note that it could not be told.

        :param again: when it is tried again; null for never
        """
        if again is None:
            self._set(notification, status="failed", error=error)
        else:
            self._set(notification, error=error, due_at=func.statement_timestamp() + again)

    def _set(self, notification: int, **values: Any) -> None:
        statement = update(notifications).where(notifications.c.id == notification).values(**values)
        self._database.run(lambda connection: connection.execute(statement))

    def add_ends(self, listening: Callable[[str], Sequence[str]]) -> None:
        """Have notifiers told of the instances that have ended since this was done last; each end once.

        The first time nothing is told: what ended before notifiers were configured is history.

        :param listening: gives the names of the notifiers that listen to ``completed`` or ``failed``
        """

        def work(connection: Connection, position: int) -> int:
            # What is still arriving may have lower numbers than what has arrived.
            stop_arrivals(connection)
            newest = connection.execute(select(func.coalesce(func.max(events.c.sequence), 0))).scalar_one()
            if position < 0:
                return int(newest)
            query = select(events.c.sequence, events.c.type, instances.c.id)
            query = query.join(instances, events.c.subject == func.cast(instances.c.id, events.c.subject.type))
            query = query.where(events.c.sequence > position, events.c.type.in_(ENDS))
            rows = connection.execute(query.order_by(events.c.sequence).limit(BATCH)).all()
            for row in rows:
                occasion = ENDS[row.type]
                add_notifications(connection, occasion, listening(occasion), row.id)
            return int(rows[-1].sequence) if len(rows) == BATCH else int(newest)

        Cursors(self._database).alone(CURSOR, -1, work)
