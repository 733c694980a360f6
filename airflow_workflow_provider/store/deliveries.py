"""Deliveries: for each event and workflow one, with what became of it (rules E2, E3).

A delivery is tried at least once, see :mod:`airflow_workflow_provider.store.outbox`; starting an instance twice is one
start, because its run id comes from event and workflow.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

from sqlalchemy import Integer, cast, false, func, select, true, update
from typing_extensions import TypedDict

from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.store.events import CHANNEL, StoredEvent, stored_event
from airflow_workflow_provider.store.outbox import LEASE, Outbox
from airflow_workflow_provider.store.rows import like, readable
from airflow_workflow_provider.store.statuses import DELIVERY_STATUSES
from airflow_workflow_provider.store.tables import workflow_definition_versions as versions
from airflow_workflow_provider.store.tables import workflow_definitions as heads
from airflow_workflow_provider.store.tables import workflow_event_deliveries as deliveries
from airflow_workflow_provider.store.tables import workflow_events as events
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from sqlalchemy import CTE, Row, Select

    from airflow_workflow_provider.store.database import Database


@dataclass(frozen=True)
class Claimed:
    """A delivery to be made, with all that it takes.

    :param attempts: how often it has been tried, this time included
    :param lapses: how many of these tries nobody ever heard of again
    :param kills: how many of them had to be stopped
    :param document: the current definition of the workflow; None where there is none any more
    :param active: whether the workflow takes new instances
    """

    id: int
    workflow_id: str
    attempts: int
    lapses: int
    kills: int
    event: StoredEvent
    document: dict[str, Any] | None
    revision: int | None
    active: bool


class _Reason(TypedDict):
    type: str
    message: str


@dataclass(frozen=True)
class Delivery:
    """A delivery as lists show it.

    :param reason: the error object of a dead letter, or of the last try of a pending one
    :param due_at: when it is tried next, if it is pending
    """

    id: int
    event_id: UUID
    workflow_id: str
    status: str
    instance_id: UUID | None
    reason: Annotated[dict[str, Any], like(_Reason)] | None
    attempts: int
    updated_at: datetime
    due_at: datetime


_COLUMNS = [deliveries.c[name] for name in Delivery.__dataclass_fields__]


class _Outbox(Outbox[int]):
    table, channel = deliveries, CHANNEL
    pending = deliveries.c.status == "pending"


MAX_ID: Final = 2**63 - 1
"""No identity column of PostgreSQL has a larger value."""


class Deliveries:
    """What is to be delivered, and what was."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._outbox = _Outbox(database)

    def claim(
        self,
        limit: int = 10,
        lease: timedelta = LEASE,
        *,
        suspected: bool | None = None,
        suspects: Collection[str] = (),
    ) -> tuple[Claimed, ...]:
        """Take deliveries that are due, oldest first; no other deliverer gets them before the lease is over.

        :param suspected: only those of which a try ended badly, or whose workflow is one of the suspects; False: only
            the others; None: all
        :param suspects: ids of workflows
        """
        only = None
        if suspected is not None:
            bad = deliveries.c.held | (deliveries.c.lapses + deliveries.c.kills > 0)
            bad = bad | deliveries.c.workflow_id.in_(sorted(suspects))
            only = bad if suspected else ~bad
        columns = (deliveries.c[name] for name in ("id", "workflow_id", "attempts", "lapses", "kills", "event_id"))
        # One that is still held was claimed by somebody who did not come back.
        lapses = deliveries.c.lapses + cast(deliveries.c.held, Integer)
        taken = self._outbox.claiming(limit, lease, *columns, only=only, held=true(), lapses=lapses).cte("taken")
        query = _with_event_and_head(taken)
        rows = self._database.run(lambda connection: connection.execute(query).all())
        return tuple(map(_claimed, rows))

    def started(self, delivery: int, instance: UUID) -> None:
        """Note that a delivery has started its instance."""
        self._end(delivery, {"status": "started", "instance_id": instance, "reason": None})

    def dead(self, delivery: int, reason: dict[str, Any]) -> None:
        """Keep a delivery as a dead letter.

        :param reason: an error object
        """
        self._end(delivery, {"status": "dead", "reason": reason})

    def later(self, delivery: int, delay: timedelta, reason: dict[str, Any], *, killed: bool = False) -> None:
        """Have a delivery tried again after a time.

        :param killed: its evaluation had to be stopped
        """
        more = {"kills": deliveries.c.kills + 1} if killed else {}
        self._end(delivery, {"due_at": func.statement_timestamp() + delay, "reason": reason, **more})

    def release(self, delivery: int, delay: timedelta = timedelta(0)) -> None:
        """Give a delivery back that was claimed, as if it had not been."""
        due = func.statement_timestamp() + delay
        self._end(delivery, {"due_at": due, "attempts": deliveries.c.attempts - 1})

    def _end(self, delivery: int, values: dict[str, Any]) -> None:
        self._outbox.set(delivery, **values, held=false(), updated_at=func.statement_timestamp())

    def list(
        self,
        *,
        status: str | None = None,
        workflow_ids: Collection[str] | None = None,
        event: UUID | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> tuple[Delivery, ...]:
        """Deliveries, newest first; the ``id`` of the last is ``before`` of the next page.

        :raises Misuse: there is no such status
        """
        if status is not None and status not in DELIVERY_STATUSES:
            message = f"Unknown status {status!r}; allowed are {list(DELIVERY_STATUSES)}"
            raise Misuse(message, code=ProblemCode.BAD_FILTER, pointer="status")
        query = select(*_COLUMNS)
        if status is not None:
            query = query.where(deliveries.c.status == status)
        if workflow_ids is not None:
            query = query.where(deliveries.c.workflow_id.in_(sorted(workflow_ids)))
        if event is not None:
            query = query.where(deliveries.c.event_id == event)
        if before is not None:
            query = query.where(deliveries.c.id < before)
        query = query.order_by(deliveries.c.id.desc()).limit(limit)
        rows = self._database.run(lambda connection: connection.execute(query).all())
        return tuple(readable(Delivery, rows, "delivery"))

    def find(self, delivery_id: int) -> Delivery | None:
        """Return a delivery; None where there is none."""
        if not 0 < delivery_id < MAX_ID:
            return None
        found = self.list(before=delivery_id + 1, limit=1)
        return found[0] if found and found[0].id == delivery_id else None

    def redrive(
        self,
        *,
        deliveries_ids: Collection[int] | None = None,
        workflow_ids: Collection[str] | None = None,
        event: UUID | None = None,
    ) -> int:
        """Have dead letters tried again, all that fit; return how many. Doing it twice is doing it once."""
        statement = update(deliveries).where(deliveries.c.status == "dead")
        if deliveries_ids is not None:
            statement = statement.where(deliveries.c.id.in_(sorted(deliveries_ids)))
        if workflow_ids is not None:
            statement = statement.where(deliveries.c.workflow_id.in_(sorted(workflow_ids)))
        if event is not None:
            statement = statement.where(deliveries.c.event_id == event)
        now = func.statement_timestamp()
        statement = statement.values(
            status="pending", attempts=0, lapses=0, kills=0, held=false(), due_at=now, updated_at=now
        )
        return self._database.run(lambda connection: connection.execute(statement).rowcount)

    def next_due(self) -> timedelta | None:
        """Return how long it takes until a pending delivery is due; None where there is none."""
        return self._outbox.next_due()


def _with_event_and_head(taken: CTE) -> Select[Any]:
    """Return the query of deliveries that were claimed, each with its event and the head of its workflow."""
    return (
        select(
            taken.c.id.label("delivery_id"),
            taken.c.workflow_id,
            taken.c.attempts,
            taken.c.lapses,
            taken.c.kills,
            versions.c.document,
            versions.c.revision,
            heads.c.active,
            *events.c,
        )
        .select_from(
            taken.join(events, events.c.id == taken.c.event_id)
            .outerjoin(heads, heads.c.workflow_id == taken.c.workflow_id)
            .outerjoin(versions, versions.c.revision == heads.c.revision)
        )
        .order_by(taken.c.id)
    )


def _claimed(row: Row[Any]) -> Claimed:
    return Claimed(
        row.delivery_id,
        row.workflow_id,
        row.attempts,
        row.lapses,
        row.kills,
        stored_event(row),
        row.document,
        row.revision,
        bool(row.active),
    )
