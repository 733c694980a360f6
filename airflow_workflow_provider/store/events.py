"""Events: kept before anything else happens to them, each once (rules E1, E2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from sqlalchemy import Connection, Row, select, text

from airflow_workflow_provider.errors import NotFound
from airflow_workflow_provider.model.events import CloudEvent
from airflow_workflow_provider.store.jsontext import dumps
from airflow_workflow_provider.store.matching import (
    Interests,
    add_deliveries,
    deliver_to_waits,
    enter_arrival,
    leave_arrival,
    matching_workflows,
)
from airflow_workflow_provider.store.tables import workflow_event_deliveries as deliveries
from airflow_workflow_provider.store.tables import workflow_events as events

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database

NAMESPACE: Final = UUID("2c1ad0bb-52f4-5a0b-9f0e-3e1b7c5d9a44")
"""Of the ids of event rows. Never change it: run ids are made from them."""

CHANNEL: Final = "workflow_events"
"""Channel on which PostgreSQL announces new events; see :mod:`airflow_workflow_provider.store.notices`."""

# One statement for any number of events: its text, and so its plan, is always the same. It brings along which kinds of
# patterns are in use, for one way to the server less.
_INSERT: Final = text("""
    WITH created AS (
        INSERT INTO workflow_events (id, source, event_id, type, subject, time, data, attributes, received_at)
        SELECT id, source, event_id, type, subject, time, data, attributes, statement_timestamp()
        FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS event (
            id uuid, source text, event_id text, type text, subject text, time timestamptz, data jsonb, attributes jsonb
        )
        ON CONFLICT DO NOTHING
        RETURNING id
    )
    SELECT id, NULL AS kind, NULL AS shape, NULL AS paths FROM created
    UNION ALL
    SELECT NULL, kind, shape, paths FROM workflow_event_interests
""")
_COLUMNS: Final = ("specversion", "id", "source", "type", "subject", "time", "data")


def event_row_id(source: str, event_id: str) -> UUID:
    """The id of an event's row, known without a look-up."""
    return uuid5(NAMESPACE, f"{len(source)}:{source}{event_id}")


def row_id_of(event: Mapping[str, Any] | None) -> UUID | None:
    """The id of the row of an event that somebody has named, or null where that names none."""
    if event is None or not isinstance(event.get("source"), str) or not isinstance(event.get("id"), str):
        return None
    return event_row_id(event["source"], event["id"])


@dataclass(frozen=True)
class Accepted:
    """What became of an event that was offered.

    :param id: of its row
    :param created: False where the same event was there already; nothing is done for it again
    """

    id: UUID
    created: bool


@dataclass(frozen=True)
class StoredEvent:
    """An event as it was accepted; ``sequence`` grows in the order of arrival."""

    id: UUID
    sequence: int
    received_at: datetime
    event: CloudEvent


@dataclass(frozen=True)
class EventFilter:
    """Which events; what is null does not restrict, and all that is given must hold.

    :param status: with a delivery in this state: ``pending``, ``started`` or ``dead``
    :param before: older than the event of this sequence number: where the page before ended
    """

    type: str | None = None
    source: str | None = None
    event_id: str | None = None
    subject: str | None = None
    workflow_id: str | None = None
    status: str | None = None
    received_from: datetime | None = None
    received_before: datetime | None = None
    before: int | None = None


def accept(connection: Connection, given: Sequence[CloudEvent]) -> list[Accepted]:
    """Keep events, and note in the same transaction which workflows each has to start and which steps get it.

    An event that is there already, by ``source`` and ``id``, is left as it is (rule E2). The transaction's commit is
    what makes it all true; before that nothing has happened.

    :param given: events; one that is in it twice counts once
    :returns: one for each event given, in their order
    """
    if not given:
        return []
    enter_arrival(connection)
    unique: dict[UUID, CloudEvent] = {}
    for event in given:
        unique.setdefault(event_row_id(*event.key), event)
    rows = dumps([_row(identifier, event) for identifier, event in unique.items()])
    found = connection.execute(_INSERT, {"rows": rows}).all()
    created = {row.id for row in found if row.id is not None}
    arrived = {identifier: event for identifier, event in unique.items() if identifier in created}
    if arrived:
        known = Interests.of(found)
        if known.waits:
            deliver_to_waits(connection, arrived, known)
        add_deliveries(connection, arrived, known, CHANNEL)
    else:
        leave_arrival(connection)
    answers = []
    for event in given:
        identifier = event_row_id(*event.key)
        answers.append(Accepted(identifier, identifier in created))
        created.discard(identifier)
    return answers


class Events:
    """The events that were accepted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def accept(self, given: Sequence[CloudEvent]) -> list[Accepted]:
        """Keep events in one transaction, all or none; see :func:`accept`.

        When this returns they are durable, and will be delivered whatever happens to this process.

        :raises StoreUnavailable: nothing was kept, or it is not known; offering them again is safe
        """
        return self._database.run(lambda connection: accept(connection, given))

    def get(self, identifier: UUID) -> StoredEvent:
        """An event by the id of its row.

        :raises NotFound: there is none
        """
        query = select(events).where(events.c.id == identifier)
        row = self._database.run(lambda connection: connection.execute(query).one_or_none())
        if row is None:
            message = f"There is no event {identifier}"
            raise NotFound(message, pointer=str(identifier))
        return stored_event(row)

    def list(self, only: EventFilter | None = None, *, limit: int = 100) -> tuple[StoredEvent, ...]:
        """Events, newest first; the ``sequence`` of the last is ``before`` of the next page."""
        query = _restrict(only or EventFilter()).order_by(events.c.sequence.desc()).limit(limit)
        rows = self._database.run(lambda connection: connection.execute(query).all())
        return tuple(stored_event(row) for row in rows)

    def matching(self, event_type: str) -> tuple[str, ...]:
        """The workflows that an event of a type would start now."""
        return tuple(self._database.run(lambda connection: matching_workflows(connection, event_type)))


def stored_event(row: Row[Any]) -> StoredEvent:
    """An event from its row."""
    attributes = row.attributes if isinstance(row.attributes, dict) else {}
    further = {key: value for key, value in attributes.items() if key not in _COLUMNS and _is_attribute(value)}
    event = CloudEvent.model_construct(
        specversion="1.0",
        id=row.event_id,
        source=row.source,
        type=row.type,
        subject=row.subject,
        time=row.time,
        data=row.data,
        **{"datacontenttype": None, "dataschema": None, "data_base64": None, **further},
    )
    return StoredEvent(row.id, row.sequence, row.received_at, event)


def _is_attribute(value: Any) -> bool:
    """Whether a value can be one of an attribute; another has been written manually."""
    return isinstance(value, (str, int, bool))


def _row(identifier: UUID, event: CloudEvent) -> dict[str, Any]:
    document = event.to_json()
    further = {name: value for name, value in document.items() if name not in _COLUMNS}
    row = {
        "id": str(identifier),
        "source": event.source,
        "event_id": event.id,
        "type": event.type,
        "subject": event.subject,
        "time": document["time"],
        "data": event.data,
        "attributes": further or None,
    }
    return {name: value for name, value in row.items() if value is not None}


def _restrict(only: EventFilter) -> Any:
    query = select(events)
    for name in ("type", "source", "event_id", "subject"):
        wanted = getattr(only, name)
        if wanted is not None:
            query = query.where(events.c[name] == wanted)
    if only.received_from is not None:
        query = query.where(events.c.received_at >= only.received_from)
    if only.received_before is not None:
        query = query.where(events.c.received_at < only.received_before)
    if only.before is not None:
        query = query.where(events.c.sequence < only.before)
    if only.workflow_id is not None or only.status is not None:
        wanted_delivery = select(deliveries.c.id).where(deliveries.c.event_id == events.c.id)
        if only.workflow_id is not None:
            wanted_delivery = wanted_delivery.where(deliveries.c.workflow_id == only.workflow_id)
        if only.status is not None:
            wanted_delivery = wanted_delivery.where(deliveries.c.status == only.status)
        query = query.where(wanted_delivery.exists())
    return query
