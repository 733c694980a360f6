"""The instances that exceed a timeout that only alerts, and in which this is not reported yet (rule F3)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import func, select, update

from airflow_workflow_provider.store.tables import workflow_instances as instances

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database


class Alerts:
    """The instances in which something is to be reported."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, limit: int = 100) -> tuple[UUID, ...]:
        """The instances with something that is due, the longest first."""
        query = select(instances.c.id).where(instances.c.alert_at <= func.statement_timestamp())
        query = query.order_by(instances.c.alert_at).limit(limit)
        return tuple(self._database.run(lambda connection: connection.execute(query).scalars().all()))

    def forget(self, wanted: UUID) -> None:
        """Report nothing of an instance until it changes."""
        statement = update(instances).where(instances.c.id == wanted).values(alert_at=None)
        self._database.run(lambda connection: connection.execute(statement))

    def next_due(self) -> timedelta | None:
        """Return how long it takes until something is due; None for nothing."""
        query = select(func.min(instances.c.alert_at) - func.statement_timestamp())
        query = query.where(instances.c.alert_at.is_not(None))
        found: timedelta | None = self._database.run(lambda connection: connection.execute(query).scalar_one())
        return found
