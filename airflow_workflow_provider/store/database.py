"""Access to PostgreSQL: a small pool, bounded waiting, and retries of temporary errors."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, Final, Self, TypeVar

import tenacity
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import NullPool

from airflow_workflow_provider.errors import StoreUnavailable
from airflow_workflow_provider.failpoints import failpoint
from airflow_workflow_provider.settings import Settings, load_settings
from airflow_workflow_provider.store.connection import database_url
from airflow_workflow_provider.store.hosts import note_host
from airflow_workflow_provider.store.jsontext import dumps, loads
from airflow_workflow_provider.store.schema_version import refuse_other_schema
from airflow_workflow_provider.vocabulary import ProblemCode

T = TypeVar("T")

log = logging.getLogger(__name__)

DRIVER: Final = "postgresql+psycopg"
APPLICATION: Final = "airflow-workflows"
SCHEMA_CHECK: Final = 60.0
"""Seconds between two looks whether the tables are those of this version."""
IDLE_IN_TRANSACTION: Final = 60
"""Seconds after which the server ends a transaction in which nothing happens."""

# Connection exceptions; insufficient resources: disk full, out of memory, too many connections.
_PASSING_CLASSES: Final = frozenset({"08", "53"})
_BUSY_CLASSES: Final = frozenset({"40", "53", "58"})
"""Of errors with which a server answers although it is there."""

_READ_ONLY_STATE: Final = "25006"
_PASSING_STATES: Final = frozenset(
    {
        "25006",  # read-only transaction: a standby, or a primary that was made read-only for a failover
        "25P03",  # idle in a transaction for too long
        "25P04",  # a transaction for too long
        "40001",  # serialization failure
        "40003",  # it is unknown whether the statement was executed
        "40P01",  # deadlock
        "57P01",  # shut down by an administrator
        "57P02",  # shut down after a crash
        "57P03",  # still starting
        "57P05",  # idle for too long
        "58000",  # system error
        "58030",  # I/O error
    }
)
# The server reports these while a connection is made, and psycopg has no SQLSTATE for them.
_STARTUP_PARAMETER: Final = "unsupported startup parameter"
_LASTING_WORDS: Final = (
    _STARTUP_PARAMETER,
    "authentication failed",
    "does not exist",
    "pg_hba.conf",
    "SSL",
    "certificate",
)
_LOCKED_STATE: Final = "55P03"
_TIMEOUT_STATES: Final = frozenset({"57014", _LOCKED_STATE})
_REFUSED_STATE: Final = "42501"
_MISSING_STATES: Final = frozenset({"42P01", "42703", "3F000"})


class Database:
    """A PostgreSQL database, reached when first used.

    :param url: SQLAlchemy URL; the driver is always psycopg 3
    :param connect_timeout: seconds for making one connection
    :param statement_timeout: seconds for one statement; 0 for no bound
    :param retry_for: seconds for which failures of the connection are retried; 0 for one attempt
    :param pooled: False opens a connection for each transaction and closes it after
    :param checked: refuse tables of another version of this package; looked at from time to time
    :param component: a component of Airflow uses it, whose host is noted for ``doctor``
    """

    def __init__(
        self,
        url: str | URL,
        *,
        connect_timeout: int = 3,
        statement_timeout: float = 30,
        retry_for: float = 30,
        pooled: bool = True,
        checked: bool = False,
        component: bool = False,
    ) -> None:
        self.url = make_url(url).set(drivername=DRIVER)
        self._connect_timeout = connect_timeout
        self._statement_timeout = statement_timeout
        self._retry_for = retry_for
        self._pooled = pooled
        self._next_check: float | None = 0.0 if checked else None
        self._component = component
        self._engine: Engine | None = None
        self._pooler = False
        self._process = os.getpid()

    @classmethod
    def configured(
        cls,
        settings: Settings | None = None,
        *,
        retry_for: float | None = None,
        maintenance: bool = False,
        pooled: bool = True,
    ) -> Self:
        """The database of ``[workflows] conn_id``, with the configured time limits.

        :param maintenance: reach it by ``[workflows] maintenance_conn_id``, for what only maintenance may do
        :param retry_for: seconds, instead of ``[workflows] retry_for``; commands use 0 to answer at once
        :raises Misuse: the connection is not defined or not PostgreSQL
        """
        settings = settings or load_settings()
        conn_id = settings.maintenance_conn_id if maintenance else ""
        return cls(
            database_url(conn_id or settings.conn_id),
            connect_timeout=settings.connect_timeout,
            statement_timeout=settings.statement_timeout,
            retry_for=settings.retry_for if retry_for is None else retry_for,
            pooled=pooled,
            checked=True,
            component=not maintenance,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def name(self) -> str:
        """Where it is, for messages: host, port and database, no account."""
        return f"{self.url.host or 'localhost'}:{self.url.port or 5432}/{self.url.database or ''}"

    @property
    def engine(self) -> Engine:
        """SQLAlchemy's engine; statements never show their parameters in errors."""
        if self._engine is None:
            self._engine = self._create_engine()
        elif self._process != os.getpid():
            # After a fork the pool's connections are the parent's: forget them without closing them.
            self._engine.dispose(close=False)
        self._process = os.getpid()
        return self._engine

    @property
    def listen_url(self) -> URL:
        """Where to listen for notices: ``[workflows] listen_conn_id``, for a pooler forwards none; else the same.

        :raises Misuse: the connection is not defined or not PostgreSQL
        """
        conn_id = load_settings().listen_conn_id
        return database_url(conn_id).set(drivername=DRIVER) if conn_id else self.url

    def _create_engine(self) -> Engine:
        parameters: dict[str, int | str] = {
            "statement_timeout": round(self._statement_timeout * 1000),
            "timezone": "UTC",
            # A worker that hangs inside a transaction must not hold an instance's lock forever.
            "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION * 1000,
        }
        if load_settings().listen_conn_id:
            return self._create_pooled_engine(parameters)
        options = [str(self.url.query.get("options", ""))]
        options += [f"-c {name}={value}" for name, value in parameters.items()]
        return self._make_engine({"options": " ".join(options).strip()})

    def _create_pooled_engine(self, parameters: Mapping[str, int | str]) -> Engine:
        """Return an engine for a pooler that gives each transaction another session of the server."""
        self._pooler = True
        engine = self._make_engine({"prepare_threshold": None})
        settings = "; ".join(f"SET LOCAL {name} = '{value}'" for name, value in parameters.items())

        def set_parameters(connection: Connection) -> None:
            # Below SQLAlchemy, which has not begun the transaction yet.
            with closing(connection.connection.cursor()) as cursor:
                cursor.execute(settings)

        event.listen(engine, "begin", set_parameters)
        return engine

    def _make_engine(self, more: Mapping[str, Any]) -> Engine:
        pool: dict[str, Any] = {"poolclass": NullPool}
        if self._pooled:
            pool = {"pool_size": 2, "max_overflow": 8, "pool_timeout": self._connect_timeout + 2, "pool_pre_ping": True}
        return create_engine(
            self.url,
            hide_parameters=True,
            json_serializer=dumps,
            json_deserializer=loads,
            connect_args={
                "connect_timeout": self._connect_timeout,
                "application_name": APPLICATION,
                # The kernel notices a server that vanished without a word; otherwise we would wait forever.
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 3,
                "tcp_user_timeout": 20_000,
                **more,
            },
            **pool,
        )

    def close(self) -> None:
        """Close the idle connections; the database can be used again afterwards."""
        if self._engine is not None:
            self.engine.dispose()

    @contextmanager
    def begin(self, *, alone: bool = False) -> Iterator[Connection]:
        """One transaction: committed at the end, rolled back on an exception.

        Making the connection is retried; what is done with it is not, because only the caller can repeat it.

        :param alone: it is for one statement only, which PostgreSQL then commits without being asked to
        :raises StoreUnavailable: when the database is not reached, does not answer in time or is not migrated
        """
        with self._translated():
            connection = self._retrying()(self.engine.connect)
            try:
                if alone and not self._pooler:
                    connection.execution_options(isolation_level="AUTOCOMMIT")
                with connection, connection.begin():
                    self._check_schema(connection)
                    yield connection
                    failpoint("transaction.before-commit")
                failpoint("transaction.committed")
            except DBAPIError as error:
                self._leave_standby(error)
                raise

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """A connection in no transaction: each statement is committed by itself, as locks of a session need it.

        :raises StoreUnavailable: as in :meth:`begin`
        """
        if load_settings().listen_conn_id and self.listen_url != self.url:
            # A pooler would give each statement another session.
            with (
                Database(self.listen_url, retry_for=self._retry_for, pooled=False) as direct,
                direct.session() as found,
            ):
                yield found
            return
        with self._translated():
            connection = self._retrying()(self.engine.connect)
            with connection:
                yield connection.execution_options(isolation_level="AUTOCOMMIT")

    def run(self, work: Callable[[Connection], T]) -> T:
        """Do ``work`` in one transaction, again from its start when the connection fails or a deadlock is broken.

        A connection can be lost in the moment of the commit: ``work`` may then be done twice, and has to be an
        idempotent write.

        :raises StoreUnavailable: as in :meth:`begin`
        """

        def attempt() -> T:
            try:
                with self.engine.begin() as connection:
                    self._check_schema(connection)
                    done = work(connection)
                    failpoint("transaction.before-commit")
            except DBAPIError as error:
                self._leave_standby(error)
                raise
            failpoint("transaction.committed")
            return done

        with self._translated():
            return self._retrying()(attempt)

    def _check_schema(self, connection: Connection) -> None:
        if self._next_check is not None and time.monotonic() >= self._next_check:
            refuse_other_schema(connection, self.name)
            self._next_check = time.monotonic() + SCHEMA_CHECK
            if self._component:
                note_host(connection, self.engine)

    def _leave_standby(self, error: DBAPIError) -> None:
        """Forget all connections where a server does not accept writes: after a failover the primary is another one."""
        if _state(error) == _READ_ONLY_STATE:
            self.engine.dispose()

    def _retrying(self) -> tenacity.Retrying:
        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(is_passing),
            wait=tenacity.wait_random_exponential(multiplier=0.1, max=3),
            stop=tenacity.stop_before_delay(self._retry_for),
            before_sleep=self._report,
            reraise=True,
        )

    def _report(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        log.warning(
            "PostgreSQL at %s did not answer (attempt %s): %s", self.name, state.attempt_number, self._words(error)
        )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeout:
            message = f"All connections to PostgreSQL at {self.name} were in use for too long"
            raise StoreUnavailable(message, code=ProblemCode.STORE_BUSY) from None
        except DBAPIError as error:
            translated = self._translate(error)
            if translated is None:
                raise
            # The original error's text names the account; the chain would print it.
            raise translated from None

    def _translate(self, error: DBAPIError) -> StoreUnavailable | None:
        state = _state(error)
        if state in _MISSING_STATES:
            return StoreUnavailable(
                f"The database at {self.name} does not have the tables of this version",
                code=ProblemCode.STORE_NOT_MIGRATED,
                suggestion="airflow-workflows db migrate",
            )
        if state == _REFUSED_STATE:
            return StoreUnavailable(
                f"The role {self.url.username!r} may not do this in the database at {self.name}: {self._words(error)}",
                code=ProblemCode.STORE_NOT_PERMITTED,
                suggestion="connect by the role of this component; airflow-workflows db roles gives the rights",
            )
        if state in _TIMEOUT_STATES:
            message = f"PostgreSQL at {self.name} did not answer within {self._statement_timeout:g} s"
            return StoreUnavailable(
                message, code=ProblemCode.STORE_TIMEOUT, suggestion="see [workflows] statement_timeout"
            )
        if _STARTUP_PARAMETER in str(error.orig):
            return StoreUnavailable(
                f"A connection pooler answers for PostgreSQL at {self.name}: {self._words(error)}",
                code=ProblemCode.STORE_BEHIND_POOLER,
                suggestion="set [workflows] listen_conn_id to a connection that goes to PostgreSQL directly",
            )
        if state == _READ_ONLY_STATE:
            return StoreUnavailable(
                f"PostgreSQL at {self.name} does not accept writes: {self._words(error)}",
                code=ProblemCode.STORE_READ_ONLY,
                suggestion="check that the Airflow connection of [workflows] conn_id leads to the primary",
            )
        if is_passing(error) or (state is None and isinstance(error, (OperationalError, InterfaceError))):
            return StoreUnavailable(
                f"PostgreSQL at {self.name} {_trouble(state)}: {self._words(error)}",
                suggestion="check that it runs and the Airflow connection of [workflows] conn_id",
            )
        return None

    def _words(self, error: BaseException | None) -> str:
        """The reason in one line, free of credentials."""
        reason = str(error.orig if isinstance(error, DBAPIError) else error)
        words = " ".join(reason.split())
        return words.replace(str(self.url.password), "***") if self.url.password else words


def is_passing(error: BaseException) -> bool:
    """Return whether an error of a database may be temporary, so that the same work is worth another try.

    These are errors of the server rather than of the statement: it is unavailable, starting, read-only, out of disk,
    memory or connections, or another transaction was in the way. The error may be of any driver.
    """
    if isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = _state(error)
    if state is not None:
        return state in _PASSING_STATES or state == _LOCKED_STATE or state[:2] in _PASSING_CLASSES
    if not isinstance(error, (OperationalError, InterfaceError)):
        return error.connection_invalidated
    return not any(words in str(error.orig) for words in _LASTING_WORDS)


def _state(error: DBAPIError) -> str | None:
    """Return the SQLSTATE, as psycopg, psycopg2 or asyncpg keeps it."""
    for name in ("sqlstate", "pgcode"):
        found = getattr(error.orig, name, None)
        if isinstance(found, str):
            return found
    return None


def _trouble(state: str | None) -> str:
    """Return in words what keeps a server from working."""
    return "failed for the moment" if state is not None and state[:2] in _BUSY_CLASSES else "could not be reached"
