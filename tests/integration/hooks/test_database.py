"""The connection type ``workflows``: what testing a connection answers."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import pytest
from airflow.models.connection import Connection
from sqlalchemy import text

from airflow_workflow_provider.hooks.database import WorkflowsHook
from airflow_workflow_provider.local.configuration import connection_json
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.tables import VERSION_TABLE

pytestmark = pytest.mark.postgres

PASSWORD = "of-nobody"


def answer_of(url: str, monkeypatch: pytest.MonkeyPatch, **changed: object) -> tuple[bool, str]:
    """Test a connection as Airflow's api-server does: under a name of its own, as a URI in the environment."""
    parts = urlsplit(url)
    fields = {
        "host": parts.hostname,
        "port": parts.port,
        "login": parts.username,
        "password": parts.password,
        "schema": parts.path.removeprefix("/"),
    }
    connection = Connection(conn_id="made_up", conn_type="workflows", **{**fields, **changed})
    monkeypatch.setenv("AIRFLOW_CONN_MADE_UP", connection.get_uri())
    return connection.test_connection()


def test_a_workflow_database_works(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    works, message = answer_of(database_url, monkeypatch, extra='{"sslmode": "prefer"}')
    assert works
    assert message.startswith("PostgreSQL ")
    assert "up to date at 0" in message


def test_a_database_without_tables_names_the_command(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    works, message = answer_of(empty_database_url, monkeypatch)
    assert not works
    assert "migrations pending" in message
    assert message.endswith("run 'airflow-workflows db migrate'")


def test_tables_of_a_newer_version_are_said(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Database(database_url) as database, database.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))  # noqa: S608
    works, message = answer_of(database_url, monkeypatch)
    assert not works
    assert "newer version of this package" in message


def test_a_standby_is_said(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = '{"options": "-c default_transaction_read_only=on"}'
    works, message = answer_of(database_url, monkeypatch, extra=extra)
    assert (works, "is read-only" in message) == (False, True)


def test_an_account_without_rights_is_said(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Database(database_url) as database, database.begin() as connection:
        connection.execute(text(f"CREATE ROLE nobody_here LOGIN PASSWORD '{PASSWORD}'"))
        connection.execute(text(f"GRANT SELECT ON {VERSION_TABLE} TO nobody_here"))
    try:
        works, message = answer_of(database_url, monkeypatch, login="nobody_here", password=PASSWORD)
        assert not works
        assert "this account may not read " in message
        assert "workflow_instances" in message
        assert PASSWORD not in message
    finally:
        with Database(database_url) as database, database.begin() as connection:
            connection.execute(text("DROP OWNED BY nobody_here"))
            connection.execute(text("DROP ROLE nobody_here"))


def test_a_server_that_does_not_answer_is_said_without_the_password(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    works, message = answer_of(database_url, monkeypatch, host="127.0.0.2", password=PASSWORD)
    assert not works
    assert "127.0.0.2" in message
    assert PASSWORD not in message


def test_components_use_a_connection_of_this_type(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = connection_json(database_url).replace('"postgres"', '"workflows"', 1)
    assert '"conn_type": "workflows"' in given
    monkeypatch.setitem(os.environ, "AIRFLOW_CONN_WORKFLOWS_DEFAULT", given)
    with Database.configured(retry_for=0) as database:
        assert Definitions(database).highest_revision() == 0
    with WorkflowsHook().get_conn() as database:
        assert Definitions(database).highest_revision() == 0
