"""What is known about the start of an instance, kept before its DAG run is made (rules E4, P5).

Anybody who may trigger a DAG writes the run's ``conf``, so nothing in it is trusted: what is known beside the input
(the event, the parent, the correlation id) is stored here, and the ``conf`` has only a token that nobody could know
before the run existed.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import Select, false, select, update
from sqlalchemy.dialects.postgresql import insert

from airflow_workflow_provider.store.tables import workflow_starts as starts

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from airflow_workflow_provider.store.database import Database


_COLUMNS: Final = (starts.c.token, starts.c.about)


@dataclass(frozen=True)
class Announced:
    """A start that was announced.

    :param token: has to be in the run's ``conf``; empty for runs that were there before starts were announced
    :param about: what is known about it; empty once the instance is there, which keeps it
    """

    token: str
    about: dict[str, Any]


class Starts:
    """The starts of instances that were announced."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def announce(self, instance: UUID, about: Mapping[str, Any]) -> Announced:
        """Keep what is known about a start; where the same one was announced before, that stays."""

        def work(connection: Connection) -> Announced:
            values = {"id": instance, "token": secrets.token_urlsafe(24), "about": dict(about)}
            statement = insert(starts).values(**values).on_conflict_do_nothing().returning(*_COLUMNS)
            row = connection.execute(statement).one_or_none() or connection.execute(_of(instance)).one()
            return Announced(row.token, row.about)

        return self._database.run(work)

    def refuse_read_only(self) -> None:
        """Require a database that takes writes, as far as it says so.

        :raises StoreUnavailable: ``store-read-only``
        """
        # A lock of no rows is refused like a write, and fails over from a standby like a write.
        nothing = select(starts.c.id).where(false()).with_for_update()
        self._database.run(lambda connection: connection.execute(nothing))

    def find(self, instance: UUID) -> Announced | None:
        """Return a start, if it was announced."""
        return self._database.run(lambda connection: read(connection, instance))


def read(connection: Connection, instance: UUID) -> Announced | None:
    """Return a start, if it was announced, in a transaction that has begun."""
    row = connection.execute(_of(instance)).one_or_none()
    return None if row is None else Announced(row.token, row.about)


def _of(instance: UUID) -> Select[Any]:
    return select(*_COLUMNS).where(starts.c.id == instance)


def settle(connection: Connection, instance: UUID) -> None:
    """Note that the instance has what was known about its start; the token stays, so that the run is known again."""
    connection.execute(update(starts).where(starts.c.id == instance, starts.c.about != {}).values(about={}))
