"""Hosts of components note themselves, at the price of one row that is read."""

from __future__ import annotations

import logging
import socket
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import text

from airflow_workflow_provider import __version__
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.hosts import Host, hosts_seen

pytestmark = pytest.mark.postgres


def work(url: str) -> None:
    """Use the database once, as a new process of a component does."""
    with Database(url, retry_for=0, checked=True, component=True) as database, database.begin() as connection:
        connection.execute(text("SELECT 1"))


def change(url: str, statement: str, **values: str) -> None:
    with Database(url) as database, database.begin() as connection:
        connection.execute(text(statement), values)


def seen(url: str) -> tuple[Host, ...]:
    with Database(url) as database, database.begin() as connection:
        return hosts_seen(connection, timedelta(days=1))


def test_a_component_notes_its_host_and_version(database_url: str) -> None:
    work(database_url)
    (host,) = seen(database_url)
    assert (host.name, host.version) == (socket.gethostname(), __version__)
    assert abs(host.ahead) < timedelta(minutes=1)


def test_commands_note_nothing(database_url: str) -> None:
    with Database(database_url, retry_for=0, checked=True) as database, database.begin() as connection:
        connection.execute(text("SELECT 1"))
    assert seen(database_url) == ()


@pytest.mark.parametrize(("age", "is_noted"), [("1 minute", False), ("6 minutes", True)])
def test_a_host_is_noted_again_after_minutes_only(database_url: str, age: str, is_noted: bool) -> None:
    work(database_url)
    change(database_url, "UPDATE workflow_hosts SET seen_at = now() - CAST(:age AS interval), ahead = '7 h'", age=age)
    work(database_url)
    (host,) = seen(database_url)
    assert (host.ahead < timedelta(hours=7)) is is_noted


def test_hosts_that_are_gone_are_forgotten(database_url: str) -> None:
    change(database_url, "INSERT INTO workflow_hosts VALUES ('gone', '0.0.1', interval '0', now() - interval '25 h')")
    work(database_url)
    with Database(database_url) as database, database.begin() as connection:
        names = connection.execute(text("SELECT host FROM workflow_hosts")).scalars().all()
    assert names == [socket.gethostname()]


def test_a_host_that_may_not_be_noted_works_all_the_same(database_url: str) -> None:
    change(database_url, "ALTER TABLE workflow_hosts ADD CONSTRAINT refuses CHECK (false)")
    work(database_url)
    assert seen(database_url) == ()


def test_a_clock_that_is_wrong_is_said_where_it_is_wrong(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), time_machine.travel(datetime.now(UTC) + timedelta(minutes=5)):
        work(database_url)
    (host,) = seen(database_url)
    assert timedelta(minutes=4) < host.ahead < timedelta(minutes=6)
    assert "The clock of this host and that of the workflow database differ by 300 s" in caplog.text
