"""Follows a table of Airflow's metadata database whose rows have increasing numbers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from airflow_workflow_provider.store.cursors import Cursors

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from airflow_workflow_provider.store.database import Database

log = logging.getLogger(__name__)

SETTLED: Final = timedelta(seconds=60)
"""How long a transaction of Airflow's may take: a number missing before a row of this age will not come any more."""


class Numbered(Protocol):
    """A row with its number and its time."""

    @property
    def id(self) -> int:
        """Its number, which grows."""
        ...

    @property
    def timestamp(self) -> datetime:
        """When it was made."""
        ...


Row = TypeVar("Row", bound=Numbered)


@dataclass(frozen=True)
class Follower(Generic[Row]):
    """Takes over rows as they come. Numbers are given before rows can be seen, so some come late.

    What follows a number that may still come is read again, as is what could not be taken yet; so a row is taken
    at least once, and taking it again must do nothing.

    :param cursor: the name of the place that is kept; what was there before the first look is not taken
    :param newest: gives the newest number there is
    :param newest_before: gives the newest number of the rows from before a moment
    :param read: gives some rows after a number, in order
    :param take: takes rows in our transaction, and returns the numbers of those to look at again while they are fresh
    """

    database: Database
    cursor: str
    newest: Callable[[], int]
    newest_before: Callable[[datetime], int]
    read: Callable[[int], Sequence[Row]]
    take: Callable[[Connection, Sequence[Row]], Collection[int]]

    def follow(self) -> None:
        """Take what has come; one process does so at a time."""
        newest = self.newest()
        Cursors(self.database).alone(
            self.cursor, newest, lambda connection, position: self._continue(connection, position, newest)
        )

    def _continue(self, connection: Connection, position: int, newest: int) -> int:
        looked_at = Cursors(self.database).looked_at(connection, self.cursor)
        if self._is_restored(position, newest, looked_at):
            log.warning("Airflow's database was restored from an older backup; what came since is read again")
            position = min(position, self.newest_before(looked_at - SETTLED))
        settled, read = position, position
        while found := self.read(read):
            again = self.take(connection, found)
            settled = _settled(settled, found, again) if settled == read else settled
            read = found[-1].id
        return settled

    def _is_restored(self, position: int, newest: int, looked_at: datetime) -> bool:
        """Return whether numbers are given again: the place is behind all of them, or at a row that is too new."""
        if newest < position:
            # As long as there is a row: a table without any was not restored but cleaned.
            return newest > 0
        last = self.read(position - 1)[:1] if position > 0 else []
        return any(row.id == position and row.timestamp > looked_at + SETTLED for row in last)


def _settled(position: int, found: Sequence[Numbered], again: Collection[int]) -> int:
    """The place up to which nothing is missing."""
    old = datetime.now(UTC) - SETTLED
    for each in found:
        if each.timestamp > old and (each.id != position + 1 or each.id in again):
            break
        position = each.id
    return position
