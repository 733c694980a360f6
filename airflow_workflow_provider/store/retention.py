"""Purging the execution log: each definition says how long its instances' rows are kept (rule L3)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import DateTime, String, any_, bindparam, delete, func, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY

from airflow_workflow_provider.model.durations import parse_retention
from airflow_workflow_provider.store.tables import workflow_definitions as heads
from airflow_workflow_provider.store.tables import workflow_execution_logs as logs
from airflow_workflow_provider.store.tables import workflow_instances as instances

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database

BATCH: Final = 5_000
"""Rows that one transaction removes: short enough that nobody waits for it."""

_PLACE: Final[Any] = literal_column("workflow_execution_logs.ctid")
"""The place of a row, which does not change, because rows of the log are never changed."""


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

        :param progress: called after each batch, with the rows removed so far
        """
        found = {cutoff.workflow_id: cutoff for cutoff in self.cutoffs(now)}
        after = datetime.min.replace(tzinfo=UTC)
        removed = BATCH
        while found and removed == BATCH:
            rows = self._database.run(lambda connection: connection.execute(_batch(found.values(), after)).all())  # noqa: B023
            removed = sum(row.rows for row in rows)
            for row in rows:
                found[row.workflow_id] = _with_rows(found[row.workflow_id], found[row.workflow_id].rows + row.rows)
                progress(found[row.workflow_id])
                after = max(after, row.last)
        return list(found.values())

    def _counted(self, cutoff: Expired) -> Expired:
        query = (
            select(func.count())
            .select_from(logs.join(instances, instances.c.id == logs.c.instance_id))
            .where(instances.c.workflow_id == cutoff.workflow_id, logs.c.at < cutoff.before)
        )
        return _with_rows(cutoff, int(self._database.run(lambda connection: connection.execute(query).scalar_one())))


def _batch(cutoffs: Collection[Expired], after: datetime) -> Any:
    """Return the statement that removes the next rows of all workflows, and says how many of each and up to when.

    All are found in one walk through the index by time, which continues where the batch before ended: in the index the
    rows that it removed are still there. Each row is then removed by its place, without a second look into an index.

    :param after: time of the newest row that was removed
    """
    texts = [cutoff.workflow_id for cutoff in cutoffs]
    times = [cutoff.before for cutoff in cutoffs]
    kept = func.unnest(bindparam(None, texts, ARRAY(String)), bindparam(None, times, ARRAY(DateTime(timezone=True))))
    limits = kept.table_valued("workflow_id", "before").render_derived(name="limits")
    # Rows that another purge is removing are skipped, so neither waits; writers only add rows and never wait.
    batch = (
        select(_PLACE.label("place"), limits.c.workflow_id, logs.c.at)
        .select_from(logs)
        .join(instances, instances.c.id == logs.c.instance_id)
        .join(limits, limits.c.workflow_id == instances.c.workflow_id)
        .where(logs.c.at >= after, logs.c.at < max(times), logs.c.at < limits.c.before)
        .order_by(logs.c.at)
        .limit(BATCH)
        .with_for_update(of=logs, skip_locked=True)
        .cte("batch")
    )
    places = func.array(select(batch.c.place).scalar_subquery())
    gone = delete(logs).where(any_(places) == _PLACE).returning(_PLACE.label("place")).cte("gone")
    removed = select(batch.c.workflow_id, func.count().label("rows"), func.max(batch.c.at).label("last"))
    return removed.join(gone, gone.c.place == batch.c.place).group_by(batch.c.workflow_id)


def _expired(workflow_id: str, retention: str, now: datetime) -> Expired:
    length = parse_retention(retention)
    try:
        before = now.astimezone(UTC) - length
    except (OverflowError, ValueError):
        before = datetime.min.replace(tzinfo=UTC)
    return Expired(workflow_id, retention, before, 0)


def _with_rows(cutoff: Expired, rows: int) -> Expired:
    return Expired(cutoff.workflow_id, cutoff.retention, cutoff.before, rows)
