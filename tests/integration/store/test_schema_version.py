"""No component works with tables of another version without complaint; one version before goes on during an update."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from sqlalchemy import text

from airflow_workflow_provider.errors import StoreUnavailable
from airflow_workflow_provider.local.configuration import connection_json
from airflow_workflow_provider.store import database as module
from airflow_workflow_provider.store import migrate, schema_version
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.tables import VERSION_TABLE

pytestmark = pytest.mark.postgres

FOLDER = migrate.migrations_folder() / "versions"
NUMBERS = sorted(path.name[:4] for path in FOLDER.glob("0*.py"))
ADDING = {"add_column", "create_table", "create_index", "execute", "f"}


def read(url: str) -> int:
    with Database(url, retry_for=0, checked=True) as database:
        return Definitions(database).highest_revision()


def at(url: str, number: str, comment: str | None = None) -> None:
    """Have the tables be those of another version of the package, as far as it says."""
    with Database(url) as database, database.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '{number}'"))  # noqa: S608
        if comment is not None:
            connection.execute(text(f"COMMENT ON TABLE {VERSION_TABLE} IS '{comment}'"))


def test_the_newest_migration_is_the_one_that_components_ask_for() -> None:
    assert NUMBERS[-1] == schema_version.SCHEMA


def test_the_tables_of_this_version_are_fine(database_url: str) -> None:
    assert read(database_url) == 0


@pytest.mark.parametrize("number", [NUMBERS[0], NUMBERS[-2]])
def test_older_tables_are_refused_with_a_suggestion(database_url: str, number: str) -> None:
    at(database_url, number)
    with pytest.raises(StoreUnavailable, match=f"migration {number}; this version needs") as refused:
        read(database_url)
    assert (refused.value.code, refused.value.suggestion) == ("store-not-migrated", "airflow-workflows db migrate")


def test_no_tables_at_all_are_refused(empty_database_url: str) -> None:
    with pytest.raises(StoreUnavailable) as refused:
        read(empty_database_url)
    assert refused.value.code == "store-not-migrated"


@pytest.mark.parametrize("comment", ["", "Compatible with components from migration 0099", "whatever 1"])
def test_newer_tables_are_refused_unless_they_say_that_this_version_works(database_url: str, comment: str) -> None:
    at(database_url, "0099", comment)
    with pytest.raises(StoreUnavailable, match="are at migration 0099; this version knows them up to") as refused:
        read(database_url)
    assert refused.value.code == "store-too-new"


def test_one_version_before_continues_with_the_tables_of_the_next(database_url: str) -> None:
    at(database_url, "0099", f"Compatible with components from migration {schema_version.SCHEMA}")
    assert read(database_url) == 0


def test_components_of_the_version_before_continue_with_the_tables_of_this_one(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema_version, "SCHEMA", schema_version.COMPATIBLE_FROM)
    assert read(database_url) == 0
    before = f"{int(schema_version.COMPATIBLE_FROM) - 1:04}"
    monkeypatch.setattr(schema_version, "SCHEMA", before)
    with pytest.raises(StoreUnavailable) as refused:
        read(database_url)
    assert refused.value.code == "store-too-new"


def test_a_component_that_runs_notices_a_migration(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SCHEMA_CHECK", 0.0)
    with Database(database_url, retry_for=0, checked=True) as database:
        assert Definitions(database).highest_revision() == 0
        at(database_url, "0099", "")
        with pytest.raises(StoreUnavailable), database.begin():
            pass


@pytest.mark.parametrize("number", [each for each in NUMBERS if each > schema_version.COMPATIBLE_FROM])
def test_migrations_that_the_version_before_works_with_only_add(number: str) -> None:
    (file,) = FOLDER.glob(f"{number}_*.py")
    tree = ast.parse(file.read_text())
    upgrade = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "upgrade")
    calls = [node for node in ast.walk(upgrade) if isinstance(node, ast.Call)]
    done = {call.func.attr for call in calls if ast.unparse(call.func).startswith("op.") and hasattr(call.func, "attr")}
    assert done <= ADDING, done
    for call in calls:
        if ast.unparse(call.func) == "op.add_column":
            column = ast.unparse(call.args[1])
            assert "server_default=" in column or not re.search(r"nullable=False", column), column


@pytest.mark.parametrize("way", ["configured", "session", "cli"])
def test_every_component_asks(way: str, empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_workflow_provider.cli.access import open_database
    from airflow_workflow_provider.instances.configured import configured_database

    migrate.upgrade(empty_database_url)
    at(empty_database_url, "0099", "")
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", connection_json(empty_database_url))
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__INFRASTRUCTURE_PATIENCE", "PT0S")
    made = {
        "configured": lambda: Database.configured(retry_for=0),
        "session": configured_database,
        "cli": open_database,
    }[way]()
    with made as database, pytest.raises(StoreUnavailable) as refused:
        Definitions(database).highest_revision()
    assert refused.value.code == "store-too-new"


def test_no_component_reaches_the_tables_without_asking() -> None:
    """Only what migrates, and what works on a database that it is given, may."""
    package = Path(module.__file__).parents[1]
    free = {"store/migrate.py", "store/database.py", "cli/demo.py"}
    for file in package.rglob("*.py"):
        if str(file.relative_to(package)) in free:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Database":
                assert any(keyword.arg == "checked" for keyword in node.keywords), f"{file}:{node.lineno}"
