"""Purging the execution log: each definition says how long its instances' rows are kept (rule L3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, func, select

from airflow_workflow_provider.model.durations import parse_retention
from airflow_workflow_provider.store.tables import workflow_definitions as heads
from airflow_workflow_provider.store.tables import workflow_execution_logs as logs
from airflow_workflow_provider.store.tables import workflow_instances as instances

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database

BATCH: Final = 5_000
"""Rows that one transaction removes: short enough that nobody waits for it."""


@dataclass(frozen=True)
class Expired:
    """What is past its retention.

    :param retention: ISO 8601 duration that applies
    :param before: rows older than this are expired
    :param rows: how many there are, or were removed
    """

    workflow_id: str
    retention: str
    before: datetime
    rows: int


class Retention:
    """Finds and removes rows of the execution log that are past their retention.

    :param default: retention of definitions that say nothing, ISO 8601 (``[workflows] log_retention``)
    """

    def __init__(self, database: Database, default: str) -> None:
        self._database = database
        self._default = default

    def cutoffs(self, now: datetime) -> list[Expired]:
        """Return for every workflow from when on its rows are kept; ``rows`` is 0 here.

        A workflow's current definition counts for all its instances. Months and years are counted in the calendar.

        :param now: the present, with a time zone
        """
        query = select(heads.c.workflow_id, heads.c.execution_log["retention"].astext).order_by(heads.c.workflow_id)
        found = self._database.run(lambda connection: connection.execute(query).all())
        return [_expired(workflow_id, retention or self._default, now) for workflow_id, retention in found]

    def expired(self, now: datetime) -> list[Expired]:
        """Count what :meth:`purge` would remove, by workflow."""
        return [self._counted(cutoff) for cutoff in self.cutoffs(now)]

    def purge(self, now: datetime, progress: Callable[[Expired], None] = lambda _: None) -> list[Expired]:
        """Remove expired rows in batches, each a transaction of its own; safe to stop and to run twice at once.

        :param progress: told after each batch, with the rows removed so far
        """
        return [self._purged(cutoff, progress) for cutoff in self.cutoffs(now)]

    def _counted(self, cutoff: Expired) -> Expired:
        query = (
            select(func.count())
            .select_from(logs.join(instances, instances.c.id == logs.c.instance_id))
            .where(instances.c.workflow_id == cutoff.workflow_id, logs.c.at < cutoff.before)
        )
        return _with_rows(cutoff, int(self._database.run(lambda connection: connection.execute(query).scalar_one())))

    def _purged(self, cutoff: Expired, progress: Callable[[Expired], None]) -> Expired:
        # Rows that another purge is removing are skipped, so neither waits; writers only add rows and never wait.
        batch = (
            select(logs.c.id)
            .join(instances, instances.c.id == logs.c.instance_id)
            .where(instances.c.workflow_id == cutoff.workflow_id, logs.c.at < cutoff.before)
            .limit(BATCH)
            .with_for_update(of=logs, skip_locked=True)
        )
        statement = delete(logs).where(logs.c.id.in_(batch.scalar_subquery()))
        removed = BATCH
        while removed == BATCH:
            removed = self._database.run(lambda connection: connection.execute(statement).rowcount)
            cutoff = _with_rows(cutoff, cutoff.rows + removed)
            progress(cutoff)
        return cutoff


def _expired(workflow_id: str, retention: str, now: datetime) -> Expired:
    length = parse_retention(retention)
    try:
        before = now.astimezone(UTC) - length
    except (OverflowError, ValueError):
        before = datetime.min.replace(tzinfo=UTC)
    return Expired(workflow_id, retention, before, 0)


def _with_rows(cutoff: Expired, rows: int) -> Expired:
    return Expired(cutoff.workflow_id, cutoff.retention, cutoff.before, rows)
