"""The bundle against a real PostgreSQL: only what changed is written, and nothing is lost when the database is away."""

from __future__ import annotations

import logging
import os
import runpy
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from airflow_workflow_provider.bundles.workflow import WorkflowDagBundle
from airflow_workflow_provider.errors import StoreUnavailable
from airflow_workflow_provider.local.configuration import connection_json
from airflow_workflow_provider.model.validate import parse_task
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.tasks import Tasks
from tests.support.airflow import CONNECTION
from tests.support.store import document, publish

pytestmark = pytest.mark.postgres

NO_SERVER = "postgresql://somebody:hidden-word@127.0.0.1:1/none"


@pytest.fixture
def storage(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CONNECTION, connection_json(database_url))
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path))
    return tmp_path


def bundle(version: str | None = None) -> WorkflowDagBundle:
    made = WorkflowDagBundle(name="workflows", version=version)
    made.initialize()
    return made


def files(made: WorkflowDagBundle) -> dict[str, int]:
    """Return the files of workflows."""
    return {path.name: path.stat().st_mtime_ns for path in sorted(made.path.glob("workflow-*.py"))}


def current(made: WorkflowDagBundle) -> int:
    version = made.get_current_version()
    assert version is not None
    return int(version.version)


@pytest.mark.usefixtures("storage")
def test_a_file_a_workflow_and_only_changed_files_are_written(database: Database) -> None:
    publish(database, document(workflow_id="first"))
    publish(database, document(workflow_id="second"))
    made = bundle()
    before = files(made)
    assert list(before) == ["workflow-first.py", "workflow-second.py"]
    assert current(made) == 2

    publish(database, document("1.1.0", workflow_id="second"))
    made.refresh()
    after = files(made)
    assert current(made) == 3
    assert after["workflow-first.py"] == before["workflow-first.py"]
    assert after["workflow-second.py"] != before["workflow-second.py"]


@pytest.mark.usefixtures("storage")
def test_what_a_restored_database_does_not_know_any_more_is_not_run(database: Database) -> None:
    publish(database, document(workflow_id="first"))
    made = bundle()
    before = files(made)
    publish(database, document("1.1.0", workflow_id="first"))
    publish(database, document(workflow_id="second"))
    made.refresh()
    changed = (made.path / "workflow-first.py").read_text()
    with database.begin() as connection:
        for table in ("workflow_definition_versions", "workflow_definitions"):
            connection.execute(text(f"DELETE FROM {table} WHERE workflow_id = 'second'"))  # noqa: S608 - a fixed name
        connection.execute(text("DELETE FROM workflow_definition_versions WHERE revision > 1"))
        connection.execute(text("UPDATE workflow_definitions SET revision = 1, version = '1.0.0'"))
    made.refresh()
    assert current(made) == 1
    assert list(files(made)) == list(before)
    assert (made.path / "workflow-first.py").read_text() != changed


@pytest.mark.usefixtures("storage")
def test_what_is_published_during_a_look_belongs_to_the_next_version(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(database, document(workflow_id="first"))
    made = bundle()
    publish(database, document(workflow_id="second"))
    changed_since = Definitions.changed_since

    def publish_meanwhile(self: Definitions, revision: int) -> Any:
        publish(database, document(workflow_id="third"))
        return changed_since(self, revision)

    with monkeypatch.context() as patch:
        patch.setattr(Definitions, "changed_since", publish_meanwhile)
        made.refresh()
    assert (current(made), list(files(made))) == (2, ["workflow-first.py", "workflow-second.py"])
    made.refresh()
    assert (current(made), list(files(made))[-1]) == (3, "workflow-third.py")


@pytest.mark.usefixtures("storage")
def test_a_changed_task_is_written_into_the_workflows_that_use_it(database: Database) -> None:
    task: dict[str, Any] = {"taskId": "greet", "name": "Greet", "operator": "set", "arguments": {"a": 1}}
    Tasks(database).publish(parse_task(task), task)
    publish(database, document(workflow_id="uses", steps=[{"stepId": "a", "taskId": "greet"}]))
    publish(database, document(workflow_id="other"))
    made = bundle()
    before = files(made)

    changed = {**task, "arguments": {"a": 2}}
    Tasks(database).publish(parse_task(changed), changed)
    made.refresh()
    after = files(made)
    assert after["workflow-other.py"] == before["workflow-other.py"]
    assert '"a": 2' in (made.path / "workflow-uses.py").read_text(encoding="utf-8")


@pytest.mark.usefixtures("storage")
def test_a_version_shows_what_was_published_then_and_only_the_dag_that_runs(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(database, document(workflow_id="first"))
    publish(database, document(workflow_id="second"))
    publish(database, document("2.0.0", workflow_id="first"))
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "first")
    old = bundle("2")
    assert list(files(old)) == ["workflow-first.py"]
    assert '"1.0.0"' in (old.path / "workflow-first.py").read_text(encoding="utf-8")
    assert old.path == old.versions_dir / "2"

    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "second")
    bundle("2")
    assert list(files(old)) == ["workflow-first.py", "workflow-second.py"]


@pytest.mark.usefixtures("storage")
def test_without_the_database_the_last_files_stay(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    publish(database, document(workflow_id="first"))
    made = bundle()
    before = files(made)
    monkeypatch.setenv(CONNECTION, NO_SERVER)
    with caplog.at_level(logging.WARNING):
        made.refresh()
        restarted = bundle()
    assert files(restarted) == before
    assert current(made) == current(restarted) == 1
    assert "stay as they were" in caplog.text
    assert "hidden-word" not in caplog.text
    assert restarted.is_initialized


@pytest.mark.usefixtures("storage")
def test_a_version_that_is_not_here_needs_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONNECTION, NO_SERVER)
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__INFRASTRUCTURE_PATIENCE", "PT0S")
    with pytest.raises(StoreUnavailable):
        bundle("1")


@pytest.mark.usefixtures("storage")
def test_a_definition_broken_in_the_database_is_its_own_file_and_no_other(database: Database) -> None:
    publish(database, document(workflow_id="good"))
    publish(database, document(workflow_id="broken"))
    statement = "update workflow_definition_versions set document = '{\"steps\": 7}' where workflow_id = 'broken'"
    with database.begin() as connection:
        connection.execute(text(statement))
    made = bundle()
    assert list(files(made)) == ["workflow-broken.py", "workflow-good.py"]


@pytest.mark.usefixtures("storage")
def test_no_secret_gets_into_a_file(database: Database, database_url: str) -> None:
    publish(database, document(workflow_id="first"))
    made = bundle()
    password = database_url.split(":")[2].split("@", maxsplit=1)[0]
    assert len(password) > 8
    for folder, _, names in os.walk(made.base_dir):
        for name in names:
            assert password not in (Path(folder) / name).read_text(encoding="utf-8")


def parsed(made: WorkflowDagBundle) -> list[str]:
    """Return the ids of the DAGs in the maintenance file."""
    namespace = runpy.run_path(str(made.path / "workflow_maintenance.py"))
    return [found.dag_id for name, found in namespace.items() if name == "dag"]


def test_l3_maintenance_comes_with_the_bundle_without_a_database(
    storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONNECTION, connection_json(NO_SERVER))
    made = bundle()
    assert made.path.is_relative_to(storage)
    assert parsed(made) == ["workflow_maintenance"]
    text_of_file = (made.path / "workflow_maintenance.py").read_text()
    assert "airflow" in text_of_file.lower()  # what Airflow's safe mode looks for
    assert "dag" in text_of_file


@pytest.mark.usefixtures("storage")
def test_l3_it_can_be_left_out_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    bundle()
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__MAINTENANCE_SCHEDULE", "")
    assert not (bundle().path / "workflow_maintenance.py").exists()
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__MAINTENANCE_SCHEDULE", "@hourly")
    assert parsed(bundle()) == ["workflow_maintenance"]


def test_l3_its_tasks_need_no_workflow_and_those_of_workflows_not_it(
    storage: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(database, document(workflow_id="first"))
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_TASK_ID", "a")
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "first")
    assert list(files(bundle("1"))) == ["workflow-first.py"]
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "workflow_maintenance")
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(storage / "another worker"))
    monkeypatch.setenv(CONNECTION, connection_json(NO_SERVER))
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__MAINTENANCE_SCHEDULE", "")
    made = bundle("1")
    assert parsed(made) == ["workflow_maintenance"]
    assert files(made) == {}
