"""Recent instances of workflows: one query for all workflows of a page."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import String, any_, bindparam, func, literal_column, select, true
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by

from airflow_workflow_provider.store.display import displayed, is_cancelled
from airflow_workflow_provider.store.endings import ENDED
from airflow_workflow_provider.store.statuses import STATUSES
from airflow_workflow_provider.store.tables import workflow_definitions as definitions
from airflow_workflow_provider.store.tables import workflow_instances as instances

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database

MAX_RECENT: Final = 50
_SHOWN: Final = ("id", "dag_id", "run_id", "status", "display_status", "started_at", "completed_at")


@dataclass(frozen=True)
class RecentInstance:
    """An instance as a bar among others."""

    id: UUID
    dag_id: str
    run_id: str
    status: str
    display_status: str
    started_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True)
class WorkflowOverview:
    """How one workflow has been doing.

    :param active: whether new instances may start
    :param counts: how many instances have each status: all that have not ended, and those that ended of the time
        that was asked for
    :param cancelled: how many of those that failed were cancelled
    :param recent: the newest instances, the newest last
    """

    workflow_id: str
    active: bool
    counts: dict[str, int]
    cancelled: int
    recent: tuple[RecentInstance, ...]


class Overviews:
    """Looks at many workflows at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, workflow_ids: Collection[str], *, since: datetime, recent: int = 12) -> list[WorkflowOverview]:
        """How these workflows have been doing, by id; those that were never published are left out.

        :param since: instances that ended count when they started then or later
        :param recent: how many of the newest instances, up to 50
        """
        wanted = bindparam(None, sorted(workflow_ids), ARRAY(String))
        counts = _counts(since)
        newest = _newest(max(0, min(recent, MAX_RECENT)))
        query = (
            select(definitions.c.workflow_id, definitions.c.active, counts.c.counts, newest.c.recent)
            .select_from(definitions.join(counts, true()).join(newest, true()))
            .where(definitions.c.workflow_id == any_(wanted))
            .order_by(definitions.c.workflow_id)
        )
        rows = self._database.run(lambda connection: connection.execute(query).all())
        return [_overview(*row) for row in rows]


def _counts(since: datetime) -> Any:
    """Count the instances of the definition beside it, by status: for each status a part of one index is read."""
    counted: list[Any] = []
    for status in STATUSES:
        counted += [literal_column(f"'{status}'"), _number(status, since).scalar_subquery()]
    counted += [literal_column("'cancelled'"), _number("failed", since).where(is_cancelled()).scalar_subquery()]
    return select(func.jsonb_build_object(*counted).label("counts")).lateral("counted")


def _number(status: str, since: datetime) -> Any:
    query = select(func.count()).where(
        instances.c.workflow_id == definitions.c.workflow_id, instances.c.status == status
    )
    if status in ENDED:
        query = query.where(instances.c.started_at >= since)
    return query.correlate(definitions)


def _newest(number: int) -> Any:
    """Gather the newest instances of the definition beside it, the newest last."""
    each = (
        select(*(displayed().label(name) if name == "display_status" else instances.c[name] for name in _SHOWN))
        .where(instances.c.workflow_id == definitions.c.workflow_id)
        .correlate(definitions)
        .order_by(instances.c.started_at.desc(), instances.c.id.desc())
        .limit(number)
        .subquery("newest")
    )
    row = func.jsonb_build_object(*(part for name in _SHOWN for part in (literal_column(f"'{name}'"), each.c[name])))
    ordered = aggregate_order_by(row, each.c.started_at, each.c.id)
    return select(func.jsonb_agg(ordered).label("recent")).lateral("gathered")


def _overview(
    workflow_id: str, active: bool, counts: dict[str, int], recent: list[dict[str, Any]] | None
) -> WorkflowOverview:
    return WorkflowOverview(
        workflow_id,
        active,
        counts,
        counts.pop("cancelled"),
        tuple(_recent(**each) for each in recent or ()),
    )


def _recent(**row: Any) -> RecentInstance:
    completed = row["completed_at"]
    return RecentInstance(
        **{
            **row,
            "id": UUID(row["id"]),
            "started_at": datetime.fromisoformat(row["started_at"]),
            "completed_at": None if completed is None else datetime.fromisoformat(completed),
        }
    )
