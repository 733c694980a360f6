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
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import NullPool

from airflow_workflow_provider.errors import StoreUnavailable
from airflow_workflow_provider.failpoints import failpoint
from airflow_workflow_provider.settings import Settings, load_settings
from airflow_workflow_provider.store.connection import database_url
from airflow_workflow_provider.store.database_errors import (
    READ_ONLY_STATE,
    is_passing,
    state_of,
    unavailable,
    words_of,
)
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
        if state_of(error) == READ_ONLY_STATE:
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
            "PostgreSQL at %s did not answer (attempt %s): %s",
            self.name,
            state.attempt_number,
            words_of(error, self.url),
        )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeout:
            message = f"All connections to PostgreSQL at {self.name} were in use for too long"
            raise StoreUnavailable(message, code=ProblemCode.STORE_BUSY) from None
        except DBAPIError as error:
            translated = unavailable(error, self.url, self.name, self._statement_timeout)
            if translated is None:
                raise
            # The original error's text names the account; the chain would print it.
            raise translated from None
