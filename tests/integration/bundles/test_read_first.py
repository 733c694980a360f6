"""What has changed is read before all that the dag-processor is about to read."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from airflow.dag_processing.manager import DagFileProcessorManager
from sqlalchemy.exc import OperationalError

from airflow_workflow_provider.airflow_db import parsing
from airflow_workflow_provider.bundles import workflow
from airflow_workflow_provider.bundles.workflow import WorkflowDagBundle
from airflow_workflow_provider.dag.grouped import group_file
from airflow_workflow_provider.store.database import Database
from tests.support.store import document, publish

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]


@pytest.fixture
def made(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, airflow_in_process: object
) -> WorkflowDagBundle:
    """A bundle of which the dag-processor knows two workflows: one with a file, one in that of a group."""
    del airflow_in_process
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path))
    monkeypatch.setattr(workflow, "OWN_FILES", 1)
    for name in ("alone", "grouped"):
        publish(database, document(workflow_id=name))
    found = WorkflowDagBundle(name="workflows")
    found.initialize()
    found.refresh()
    return found


def unavailable() -> None:
    statement = "SELECT 1"
    raise OperationalError(statement, {}, ConnectionError())


def asked_for(bundle: WorkflowDagBundle) -> list[str]:
    """Return the files that Airflow's dag-processor would read next, each of which it forgets then."""
    manager = DagFileProcessorManager(max_runs=1)
    manager._dag_bundles = [bundle]
    found = manager.claim_priority_files()
    assert all(Path(file.absolute_path).exists() for file in found)
    return sorted(str(file.rel_path) for file in found)


def test_the_files_of_changed_workflows_are_asked_for_once(made: WorkflowDagBundle, database: Database) -> None:
    assert asked_for(made) == []
    for version in ("1.1.0", "1.2.0"):
        publish(database, document(version, workflow_id="alone"))
        publish(database, document(version, workflow_id="grouped"))
        made.refresh()

    assert asked_for(made) == ["workflow-alone.py", group_file("grouped")]
    made.refresh()
    assert asked_for(made) == []


def test_many_changes_are_read_in_airflows_own_order(
    made: WorkflowDagBundle, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "READ_FIRST", 1)
    for name in ("alone", "grouped"):
        publish(database, document("1.1.0", workflow_id=name))
    made.refresh()

    assert asked_for(made) == []


def test_what_cannot_be_asked_for_is_no_error(
    made: WorkflowDagBundle, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(parsing, "create_session", unavailable)
    publish(database, document("1.1.0", workflow_id="alone"))
    with caplog.at_level(logging.WARNING):
        made.refresh()

    assert "in its own order" in caplog.text
    assert "1.1.0" in (made.path / "workflow-alone.py").read_text()
