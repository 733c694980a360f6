"""Which instances run and which wait, where their number is limited (rule I7).

An instance runs while it has been admitted and has not ended: its own row says that, so no release of a place can be
lost. An admission holds the lock of the key from the count to the commit. A transaction that holds the lock of an
instance never asks for that of a key.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, insert, select, text, update

from airflow_workflow_provider.store.statuses import LIVE
from airflow_workflow_provider.store.tables import workflow_instances as instances
from airflow_workflow_provider.store.tables import workflow_places as places

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from airflow_workflow_provider.store.database import Database

CHANNEL: Final = "workflow_places"
"""Channel on which PostgreSQL announces that an instance has begun to wait, or has ended."""

BATCH: Final = 100

_LIVE: Final = instances.c.status.in_(LIVE)
_RUNS: Final = and_(places.c.admitted_at.is_not(None), _LIVE)
_WAITS: Final = and_(places.c.admitted_at.is_(None), places.c.replaced_by.is_(None), _LIVE)
# One that somebody has suspended is passed over, and keeps its turn.
_NEXT: Final = and_(_WAITS, ~instances.c.state.has_key("suspension"))
_JOINED: Final = places.join(instances, instances.c.id == places.c.instance_id)


@dataclass(frozen=True)
class Claim:
    """What an instance asks for whose number is limited.

    :param key: what it is counted by
    :param most: how many instances with that key may run
    """

    workflow_id: str
    key: str
    most: int


@dataclass(frozen=True)
class Replaced:
    """An instance that another one replaces, and that has not ended yet."""

    instance_id: UUID
    replaced_by: UUID


def is_free(connection: Connection, claim: Claim) -> bool:
    """Return whether one more instance may run, and none waits; until the transaction ends nobody else is admitted."""
    _lock(connection, claim)
    return _running(connection, claim) < claim.most and not _count(connection, claim, _WAITS)


def enter(connection: Connection, instance: UUID, claim: Claim, *, admitted: bool) -> None:
    """Note that an instance runs, or waits for its turn behind all that wait already."""
    leave(connection, instance)
    values = {"instance_id": instance, "workflow_id": claim.workflow_id, "key": claim.key, "most": claim.most}
    since = func.statement_timestamp()
    connection.execute(insert(places).values(**values, queued_at=since, admitted_at=since if admitted else None))
    if not admitted:
        _notify(connection)


def leave(connection: Connection, instance: UUID) -> None:
    """Forget an instance that has ended; its place may be somebody else's."""
    statement = delete(places).where(places.c.instance_id == instance).returning(places.c.instance_id)
    if connection.execute(statement).one_or_none() is not None:
        _notify(connection)


def resumed(connection: Connection) -> None:
    """Have the queues looked at: an instance that was passed over need not be any more."""
    _notify(connection)


def replace_others(connection: Connection, instance: UUID, claim: Claim) -> None:
    """Have others end until there is a place for an instance that waits: those that wait, then the oldest that run."""
    others = [_of(claim), places.c.instance_id != instance, places.c.replaced_by.is_(None)]
    waiting = select(places.c.instance_id).select_from(_JOINED).where(*others, places.c.admitted_at.is_(None), _LIVE)
    found = list(connection.execute(waiting).scalars())
    running = select(places.c.instance_id).select_from(_JOINED).where(*others, _RUNS).order_by(places.c.sequence)
    running_now = list(connection.execute(running).scalars())
    found += running_now[: max(len(running_now) - claim.most + 1, 0)]
    if found:
        statement = update(places).where(places.c.instance_id.in_(found)).values(replaced_by=instance)
        connection.execute(statement)


class Places:
    """The queues of all workflows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def free(self) -> list[Claim]:
        """Return what the first in each queue asks for that has a free place, as far as can be seen without a lock."""
        keys = (places.c.workflow_id, places.c.key)
        query = select(*keys, places.c.most).select_from(_JOINED).where(_NEXT)
        # SQLAlchemy has one name for this before 2.1, and another one since.
        first_of = text(f"DISTINCT ON ({', '.join(map(str, keys))})")
        query = query.order_by(*keys, places.c.sequence).prefix_with(first_of)
        first = query.subquery("first")
        same = and_(places.c.workflow_id == first.c.workflow_id, places.c.key == first.c.key)
        running = select(func.count()).select_from(_JOINED).where(same, _RUNS).scalar_subquery()
        free = select(first).where(running < first.c.most).limit(BATCH)
        rows = self._database.run(lambda connection: connection.execute(free).all())
        return [Claim(*row) for row in rows]

    def replaced(self) -> list[Replaced]:
        """Return the instances that are to end because another one replaces them."""
        query = select(places.c.instance_id, places.c.replaced_by).select_from(_JOINED)
        query = query.where(places.c.replaced_by.is_not(None), _LIVE).order_by(places.c.sequence).limit(BATCH)
        rows = self._database.run(lambda connection: connection.execute(query).all())
        return [Replaced(*row) for row in rows]

    def positions(self, wanted: Collection[UUID]) -> dict[UUID, int]:
        """Return the positions of some instances in their queues, from 1; those that wait in none are left out."""
        own, other = places.alias("own"), places.alias("other")
        same = and_(other.c.workflow_id == own.c.workflow_id, other.c.key == own.c.key)
        joined = own.join(other, and_(same, other.c.sequence <= own.c.sequence))
        joined = joined.join(instances, instances.c.id == other.c.instance_id)
        query = select(own.c.instance_id, func.count()).select_from(joined).where(_LIVE)
        query = query.where(own.c.instance_id.in_(list(wanted)), own.c.admitted_at.is_(None))
        query = query.where(other.c.admitted_at.is_(None)).group_by(own.c.instance_id)
        rows = self._database.run(lambda connection: connection.execute(query).all()) if wanted else []
        return {row[0]: row[1] for row in rows}


def first_of(connection: Connection, claim: Claim, skipped: Sequence[UUID] = ()) -> UUID | None:
    """Return the instance of a queue whose turn it is, under the lock of its key; None where there is none.

    :param skipped: instances that cannot be admitted now
    """
    _lock(connection, claim)
    query = select(places.c.instance_id, places.c.most).select_from(_JOINED).where(_of(claim), _NEXT)
    query = query.where(places.c.instance_id.not_in(list(skipped))).order_by(places.c.sequence).limit(1)
    found = connection.execute(query).one_or_none()
    if found is None or _running(connection, claim) >= found.most:
        return None
    first: UUID = found.instance_id
    return first


def note_admitted(connection: Connection, instance: UUID) -> None:
    """Note that an instance runs that waited, under the locks of its key and of the instance."""
    statement = update(places).where(places.c.instance_id == instance)
    connection.execute(statement.values(admitted_at=func.statement_timestamp()))


def _lock(connection: Connection, claim: Claim) -> None:
    name = func.hashtextextended(f"{CHANNEL}/{claim.workflow_id}/{claim.key}", 0)
    connection.execute(select(func.pg_advisory_xact_lock(name)))


def _running(connection: Connection, claim: Claim) -> int:
    return _count(connection, claim, _RUNS)


def _count(connection: Connection, claim: Claim, which: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(_JOINED).where(_of(claim), which)
    return int(connection.execute(query).scalar_one())


def _of(claim: Claim) -> ColumnElement[bool]:
    return and_(places.c.workflow_id == claim.workflow_id, places.c.key == claim.key)


def _notify(connection: Connection) -> None:
    connection.execute(select(func.pg_notify(CHANNEL, "")))
