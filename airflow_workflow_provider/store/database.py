"""The one way to PostgreSQL: a small pool, bounded waiting, and retries of what may pass."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Self, TypeVar

import psycopg
import tenacity
from sqlalchemy import URL, Connection, Engine, create_engine, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import NullPool

from airflow_workflow_provider.errors import StoreUnavailable
from airflow_workflow_provider.settings import Settings, load_settings
from airflow_workflow_provider.store.connection import database_url
from airflow_workflow_provider.store.jsontext import dumps, loads

T = TypeVar("T")

log = logging.getLogger(__name__)

DRIVER: Final = "postgresql+psycopg"
APPLICATION: Final = "airflow-workflows"
IDLE_IN_TRANSACTION: Final = 60
"""Seconds after which the server ends a transaction in which nothing happens."""

# Idle for too long, serialization failure, deadlock, too many connections, server shut down, crashed or not up yet.
_PASSING_STATES: Final = frozenset({"25P03", "40001", "40P01", "53300", "57P01", "57P02", "57P03"})
_CONNECTION_CLASS: Final = "08"
# The server says these while a connection is made, and psycopg gives no SQLSTATE for them.
_LASTING_WORDS: Final = ("authentication failed", "does not exist", "pg_hba.conf", "SSL", "certificate")
_TIMEOUT_STATES: Final = frozenset({"57014", "55P03"})
_REFUSED_STATE: Final = "42501"
_MISSING_STATES: Final = frozenset({"42P01", "42703", "3F000"})


class Database:
    """A PostgreSQL database, reached when first used.

    :param url: SQLAlchemy URL; the driver is always psycopg 3
    :param connect_timeout: seconds for making one connection
    :param statement_timeout: seconds for one statement; 0 for no bound
    :param retry_for: seconds for which failures of the connection are retried; 0 for one attempt
    :param pooled: False opens a connection for each transaction and closes it after
    """

    def __init__(
        self,
        url: str | URL,
        *,
        connect_timeout: int = 3,
        statement_timeout: float = 30,
        retry_for: float = 30,
        pooled: bool = True,
    ) -> None:
        self.url = make_url(url).set(drivername=DRIVER)
        self._connect_timeout = connect_timeout
        self._statement_timeout = statement_timeout
        self._retry_for = retry_for
        self._pooled = pooled
        self._engine: Engine | None = None
        self._process = os.getpid()

    @classmethod
    def configured(
        cls, settings: Settings | None = None, *, retry_for: float | None = None, maintenance: bool = False
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

    def _create_engine(self) -> Engine:
        options = [str(self.url.query.get("options", ""))]
        options += [f"-c statement_timeout={round(self._statement_timeout * 1000)}", "-c timezone=UTC"]
        # A worker that hangs inside a transaction must not hold an instance's lock for ever.
        options += [f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION * 1000}"]
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
                "options": " ".join(options).strip(),
                "application_name": APPLICATION,
                # A server that vanished without a word is noticed by the kernel, not by waiting for ever.
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 3,
                "tcp_user_timeout": 20_000,
            },
            **pool,
        )

    def close(self) -> None:
        """Close the idle connections; the database can be used again afterwards."""
        if self._engine is not None:
            self.engine.dispose()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction: committed at the end, rolled back on an exception.

        Making the connection is retried; what is done with it is not, because only the caller can repeat it.

        :raises StoreUnavailable: when the database is not reached, does not answer in time or is not migrated
        """
        with self._translated():
            connection = self._retrying()(self.engine.connect)
            with connection, connection.begin():
                yield connection

    def run(self, work: Callable[[Connection], T]) -> T:
        """Do ``work`` in one transaction, again from its start when the connection fails or a deadlock is broken.

        A connection can be lost in the moment of the commit: ``work`` may then be done twice, and has to be an
        idempotent write.

        :raises StoreUnavailable: as in :meth:`begin`
        """

        def attempt() -> T:
            with self.engine.begin() as connection:
                return work(connection)

        with self._translated():
            return self._retrying()(attempt)

    def _retrying(self) -> tenacity.Retrying:
        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(_may_pass),
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
            raise StoreUnavailable(message, code="store-busy") from None
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
                code="store-not-migrated",
                suggestion="airflow-workflows db migrate",
            )
        if state == _REFUSED_STATE:
            return StoreUnavailable(
                f"The role {self.url.username!r} may not do this in the database at {self.name}: {self._words(error)}",
                code="store-not-permitted",
                suggestion="connect by the role of this component; airflow-workflows db roles gives the rights",
            )
        if state in _TIMEOUT_STATES:
            message = f"PostgreSQL at {self.name} did not answer within {self._statement_timeout:g} s"
            return StoreUnavailable(message, code="store-timeout", suggestion="see [workflows] statement_timeout")
        if _may_pass(error) or (state is None and isinstance(error, (OperationalError, InterfaceError))):
            return StoreUnavailable(
                f"PostgreSQL at {self.name} could not be reached: {self._words(error)}",
                suggestion="check that it runs and the Airflow connection of [workflows] conn_id",
            )
        return None

    def _words(self, error: BaseException | None) -> str:
        """The reason in one line, free of credentials."""
        reason = str(error.orig if isinstance(error, DBAPIError) else error)
        words = " ".join(reason.split())
        return words.replace(str(self.url.password), "***") if self.url.password else words


def _state(error: DBAPIError) -> str | None:
    return error.orig.sqlstate if isinstance(error.orig, psycopg.Error) else None


def _may_pass(error: BaseException) -> bool:
    if not isinstance(error, DBAPIError):
        return False
    state = _state(error)
    if state is not None:
        return state in _PASSING_STATES or state.startswith(_CONNECTION_CLASS)
    if not isinstance(error, (OperationalError, InterfaceError)):
        return error.connection_invalidated
    return not any(words in str(error.orig) for words in _LASTING_WORDS)
