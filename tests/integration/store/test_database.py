"""A database that is down, silent, busy or not migrated says so soon, in one line, without credentials."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from psycopg import sql
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, ProgrammingError

from airflow_workflow_provider.errors import StoreUnavailable
from airflow_workflow_provider.local.postgres import PostgresServer
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.postgres

SECRET = "s3cret/%@"


def failure(database: Database) -> StoreUnavailable:
    started = time.monotonic()
    with pytest.raises(StoreUnavailable) as caught:
        database.run(lambda connection: connection.execute(text("SELECT 1")))
    # Not the minutes that a connection may take without a limit.
    assert time.monotonic() - started < 60
    error = caught.value
    assert "\n" not in str(error)
    assert SECRET not in f"{error!r} {error.suggestion}"
    assert error.__suppress_context__
    return error


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def url(port: int, password: str = SECRET) -> str:
    base = make_url("postgresql+psycopg2://me@127.0.0.1/db").set(port=port, password=password)
    return base.render_as_string(hide_password=False)


def test_a_database_that_is_down_is_known_at_once() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        error = failure(Database(url(closed.getsockname()[1]), retry_for=0))
    assert "Connection refused" in str(error)
    assert error.suggestion is not None


def test_a_database_that_says_nothing_is_known_within_five_seconds(silent_port: int) -> None:
    error = failure(Database(url(silent_port), connect_timeout=2, retry_for=0))
    assert f"PostgreSQL at 127.0.0.1:{silent_port}/db could not be reached: connection timeout expired" in str(error)


def test_a_connection_is_tried_again_for_a_bounded_time(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as closed, caplog.at_level(logging.WARNING):
        closed.bind(("127.0.0.1", 0))
        failure(Database(url(closed.getsockname()[1]), retry_for=1))
    assert len(caplog.records) >= 2
    assert SECRET not in caplog.text
    assert "\n" not in caplog.records[0].getMessage()


def test_a_refused_password_is_not_tried_again(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    wrong = make_url(database_url).set(password=SECRET)
    error = failure(Database(wrong, retry_for=60))
    assert "password authentication failed" in str(error)
    assert caplog.records == []


def test_a_database_that_does_not_exist(database_url: str) -> None:
    assert 'database "nowhere" does not exist' in str(failure(Database(make_url(database_url).set(database="nowhere"))))


def test_a_server_that_restarts_is_waited_for(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "pg", durable=False)
    try:
        server.start()
        with Database(server.url(), retry_for=30) as database:
            assert database.run(lambda connection: connection.execute(text("SELECT 1")).scalar_one()) == 1
            server.stop()
            server.start()  # on the same port
            with database.begin() as connection:
                assert connection.execute(text("SELECT 1")).scalar_one() == 1
    finally:
        server.remove()


def test_a_statement_that_takes_too_long_is_ended(database_url: str) -> None:
    with Database(database_url, statement_timeout=0.1) as database:
        with pytest.raises(StoreUnavailable, match=r"did not answer within 0\.1 s") as caught, database.begin() as used:
            used.execute(text("SELECT pg_sleep(30)"))
        assert caught.value.code == "store-timeout"


def test_a_deadlock_or_other_passing_failure_is_repeated(database_url: str) -> None:
    attempts: list[int] = []

    def work(connection: object) -> str:
        attempts.append(1)
        if len(attempts) == 1:
            statement = "DO $$ BEGIN RAISE 'made up' USING ERRCODE = '40P01'; END $$"
            connection.execute(text(statement))  # type: ignore[attr-defined]
        return "done"

    with Database(database_url) as database:
        assert database.run(work) == "done"
    assert len(attempts) == 2


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("08006", "store-unavailable"),
        ("25006", "store-read-only"),
        ("25P04", "store-unavailable"),
        ("40001", "store-unavailable"),
        ("40003", "store-unavailable"),
        ("53000", "store-unavailable"),
        ("53100", "store-unavailable"),
        ("53200", "store-unavailable"),
        ("53300", "store-unavailable"),
        ("53400", "store-unavailable"),
        ("55P03", "store-timeout"),
        ("57P01", "store-unavailable"),
        ("57P05", "store-unavailable"),
        ("58030", "store-unavailable"),
    ],
)
def test_trouble_of_the_server_is_waited_out_and_otherwise_called_unavailable(
    database_url: str, state: str, code: str
) -> None:
    attempts: list[int] = []
    statement = text(f"DO $$ BEGIN RAISE 'made up' USING ERRCODE = '{state}'; END $$")

    def work(connection: Connection) -> str:
        attempts.append(1)
        if len(attempts) == 1:
            connection.execute(statement)
        return "done"

    with Database(database_url) as database:
        assert database.run(work) == "done"
        with pytest.raises(StoreUnavailable) as caught, database.begin() as connection:
            connection.execute(statement)
    assert len(attempts) == 2
    assert caught.value.code == code


@pytest.mark.parametrize("state", ["22012", "23505", "42601", "54000", "XX001", "P0001"])
def test_what_a_statement_is_to_blame_for_is_not_tried_again(database_url: str, state: str) -> None:
    attempts: list[int] = []

    def work(connection: Connection) -> None:
        attempts.append(1)
        connection.execute(text(f"DO $$ BEGIN RAISE 'made up' USING ERRCODE = '{state}'; END $$"))

    with Database(database_url) as database, pytest.raises(DBAPIError):
        database.run(work)
    assert len(attempts) == 1


def test_a_server_that_takes_no_writes_for_a_while_is_waited_for_on_other_connections(
    postgres_server: PostgresServer, database_url: str
) -> None:
    """As in a failover: the old primary is read-only, and connections to it stay so."""
    name = make_url(database_url).database
    assert name is not None
    attempts: list[int] = []

    def read_only(value: str) -> None:
        change = "ALTER DATABASE {} SET default_transaction_read_only = {}"
        postgres_server.administer(sql.SQL(change).format(sql.Identifier(name), sql.SQL(value)))

    def work(connection: Connection) -> None:
        attempts.append(1)
        if len(attempts) == 2:
            read_only("off")
        connection.execute(text("UPDATE workflow_definitions SET name = name"))

    read_only("on")
    with Database(database_url) as database:
        database.run(work)
    assert len(attempts) == 3


def test_a_database_without_the_tables_states_what_to_do(empty_database_url: str) -> None:
    with Database(empty_database_url) as database, pytest.raises(StoreUnavailable) as caught:
        Definitions(database).list()
    assert caught.value.code == "store-not-migrated"
    assert caught.value.suggestion == "airflow-workflows db migrate"


def test_other_errors_stay_what_they_are_without_parameters(database_url: str) -> None:
    with Database(database_url) as database:
        with pytest.raises(ProgrammingError) as caught, database.begin() as connection:
            connection.execute(text("SELECT :value::int +"), {"value": SECRET})
        assert SECRET not in str(caught.value)


def test_times_are_in_utc_whatever_the_server_says(database_url: str) -> None:
    with Database(database_url) as database:
        assert database.run(lambda connection: connection.execute(text("SHOW timezone")).scalar_one()) == "UTC"


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_uses_connections_of_its_own(database_url: str) -> None:
    def backend(database: Database) -> int:
        return int(database.run(lambda connection: connection.execute(text("SELECT pg_backend_pid()")).scalar_one()))

    with Database(database_url) as database:
        ours = backend(database)
        child = os.fork()
        if child == 0:
            os._exit(0 if backend(database) != ours else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert backend(database) == ours
