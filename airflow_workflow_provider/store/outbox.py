"""Outboxes: work written in the transaction that makes it necessary, and done afterwards by whichever process takes it.

A row is claimed by moving the moment at which it is due into the future. A process that claimed it and does not come
back has lost it then, and another takes it up; so what is done for a row may be done twice.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar

from sqlalchemy import ColumnElement, Table, delete, func, select, true, update

if TYPE_CHECKING:
    from sqlalchemy.sql.dml import ReturningUpdate

    from airflow_workflow_provider.store.database import Database

LEASE: Final = timedelta(seconds=60)
"""After this time a claimed row is due again, unless an outbox says otherwise."""

MAX_DOUBLINGS: Final = 30


@dataclass(frozen=True)
class Backoff:
    """How long to wait before something is tried again: each time twice as long.

    :param first: after the first failure
    :param longest: at most
    :param quick: failures after which it is still ``first``
    :param jitter: 0.25 for between 75% and 125% of the time, so that not everybody comes back at once
    :param attempts: tries after which it is given up; None for never
    """

    first: timedelta
    longest: timedelta
    quick: int = 1
    jitter: float = 0.0
    attempts: int | None = None

    def delay(self, attempts: int) -> timedelta | None:
        """Return how long to wait after so many tries; None to give up."""
        if self.attempts is not None and attempts >= self.attempts:
            return None
        doublings = min(max(attempts - self.quick, 0), MAX_DOUBLINGS)
        delay = min(self.longest, self.first * 2.0**doublings)
        return delay * random.uniform(1 - self.jitter, 1 + self.jitter)  # noqa: S311 - jitter is no secret


Row = TypeVar("Row")


class Outbox(Generic[Row]):
    """The rows of one table that are to be worked off.

    The table has ``id``, ``due_at``, from when on a row may be claimed, and ``attempts``, which counts the claims. A
    subclass names the table, the dataclass whose fields are read of each row, and in ``pending`` which rows count.

    :cvar channel: on which PostgreSQL notifies listeners of new rows
    :cvar lease: after this time a claimed row whose end was not reported is due again
    """

    table: ClassVar[Table]
    row: ClassVar[type]
    channel: ClassVar[str]
    lease: ClassVar[timedelta] = LEASE
    pending: ClassVar[ColumnElement[bool]] = true()

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, limit: int = 10, lease: timedelta | None = None) -> tuple[Row, ...]:
        """Take rows that are due, the longest due first; nobody else gets them before the lease is over.

        :returns: in the order in which they were written
        """
        columns = [self.table.c[field.name] for field in fields(self.row)]
        statement = self.claiming(limit, lease or self.lease, *columns)
        rows = self._database.run(lambda connection: connection.execute(statement).all())
        return tuple(self.row(**row._mapping) for row in sorted(rows, key=lambda found: found.id))

    def claiming(
        self,
        limit: int,
        lease: timedelta,
        *columns: ColumnElement[Any],
        only: ColumnElement[bool] | None = None,
        **values: Any,
    ) -> ReturningUpdate[Any]:
        """Return the statement that claims rows; no process waits for another.

        :param columns: what is returned of each
        :param only: which of the pending rows count
        :param values: what else is set in each
        """
        now, table = func.statement_timestamp(), self.table
        due = select(table.c.id).where(table.c.due_at <= now, self.pending)
        due = due if only is None else due.where(only)
        taken = due.order_by(table.c.due_at).limit(limit).with_for_update(skip_locked=True).cte("due")
        statement = update(table).where(table.c.id == taken.c.id)
        return statement.values(due_at=now + lease, attempts=table.c.attempts + 1, **values).returning(*columns)

    def later(self, row: int, delay: timedelta, **values: Any) -> None:
        """Have a row tried again after a time.

        :param values: what else is set
        """
        self.set(row, due_at=func.statement_timestamp() + delay, **values)

    def set(self, row: int, **values: Any) -> None:
        """Write columns of a row that is still pending: after a lease that was too short another may have ended it."""
        statement = update(self.table).where(self.table.c.id == row, self.pending).values(**values)
        self._database.run(lambda connection: connection.execute(statement))

    def done(self, row: int) -> None:
        """Delete a row: what it asked for is done, or not wanted any more."""
        statement = delete(self.table).where(self.table.c.id == row)
        self._database.run(lambda connection: connection.execute(statement))

    def next_due(self) -> timedelta | None:
        """Return how long it takes until a row is due; None where there is no row."""
        query = select(func.min(self.table.c.due_at) - func.statement_timestamp()).where(self.pending)
        found: timedelta | None = self._database.run(lambda connection: connection.execute(query).scalar_one())
        return found
