"""One statement on another PostgreSQL, for the task ``sql``."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, cast

import psycopg
from psycopg import ClientCursor
from psycopg.conninfo import make_conninfo
from sqlalchemy import text

from airflow_workflow_provider.errors import WorkflowsError
from airflow_workflow_provider.store.connection import to_url

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from airflow_workflow_provider.model.sql_text import Statement
    from airflow_workflow_provider.store.connection import ConnectionFields
    from airflow_workflow_provider.store.database import Database

CONNECT_TIMEOUT: Final = 10

_TOO_LONG: Final = "The statement timed out"

_IDENTITY: Final = (
    "SELECT current_database()::text, pg_postmaster_start_time()::text, "
    "(SELECT oid FROM pg_database WHERE datname = current_database())::text"
)
_METADATA: Final = (
    "SELECT count(DISTINCT relname) = 3 FROM pg_class "
    "WHERE relkind IN ('r', 'p') AND relname IN ('dag_run', 'task_instance', 'serialized_dag')"
)


class OwnDatabase(WorkflowsError):
    """A connection leads to the workflow database itself, or to Airflow's."""


class TookTooLong(WorkflowsError):
    """A statement did not end in its time."""


class RowTooLarge(WorkflowsError):
    """A row does not fit into the memory that this process may use."""


@dataclass
class Result:
    """What a statement gave.

    :param columns: names of the columns; null for one that gives no rows
    :param rows: the rows, each read when it is asked for
    :param count: how many rows were changed
    """

    columns: Sequence[str] | None
    rows: Iterator[Sequence[Any]]
    count: int = 0


@contextmanager
def _errors_named(ends: float) -> Iterator[None]:
    """Name the errors of a statement: it took too long, or a row was too large; others stay as they are.

    :param ends: the time, of the monotonic clock, at which it has to be done
    """
    try:
        yield
    except psycopg.errors.QueryCanceled as error:
        raise TookTooLong(_TOO_LONG) from error
    except psycopg.DatabaseError as error:
        if isinstance(error, psycopg.OperationalError) and time.monotonic() >= ends:
            raise TookTooLong(_TOO_LONG) from error
        if _is_out_of_memory(error):
            message = "A row is larger than the memory that it may use"
            raise RowTooLarge(message) from error
        raise


@contextmanager
def run_statement(
    fields: ConnectionFields,
    conn_id: str,
    statement: Statement,
    parameters: Any,
    *,
    write: bool,
    seconds: int,
    own: Database | None,
) -> Iterator[Result]:
    """Run one statement in a transaction of its own, which is read-only unless it writes.

    The text goes by the extended protocol, in which the server refuses more than one statement, whatever anybody has
    read in it before. The transaction is committed when the block ends well.

    :param parameters: values of the statement's placeholders
    :param seconds: how long it may take, its rows included
    :param own: the workflow database, which a statement may not reach
    :raises OwnDatabase: the connection leads to it, or to Airflow's
    :raises TookTooLong: the time was over
    :raises RowTooLarge: a row is larger than the memory of this process allows
    :raises psycopg.Error: the server refused it
    """
    ends = time.monotonic() + seconds
    with psycopg.connect(
        _conninfo(to_url(fields, conn_id)), connect_timeout=min(CONNECT_TIMEOUT, seconds)
    ) as connection:
        timer = threading.Timer(seconds, _cancel, (connection,))
        timer.daemon = True
        timer.start()
        try:
            with _errors_named(ends):
                _refuse_own(connection, own)
                connection.rollback()
                connection.read_only = not write
                connection.execute(f"SET LOCAL statement_timeout = {int(seconds) * 1000}")
                sent = ClientCursor(connection).mogrify(cast("Any", statement.text), parameters or None)
                result, unread = _sent(connection, statement, sent)
                with closing(unread):
                    yield result
                    if write:
                        # To leave rows unread is to cancel the statement that gives them.
                        deque(result.rows, maxlen=0)
        finally:
            timer.cancel()


def _sent(
    connection: psycopg.Connection[Any], statement: Statement, sent: str
) -> tuple[Result, Generator[Any, None, None]]:
    """Send a statement; return what it gives, and the generator that must be closed before the transaction ends."""
    cursor = connection.cursor()
    if not statement.gives_rows:
        # Asking for binary values makes it the extended protocol.
        cursor.execute(cast("Any", sent), binary=True)
        columns = None if cursor.description is None else [column.name for column in cursor.description]
        rows = (row for row in (cursor if columns else ()))
        return Result(columns, rows, max(cursor.rowcount, 0)), rows
    stream = cast("Generator[Any, None, None]", cursor.stream(cast("Any", sent)))
    first = list(islice(stream, 1))
    return Result([column.name for column in cursor.description or ()], chain(first, stream)), stream


def _is_out_of_memory(error: psycopg.Error) -> bool:
    """Return whether libpq could get no memory; what the server itself reports has a SQLSTATE."""
    return error.sqlstate is None and "memory" in str(error)


def _refuse_own(connection: psycopg.Connection[Any], own: Database | None) -> None:
    holds_metadata = connection.execute(_METADATA).fetchone()
    if holds_metadata == (True,):
        message = "It holds Airflow's metadata"
        raise OwnDatabase(message)
    if own is None:
        return
    found = connection.execute(_IDENTITY).fetchone()
    if found == own.run(lambda ours: tuple(ours.execute(text(_IDENTITY)).one())):
        message = "It is the workflow database"
        raise OwnDatabase(message)


def _cancel(connection: psycopg.Connection[Any]) -> None:
    with suppress(psycopg.Error):
        connection.cancel_safe(timeout=CONNECT_TIMEOUT)


def _conninfo(url: URL) -> str:
    known = {
        "host": url.host, "port": url.port, "user": url.username, "password": url.password, "dbname": url.database
    }  # fmt: skip
    given = {key: value for key, value in known.items() if value not in (None, "")}
    return make_conninfo(**{**url.query, **given})  # type: ignore[arg-type]
