"""Removing expired events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, func, select

from airflow_workflow_provider.model.durations import parse_retention
from airflow_workflow_provider.store.tables import workflow_event_deliveries as deliveries
from airflow_workflow_provider.store.tables import workflow_event_waits as waits
from airflow_workflow_provider.store.tables import workflow_events as events
from airflow_workflow_provider.store.tables import workflow_instances as instances

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database

BATCH: Final = 2_000
"""Events that one transaction removes."""


class EventRetention:
    """Finds and removes events that are past their retention, with their deliveries, dead letters included.

    Kept are events that are still to be delivered, and those that a step of a running instance has received.
    Instances keep what started them.

    :param retention: how long events are kept, ISO 8601 (``[workflows] log_retention``)
    """

    def __init__(self, database: Database, retention: str) -> None:
        self._database = database
        self._retention = parse_retention(retention)

    def count(self, now: datetime) -> int:
        """How many events :meth:`purge` would remove."""
        query = select(func.count()).select_from(events).where(*self._expired(now))
        return int(self._database.run(lambda connection: connection.execute(query).scalar_one()))

    def purge(self, now: datetime) -> int:
        """Remove expired events in batches, each a transaction of its own; safe to stop and to run twice at once.

        :param now: the present, with a time zone
        :returns: how many were removed
        """
        batch = select(events.c.id).where(*self._expired(now)).limit(BATCH).with_for_update(skip_locked=True)
        statement = delete(events).where(events.c.id.in_(batch.scalar_subquery()))
        total = 0
        while removed := self._database.run(lambda connection: connection.execute(statement).rowcount):
            total += removed
        return total

    def _expired(self, now: datetime) -> tuple[Any, ...]:
        try:
            before = now.astimezone(UTC) - self._retention
        except (OverflowError, ValueError):
            before = datetime.min.replace(tzinfo=UTC)
        pending = select(deliveries.c.id).where(deliveries.c.event_id == events.c.id, deliveries.c.status == "pending")
        received = (
            select(waits.c.id)
            .join(instances, instances.c.id == waits.c.instance_id)
            .where(waits.c.event_id == events.c.id, instances.c.status.in_(("running", "suspended")))
        )
        return events.c.received_at < before, ~pending.exists(), ~received.exists()
