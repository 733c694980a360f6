"""An instance that one process changes turn after turn, as the task of a region does (rule I2).

It is read once. After that each turn is one statement that is committed by itself: the row, as long as nobody else has
changed it since this process has, and the rows of the log. So a turn costs one flush of PostgreSQL's log and two round
trips, with the one that proves the connection; reading, locking and writing would cost six.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import Integer, bindparam, column, func, insert, literal_column, select, true, update
from sqlalchemy.dialects.postgresql import JSONB

from airflow_workflow_provider.hosts.inline import ChangedMeanwhile
from airflow_workflow_provider.store.endings import ENDED
from airflow_workflow_provider.store.instances import Create, Instance, Record, lock_instance
from airflow_workflow_provider.store.logs import LogEntry, row_of
from airflow_workflow_provider.store.tables import workflow_execution_logs as logs
from airflow_workflow_provider.store.tables import workflow_instances as instances

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import ColumnElement, Select

    from airflow_workflow_provider.store.database import Database
    from airflow_workflow_provider.store.types import Connection

_VERSION: Final[ColumnElement[str]] = literal_column("workflow_instances.xmin::text")
"""The transaction that has written the row as it is: another value means that somebody has written it since."""

_ROW: Final = tuple(row_of(LogEntry("")))
_ROWS: Final = func.jsonb_to_recordset(bindparam("rows", type_=JSONB)).table_valued(
    column("number", Integer), *(column(name, logs.c[name].type) for name in _ROW), name="row"
)


class HeldRecord(Record):
    """An instance that is changed in memory, and stored at the end of a turn."""

    def __init__(self, stored: Instance) -> None:
        super().__init__(cast("Connection", None), stored, created=False)
        self.entries: list[LogEntry] = []
        self._woken: list[str] = []
        self._notified: dict[str, Sequence[str]] = {}

    def save(self) -> None:
        """Leave it to the end of the turn."""

    def wake(self, task_ids: Iterable[str], question_id: UUID | None = None) -> None:
        """Note which tasks are to be resumed."""
        if question_id is not None:
            message = "A turn answers no question"
            raise AssertionError(message)
        self._woken += task_ids

    def notify(self, occasion: str, notifiers: Sequence[str]) -> None:
        """Note which notifiers are to be called."""
        if notifiers:
            self._notified[occasion] = notifiers

    def log(self, entries: Sequence[LogEntry]) -> None:
        """Note what is to be appended to the execution log."""
        self.entries += entries

    @property
    def is_plain(self) -> bool:
        """Whether nothing but the row and the log is to be written."""
        ended = {self.status, self.stored.status} & ENDED
        return not (ended or self._woken or self._notified or self.withdrawn) and all(
            entry.at is not None for entry in self.entries
        )

    def store(self, connection: Connection) -> None:
        """Write everything in a transaction that has begun."""
        self.connection = connection
        super().save()
        if self._woken:
            super().wake(self._woken)
        for occasion, notifiers in self._notified.items():
            super().notify(occasion, notifiers)
        super().log(self.entries)


class HeldInstance:
    """The instance, for the turns of one process.

    :param create: makes it when it is missing
    """

    def __init__(self, database: Database, wanted: UUID, create: Create) -> None:
        self._database = database
        self._wanted = wanted
        self._create = create
        self._known: tuple[Instance, str] | None = None

    def read(self) -> HeldRecord:
        """Return it to be changed, as it is known here; in the first turn, and after :meth:`forget`, as it is stored.

        :raises StoreUnavailable: the database could not be reached
        """
        if self._known is None:
            self._known = self._database.run(self._read)
        return HeldRecord(self._known[0])

    def forget(self) -> None:
        """Read it again in the next turn."""
        self._known = None

    def write(self, record: HeldRecord) -> None:
        """Store what a turn has made of it.

        :raises ChangedMeanwhile: somebody else has changed it since it was read; nothing is stored
        :raises StoreUnavailable: the database could not be reached; it may be stored nevertheless
        """
        if self._known is None:
            message = "What was forgotten cannot be written"
            raise AssertionError(message)
        known, seen = self._known
        self._known = None
        if record.is_plain:
            statement = _statement(record, seen)
            with self._database.begin(alone=True) as connection:
                version = connection.execute(statement, {"rows": _rows(record)}).scalar_one_or_none()
        else:
            version = self._database.run(lambda connection: self._store(connection, record, seen))
        if version is None:
            raise ChangedMeanwhile
        self._known = replace(known, **record.values), version

    def _read(self, connection: Connection) -> tuple[Instance, str]:
        stored = lock_instance(connection, self._wanted, self._create).stored
        return stored, connection.execute(self._version).scalar_one()

    def _store(self, connection: Connection, record: HeldRecord, seen: str) -> str | None:
        found = connection.execute(self._version.with_for_update(key_share=True)).scalar_one_or_none()
        if found != seen:
            return None
        record.store(connection)
        return str(connection.execute(self._version).scalar_one())

    @property
    def _version(self) -> Select[Any]:
        return select(_VERSION).select_from(instances).where(instances.c.id == self._wanted)


def _statement(record: HeldRecord, seen: str) -> Select[Any]:
    """Return the statement of a turn; it gives the new version of the row, or nothing where the row is another.

    Its text is the same in every turn, so that neither SQLAlchemy nor PostgreSQL has to work it out again.
    """
    changed = (
        update(instances)
        .where(instances.c.id == record.id, _VERSION.in_([seen]))
        .values(**record.written)
        .returning(instances.c.id, _VERSION.label("version"))
        .cte("changed")
    )
    rows = _ROWS.render_derived(with_types=True)
    source = select(changed.c.id, *(rows.c[name] for name in _ROW)).join_from(changed, rows, true())
    logged = insert(logs).from_select(["instance_id", *_ROW], source.order_by(rows.c.number)).cte("logged")
    return select(changed.c.version).add_cte(logged)


def _rows(record: HeldRecord) -> list[dict[str, Any]]:
    return [
        {"number": number, **row_of(entry), "at": None if entry.at is None else entry.at.isoformat()}
        for number, entry in enumerate(record.entries)
    ]
