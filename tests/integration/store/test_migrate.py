"""The migrations, on a real server: up from nothing, down to nothing, and equal to the tables in the code."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import make_url

from airflow_workflow_provider.errors import Misuse, StoreUnavailable
from airflow_workflow_provider.store import migrate
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.tables import metadata

if TYPE_CHECKING:
    from airflow_workflow_provider.local.postgres import PostgresServer

pytestmark = pytest.mark.postgres

TRAPS = "p%40:@/ '\"?#&=+ü[]{}$x;\\"


def execute(url: str, *statements: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def test_an_empty_database_is_upgraded_and_then_equals_the_models(empty_database_url: str) -> None:
    before = migrate.check(empty_database_url)
    shipped = tuple(sorted(path.name[:4] for path in (migrate.migrations_folder() / "versions").glob("0*.py")))
    assert (before.current, before.pending, before.ok) == (None, shipped, False)
    assert f"pending: {', '.join(shipped)} (now at nothing)" in before.summary

    after = migrate.upgrade(empty_database_url)

    assert after.ok
    assert after.drift == ()
    assert migrate.check(empty_database_url) == after
    assert migrate.upgrade(empty_database_url) == after  # again is fine


def test_a_downgrade_to_base_leaves_nothing(empty_database_url: str) -> None:
    migrate.upgrade(empty_database_url)
    migrate.downgrade(empty_database_url)
    engine = create_engine(empty_database_url)
    with engine.connect() as connection:
        left = connection.execute(
            text(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                " UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace"
            )
        ).all()
    engine.dispose()
    assert left == []
    assert migrate.upgrade(empty_database_url).ok


def test_the_names_that_people_query_by(database_url: str) -> None:
    engine = create_engine(database_url)
    look = inspect(engine)
    indexes = {
        index["name"]: (
            index["unique"],
            index["column_names"],
            index.get("dialect_options", {}).get("postgresql_using"),
        )
        for table in ("workflow_definitions", "workflow_instances")
        for index in look.get_indexes(table)
    }
    columns = [column["name"] for column in look.get_columns("workflow_instances")]
    types = {column["name"]: str(column["type"]) for column in look.get_columns("workflow_definitions")}
    timestamps = [
        column
        for table in metadata.tables
        for column in look.get_columns(table)
        if "TIMESTAMP" in str(column["type"]) and not getattr(column["type"], "timezone", False)
    ]
    engine.dispose()
    assert indexes["workflow_definitions_workflow_id_idx"][:2] == (True, ["workflow_id"])
    assert indexes["workflow_definitions_triggers_idx"][1:] == (["triggers"], "gin")
    assert indexes["workflow_instances_status_idx"][1] == ["status"]
    assert indexes["workflow_instances_correlation_idx"][1] == ["correlation_id"]
    assert indexes["workflow_instances_definition_idx"][1] == ["workflow_definition_id"]
    assert columns[:12] == [
        "id", "workflow_definition_id", "status", "current_step_id", "input", "state", "error", "trigger_event_id",
        "started_at", "updated_at", "completed_at", "correlation_id",
    ]  # fmt: skip
    assert types | {
        "id": "UUID", "workflow_id": "VARCHAR(255)", "name": "VARCHAR(255)", "description": "TEXT",
        "version": "VARCHAR(50)", "input_schema": "JSONB", "triggers": "JSONB", "steps": "JSONB",
        "ui_components": "JSONB", "execution_log": "JSONB",
    } == types  # fmt: skip
    assert timestamps == []


def test_two_processes_upgrade_at_once(empty_database_url: str) -> None:
    code = (
        "import sys; from airflow_workflow_provider.store.migrate import upgrade; upgrade(sys.stdin.readline().strip())"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write(empty_database_url + "\n")
        process.stdin.flush()
    results = [process.communicate(timeout=60)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0], results
    assert migrate.check(empty_database_url).ok


def test_other_tables_in_the_same_database_are_left_alone(empty_database_url: str) -> None:
    execute(empty_database_url, "CREATE TABLE dag_run (id int)", "CREATE TABLE alembic_version (version_num text)")
    assert migrate.upgrade(empty_database_url).ok
    migrate.downgrade(empty_database_url)
    engine = create_engine(empty_database_url)
    assert sorted(inspect(engine).get_table_names()) == ["alembic_version", "dag_run"]
    engine.dispose()


def test_drift_is_named(database_url: str) -> None:
    execute(
        database_url,
        "DROP INDEX workflow_instances_status_idx",
        "ALTER TABLE workflow_definitions DROP COLUMN settings",
        "ALTER TABLE workflow_definitions ALTER COLUMN version TYPE text",
        "DROP SEQUENCE workflow_revision_seq",
        "DROP TABLE workflow_event_deliveries",
    )
    state = migrate.check(database_url)
    assert not state.ok
    assert set(state.drift) == {
        "table workflow_event_deliveries is missing",
        "index workflow_event_deliveries.workflow_event_deliveries_due_idx is missing",
        "index workflow_event_deliveries.workflow_event_deliveries_status_idx is missing",
        "column workflow_definitions.settings is missing",
        "type of workflow_definitions.version is different",
        "index workflow_instances.workflow_instances_status_idx is missing",
        "sequence workflow_revision_seq is missing",
    }


def test_a_database_of_a_newer_version_is_not_touched(database_url: str) -> None:
    execute(database_url, "UPDATE workflow_alembic_version SET version_num = '9999'")
    for action in (migrate.upgrade, migrate.check, migrate.downgrade):
        with pytest.raises(Misuse, match="9999") as caught:
            action(database_url)
        assert caught.value.suggestion == "was it migrated by a newer version of this package?"


def test_a_migration_that_finds_the_tables_locked_gives_up(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", "50ms")
    with Database(database_url, pooled=False).begin() as other:
        other.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": migrate.LOCK_KEY})
        with pytest.raises(StoreUnavailable, match="in use for more than 50ms"):
            migrate.upgrade(database_url)


@pytest.fixture
def trapped_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A database, a user and a password full of characters that mean something in URLs, ini files and shells."""
    name = "tr%p @:/'\"x"
    admin = postgres_server.url()
    quoted = name.replace('"', '""')
    literal = TRAPS.replace("'", "''")
    engine = create_engine(admin, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE USER \"{quoted}\" PASSWORD '{literal}'".replace("%", "%%"))
        connection.exec_driver_sql(f'CREATE DATABASE "{quoted}" OWNER "{quoted}"'.replace("%", "%%"))
        yield make_url(admin).set(username=name, password=TRAPS, database=name).render_as_string(hide_password=False)
        connection.exec_driver_sql(f'DROP DATABASE "{quoted}" WITH (FORCE)'.replace("%", "%%"))
        connection.exec_driver_sql(f'DROP USER "{quoted}"'.replace("%", "%%"))
    engine.dispose()


def test_a_password_full_of_quoting_traps(trapped_url: str) -> None:
    assert migrate.upgrade(trapped_url).ok
    assert migrate.check(trapped_url).ok
    wrong = make_url(trapped_url).set(password=TRAPS + "x")
    with pytest.raises(StoreUnavailable, match="authentication failed") as caught:
        migrate.upgrade(wrong)
    assert TRAPS not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
