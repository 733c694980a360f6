"""Lists of instances: filtered, newest first, in pages that stay right while instances come and go."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import Select, String, any_, bindparam, func, select, true, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.store.instances import SUMMARY_COLUMNS, InstanceSummary, summary_of
from airflow_workflow_provider.store.jsonpath import InputCondition, holds
from airflow_workflow_provider.store.keyset import read_cursor, write_cursor
from airflow_workflow_provider.store.statuses import STATUSES
from airflow_workflow_provider.store.tables import workflow_instances as instances
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database

MAX_PAGE: Final = 1000
MAX_ROUNDS: Final = 10
"""Pages that are read for one from which some are left out."""

MAX_APART: Final = 100
"""Workflows times statuses up to which a page looks into each of them apart."""


@dataclass(frozen=True)
class InstanceFilter:
    """Which instances; what is null does not restrict, and all that is given must hold.

    :param workflow_ids: of any of these workflows
    :param statuses: any of these
    :param started_from: started then or later
    :param started_before: started earlier
    :param current_step_id: whose most recently activated step is this (rule I4)
    :param input: what must hold for the input
    :param compensation_owed: whether compensations are still to be run although it has ended
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
    compensation_owed: bool | None = None


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

    def page(
        self,
        only: InstanceFilter = EVERYTHING,
        *,
        after: str | None = None,
        limit: int = 50,
        keep: Callable[[InstanceSummary], bool] | None = None,
    ) -> Page:
        """Instances, newest first.

        :param after: ``next`` of the page before
        :param limit: how many at most, up to 1000
        :param keep: tells whether one may be in the list, for what SQL cannot tell; a page may then have fewer than
            there are left
        :raises Misuse: a status that does not exist, or an ``after`` that no page gave
        """
        limit = max(1, min(limit, MAX_PAGE))
        page = self._page(only, after, limit)
        if keep is None:
            return page
        kept: list[InstanceSummary] = []
        for _ in range(MAX_ROUNDS):
            kept += filter(keep, page.items)
            if len(kept) > limit or page.next is None:
                break
            page = self._page(only, page.next, limit)
        more = len(kept) > limit
        kept = kept[:limit]
        following = write_cursor(kept[-1].started_at, kept[-1].id) if more else page.next
        return Page(tuple(kept), following)

    def _page(self, only: InstanceFilter, after: str | None, limit: int) -> Page:
        query = newest(only, after, limit + 1)
        rows = self._database.run(lambda connection: connection.execute(query).all())
        items = tuple(summary_of(row) for row in rows[:limit])
        return Page(items, write_cursor(items[-1].started_at, items[-1].id) if len(rows) > limit else None)

    def count_by_status(self, only: InstanceFilter = EVERYTHING) -> dict[str, int]:
        """How many instances have each status; every status is there, with 0 for none."""
        query = _restrict(select(instances.c.status, func.count()), only).group_by(instances.c.status)
        rows = self._database.run(lambda connection: connection.execute(query).all())
        return dict.fromkeys(STATUSES, 0) | dict(tuple(row) for row in rows)


def newest(only: InstanceFilter, after: str | None, limit: int) -> Select[Any]:
    """The query of a page: of each workflow and status apart, where they are few, so that each stops after a page."""
    workflows, statuses = _workflows(only), None if only.statuses is None else _known(only.statuses)
    apart = len(workflows or [""]) * len(statuses or [""])
    query = _restrict_others(select(*SUMMARY_COLUMNS), only)
    if after is not None:
        query = query.where(tuple_(instances.c.started_at, instances.c.id) < tuple_(*read_cursor(after)))
    if apart > MAX_APART or (workflows is None and statuses is None):
        return _page(_of(query, workflows, statuses), instances.c, limit)
    each: Any = None
    for name, wanted in (("workflow_id", workflows), ("status", statuses)):
        if wanted is not None:
            values = func.unnest(bindparam(None, wanted, ARRAY(String))).table_valued("value")
            source = values.render_derived(name=f"each_{name}")
            query = query.where(instances.c[name] == source.c.value)
            each = source if each is None else each.join(source, true())
    part = _page(query.correlate_except(instances), instances.c, limit).lateral("part")
    return _page(select(*part.c).select_from(each.join(part, true())), part.c, limit)


def _page(query: Select[Any], columns: Any, limit: int) -> Select[Any]:
    return query.order_by(columns.started_at.desc(), columns.id.desc()).limit(limit)


def _workflows(only: InstanceFilter) -> list[str] | None:
    if only.workflow_id is None:
        return None if only.workflow_ids is None else sorted(set(only.workflow_ids))
    permitted = only.workflow_ids is None or only.workflow_id in only.workflow_ids
    return [only.workflow_id] if permitted else []


def _of(query: Select[Any], workflows: list[str] | None, statuses: list[str] | None) -> Select[Any]:
    if workflows is not None:
        query = query.where(instances.c.workflow_id == any_(bindparam(None, workflows, ARRAY(String))))
    if statuses is not None:
        query = query.where(instances.c.status.in_(statuses))
    return query


def _restrict(query: Select[Any], only: InstanceFilter) -> Select[Any]:
    statuses = None if only.statuses is None else _known(only.statuses)
    return _of(_restrict_others(query, only), _workflows(only), statuses)


def _restrict_others(query: Select[Any], only: InstanceFilter) -> Select[Any]:
    for name in ("version", "correlation_id", "current_step_id", "parent_instance_id"):
        wanted = getattr(only, name)
        if wanted is not None:
            query = query.where(instances.c[name] == wanted)
    for condition in only.input:
        query = query.where(holds(instances.c.input, condition))
    if only.compensation_owed is not None:
        owes = instances.c.compensations_owed > 0
        query = query.where(owes if only.compensation_owed else ~owes)
    if only.started_from is not None:
        query = query.where(instances.c.started_at >= only.started_from)
    if only.started_before is not None:
        query = query.where(instances.c.started_at < only.started_before)
    return query


def _known(statuses: Collection[str]) -> list[str]:
    unknown = sorted(set(statuses) - set(STATUSES))
    if unknown:
        message = f"Unknown status {unknown}; allowed are {list(STATUSES)}"
        raise Misuse(message, code=ProblemCode.BAD_FILTER, pointer="status")
    return sorted(statuses)
