"""What notifiers have to be sent: written in the transaction of its cause, sent afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import Connection, func, insert, select

from airflow_workflow_provider.store.cursors import Cursors
from airflow_workflow_provider.store.matching import stop_arrivals
from airflow_workflow_provider.store.outbox import Outbox
from airflow_workflow_provider.store.tables import workflow_events as events
from airflow_workflow_provider.store.tables import workflow_instances as instances
from airflow_workflow_provider.store.tables import workflow_notifications as notifications

if TYPE_CHECKING:
    from collections.abc import Callable

CHANNEL: Final = "workflow_notifications"
ENDS: Final = {"workflow.completed": "completed", "workflow.failed": "failed"}
CURSOR: Final = "notifications-of-ends"
BATCH: Final = 200


@dataclass(frozen=True)
class Notification:
    """A notification that a notifier has to send.

    :param occasion: ``asked``, ``reminder``, ``escalated``, ``failed``, ``completed`` or ``overdue``
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
    """Have notifiers called.

    :param notifiers: names in ``[workflows] notifiers``
    """
    if not notifiers:
        return
    rows = [
        {"instance_id": instance, "question_id": question, "occasion": occasion, "notifier": name} for name in notifiers
    ]
    connection.execute(insert(notifications), rows)
    connection.execute(select(func.pg_notify(CHANNEL, "")))


class Notifications(Outbox[Notification]):
    """The notifications that are still to be sent."""

    table, row, channel = notifications, Notification, CHANNEL
    pending = notifications.c.status == "pending"
    lease = timedelta(minutes=2)

    def sent(self, notification: int) -> None:
        """Note that it was sent."""
        self.set(notification, status="sent", error=None)

    def failed(self, notification: int, error: str, again: timedelta | None) -> None:
        """Note that it could not be sent.

        :param again: when it is tried again; null for never
        """
        if again is None:
            self.set(notification, status="failed", error=error)
        else:
            self.later(notification, again, error=error)

    def add_ends(self, listening: Callable[[str], Sequence[str]]) -> None:
        """Have notifiers called for the instances that have ended since the last call; once for each end.

        The first call notifies nobody: what ended before notifiers were configured is history.

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
