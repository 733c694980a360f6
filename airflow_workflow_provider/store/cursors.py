"""Readers of the events: each continues where it stopped, and misses none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Select, func, select, update
from sqlalchemy.dialects.postgresql import insert

from airflow_workflow_provider.model.patterns import matches
from airflow_workflow_provider.store.events import StoredEvent, stored_event
from airflow_workflow_provider.store.matching import stop_arrivals
from airflow_workflow_provider.store.tables import workflow_event_cursors as cursors
from airflow_workflow_provider.store.tables import workflow_events as events

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database

LIMIT: Final = 100
MAX_NAME: Final = 500


@dataclass(frozen=True)
class Reading:
    """The events that a reader found.

    :param events: those that match, in the order of their arrival
    :param position: where it has come to; events after it were not looked at
    :param more: whether there may be more at once
    """

    events: tuple[StoredEvent, ...]
    position: int
    more: bool


class Cursors:
    """The places of readers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def position(self, name: str) -> int:
        """The position of a reader; a new one begins after all existing events."""

        def work(connection: Connection) -> int:
            found = connection.execute(_position(name)).scalar_one_or_none()
            if found is not None:
                return int(found)
            stop_arrivals(connection)
            newest = select(func.coalesce(func.max(events.c.sequence), 0)).scalar_subquery()
            connection.execute(insert(cursors).values(name=name, position=newest).on_conflict_do_nothing())
            return int(connection.execute(_position(name)).scalar_one())

        return self._database.run(work)

    def read(self, pattern: str, after: int, *, without_source: str | None = None, limit: int = LIMIT) -> Reading:
        """The events after a position whose type matches a pattern.

        :param without_source: leave out events whose source begins so
        :param limit: events looked at
        """

        def work(connection: Connection) -> Reading:
            # What is still arriving may have lower numbers than what has arrived.
            stop_arrivals(connection)
            query = select(events).where(events.c.sequence > after).order_by(events.c.sequence).limit(limit)
            found = [stored_event(row) for row in connection.execute(query).all()]
            wanted = tuple(
                each
                for each in found
                if matches(pattern, each.event.type)
                and not (without_source is not None and each.event.source.startswith(without_source))
            )
            return Reading(wanted, found[-1].sequence if found else after, len(found) == limit)

        return self._database.run(work)

    def advance(self, name: str, position: int) -> None:
        """Note how far a reader has come; never back."""
        statement = update(cursors).where(cursors.c.name == name, cursors.c.position < position)
        statement = statement.values(position=position, updated_at=func.statement_timestamp())
        self._database.run(lambda connection: connection.execute(statement))

    def looked_at(self, connection: Connection, name: str) -> datetime:
        """When a reader looked last, within what :meth:`alone` does."""
        query = select(cursors.c.updated_at).where(cursors.c.name == name)
        found: datetime = connection.execute(query).scalar_one()
        return found

    def alone(self, name: str, first: int, work: Callable[[Connection, int], int]) -> bool:
        """Do ``work`` at a reader's place and keep the place that it returns, in one transaction.

        :param first: where a new reader begins
        :returns: False where another is doing it at this moment
        """

        def within(connection: Connection) -> bool:
            connection.execute(insert(cursors).values(name=name, position=first).on_conflict_do_nothing())
            query = _position(name).with_for_update(skip_locked=True)
            found = connection.execute(query).scalar_one_or_none()
            if found is None:
                return False
            position = work(connection, int(found))
            statement = update(cursors).where(cursors.c.name == name)
            connection.execute(statement.values(position=position, updated_at=func.statement_timestamp()))
            return True

        return self._database.run(within)


def _position(name: str) -> Select[int]:
    return select(cursors.c.position).where(cursors.c.name == name)
