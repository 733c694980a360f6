"""Lists of instances: filtered, newest first, in pages that stay right while instances come and go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Select, String, bindparam, func, literal, select, true, tuple_, union_all
from sqlalchemy.dialects.postgresql import ARRAY

from airflow_workflow_provider.store.display import is_cancelled
from airflow_workflow_provider.store.filtering import (
    EVERYTHING,
    INDEXED,
    InstanceFilter,
    conditions,
    known,
    workflows_of,
)
from airflow_workflow_provider.store.instances import SUMMARY_COLUMNS, InstanceSummary, summary_of
from airflow_workflow_provider.store.keyset import read_cursor, write_cursor
from airflow_workflow_provider.store.statuses import STATUSES
from airflow_workflow_provider.store.tables import workflow_instances as instances

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database

MAX_PAGE: Final = 1000
MAX_ROUNDS: Final = 10
"""Pages that are read for one from which some are left out."""

MAX_APART: Final = 100
"""Workflows times statuses up to which a page looks into each of them apart."""


@dataclass(frozen=True)
class Page:
    """Some instances, and where the next page begins; null after the last."""

    items: tuple[InstanceSummary, ...]
    next: str | None


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
        oldest: bool = False,
    ) -> Page:
        """Instances, newest first.

        :param oldest: the oldest first
        :param after: ``next`` of the page before
        :param limit: how many at most, up to 1000
        :param keep: returns whether one may be in the list, for what SQL cannot decide; a page may then have fewer than
            there are left
        :raises Misuse: a status that does not exist, or an ``after`` that no page gave
        """
        limit = max(1, min(limit, MAX_PAGE))
        page = self._page(only, after, limit, oldest)
        if keep is None:
            return page
        kept: list[InstanceSummary] = []
        for _ in range(MAX_ROUNDS):
            kept += filter(keep, page.items)
            if len(kept) > limit or page.next is None:
                break
            page = self._page(only, page.next, limit, oldest)
        more = len(kept) > limit
        kept = kept[:limit]
        following = write_cursor(kept[-1].started_at, kept[-1].id) if more else page.next
        return Page(tuple(kept), following)

    def _page(self, only: InstanceFilter, after: str | None, limit: int, oldest: bool) -> Page:
        query = newest(only, after, limit + 1, oldest=oldest)
        rows = self._database.run(lambda connection: connection.execute(query).all())
        items = tuple(summary_of(row) for row in rows[:limit])
        return Page(items, write_cursor(items[-1].started_at, items[-1].id) if len(rows) > limit else None)

    def count_by_status(self, only: InstanceFilter = EVERYTHING) -> dict[str, int]:
        """How many instances have each status; every status is there, with 0 for none."""
        return self.counts(only)[0]

    def counts(self, only: InstanceFilter = EVERYTHING) -> tuple[dict[str, int], int]:
        """How many instances have each status, and how many of those that failed were cancelled."""
        wanted = conditions(only)
        by_status = select(instances.c.status, func.count()).where(*wanted).group_by(instances.c.status)
        cancelled = select(literal("cancelled"), func.count()).where(*wanted, is_cancelled())
        both = union_all(by_status, cancelled)
        rows = self._database.run(lambda connection: connection.execute(both).all())
        found = dict.fromkeys((*STATUSES, "cancelled"), 0) | dict(tuple(row) for row in rows)
        return found, found.pop("cancelled")


def newest(only: InstanceFilter, after: str | None, limit: int, *, oldest: bool = False) -> Select[Any]:
    """The query of a page: of each workflow and status apart, where they are few, so that each stops after a page.

    :param oldest: the oldest first
    """
    if only.search is not None:
        return _page(_searched(only, after, limit, oldest), instances.c, limit, oldest)
    workflows, statuses = workflows_of(only), None if only.statuses is None else known(only.statuses)
    apart = len(workflows or [""]) * len(statuses or [""])
    if apart > MAX_APART or (workflows is None and statuses is None):
        query = select(*SUMMARY_COLUMNS).where(*conditions(only))
        return _page(_behind(query, instances, after, oldest), instances.c, limit, oldest)
    query = select(*SUMMARY_COLUMNS).where(*conditions(only, apart=True))
    query = _behind(query, instances, after, oldest)
    each: Any = None
    for name, wanted in (("workflow_id", workflows), ("status", statuses)):
        if wanted is not None:
            values = func.unnest(bindparam(None, wanted, ARRAY(String))).table_valued("value")
            source = values.render_derived(name=f"each_{name}")
            query = query.where(instances.c[name] == source.c.value)
            each = source if each is None else each.join(source, true())
    part = _page(query.correlate_except(instances), instances.c, limit, oldest).lateral("part")
    return _page(select(*part.c).select_from(each.join(part, true())), part.c, limit, oldest)


def _searched(only: InstanceFilter, after: str | None, limit: int, oldest: bool) -> Select[Any]:
    """The instances in which a text occurs: first their places, from an index that has what is asked for most."""
    within = replace(
        EVERYTHING, **{name: getattr(only, name) for name in (*INDEXED, "started_from", "started_before", "search")}
    )
    found = instances.alias("found")
    query = select(found.c.started_at, found.c.id).where(*conditions(within, found))
    places = _behind(query, found, after, oldest)
    if within == only:
        # Nothing else is asked for, so no more than a page has to be looked up.
        places = _page(places, found.c, limit, oldest)
    inside = places.subquery("places")
    looked_up = select(*SUMMARY_COLUMNS).join(inside, inside.c.id == instances.c.id)
    return looked_up.where(*conditions(replace(only, search=None)))


def _behind(query: Select[Any], table: Any, after: str | None, oldest: bool) -> Select[Any]:
    if after is None:
        return query
    place, last = tuple_(table.c.started_at, table.c.id), tuple_(*read_cursor(after))
    return query.where(place > last if oldest else place < last)


def _page(query: Select[Any], columns: Any, limit: int, oldest: bool) -> Select[Any]:
    order = (columns.started_at, columns.id)
    return query.order_by(*(each if oldest else each.desc() for each in order)).limit(limit)
