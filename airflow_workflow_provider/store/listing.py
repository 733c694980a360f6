"""Lists of instances: filtered, newest first, in pages that stay right while instances come and go."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import Select, String, any_, bindparam, func, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.store.instances import SUMMARY_COLUMNS, InstanceSummary
from airflow_workflow_provider.store.jsonpath import InputCondition, holds
from airflow_workflow_provider.store.keyset import read_cursor, write_cursor
from airflow_workflow_provider.store.tables import STATUSES
from airflow_workflow_provider.store.tables import workflow_instances as instances

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database

MAX_PAGE: Final = 1000


@dataclass(frozen=True)
class InstanceFilter:
    """Which instances; what is null does not restrict, and all that is given must hold.

    :param workflow_ids: of any of these workflows
    :param statuses: any of these
    :param started_from: started then or later
    :param started_before: started earlier
    :param current_step_id: whose most recently activated step is this (rule I4)
    :param input: what must hold for the input
    """

    workflow_id: str | None = None
    workflow_ids: Collection[str] | None = None
    version: str | None = None
    statuses: Collection[str] | None = None
    correlation_id: str | None = None
    current_step_id: str | None = None
    started_from: datetime | None = None
    started_before: datetime | None = None
    parent_instance_id: UUID | None = None
    input: Sequence[InputCondition] = ()


@dataclass(frozen=True)
class Page:
    """Some instances, and where the next page begins; null after the last."""

    items: tuple[InstanceSummary, ...]
    next: str | None


EVERYTHING: Final = InstanceFilter()


class InstanceList:
    """Finds instances."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, only: InstanceFilter = EVERYTHING, *, after: str | None = None, limit: int = 50) -> Page:
        """Instances, newest first.

        :param after: ``next`` of the page before
        :param limit: how many at most, up to 1000
        :raises Misuse: a status that does not exist, or an ``after`` that no page gave
        """
        limit = max(1, min(limit, MAX_PAGE))
        order = (instances.c.started_at, instances.c.id)
        query = _restrict(select(*SUMMARY_COLUMNS), only)
        if after is not None:
            query = query.where(tuple_(*order) < tuple_(*read_cursor(after)))
        query = query.order_by(*(column.desc() for column in order)).limit(limit + 1)
        rows = self._database.run(lambda connection: connection.execute(query).all())
        items = tuple(InstanceSummary(**row._mapping) for row in rows[:limit])
        return Page(items, write_cursor(items[-1].started_at, items[-1].id) if len(rows) > limit else None)

    def count_by_status(self, only: InstanceFilter = EVERYTHING) -> dict[str, int]:
        """How many instances have each status; every status is there, with 0 for none."""
        query = _restrict(select(instances.c.status, func.count()), only).group_by(instances.c.status)
        rows = self._database.run(lambda connection: connection.execute(query).all())
        return dict.fromkeys(STATUSES, 0) | dict(tuple(row) for row in rows)


def _restrict(query: Select[Any], only: InstanceFilter) -> Select[Any]:
    for name in ("workflow_id", "version", "correlation_id", "current_step_id", "parent_instance_id"):
        wanted = getattr(only, name)
        if wanted is not None:
            query = query.where(instances.c[name] == wanted)
    if only.workflow_ids is not None:
        query = query.where(instances.c.workflow_id == any_(bindparam(None, sorted(only.workflow_ids), ARRAY(String))))
    for condition in only.input:
        query = query.where(holds(instances.c.input, condition))
    if only.statuses is not None:
        query = query.where(instances.c.status.in_(_known(only.statuses)))
    if only.started_from is not None:
        query = query.where(instances.c.started_at >= only.started_from)
    if only.started_before is not None:
        query = query.where(instances.c.started_at < only.started_before)
    return query


def _known(statuses: Collection[str]) -> list[str]:
    unknown = sorted(set(statuses) - set(STATUSES))
    if unknown:
        message = f"Unknown status {unknown}; allowed are {list(STATUSES)}"
        raise Misuse(message, code="bad-filter", pointer="status")
    return sorted(statuses)
