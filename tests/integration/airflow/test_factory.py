"""Every stored workflow in one DAG file."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from airflow_workflow_provider.dag.factory import generate_dags
from airflow_workflow_provider.errors import StoreUnavailable
from airflow_workflow_provider.local.configuration import connection_json
from airflow_workflow_provider.model.validate import parse_definition, parse_task
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.tasks import Tasks

pytestmark = pytest.mark.postgres

FILE = Path(__file__).parents[3] / "dags" / "workflow_factory.py"


@pytest.fixture
def database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", connection_json(database_url))
    database = Database(database_url)
    task = {"taskId": "greet", "name": "Greet", "operator": "set", "arguments": {"text": "hello"}}
    Tasks(database).publish(parse_task(task), task)
    for workflow_id, task_id in (("first", "greet"), ("broken", "nowhere"), ("second", "noop")):
        document = {
            "workflowId": workflow_id, "name": workflow_id, "version": "1.0.0",
            "steps": [{"stepId": "a", "taskId": task_id}],
        }  # fmt: skip
        Definitions(database).publish(parse_definition(document, checked=False), document)
    return database


def dag_ids(namespace: dict[str, Any]) -> set[str]:
    return {
        found.dag_id for name, found in namespace.items() if name.startswith("workflow_") and hasattr(found, "dag_id")
    }


@pytest.mark.usefixtures("database")
def test_every_workflow_is_a_dag_and_a_broken_one_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    assert dag_ids(runpy.run_path(str(FILE))) == {"first", "second", "workflow_maintenance"}
    assert "'broken'" in caplog.text


@pytest.mark.usefixtures("database")
def test_a_task_that_runs_needs_its_own_dag_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "second")
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_TASK_ID", "a")
    namespace: dict[str, Any] = {}
    generate_dags(namespace)
    assert dag_ids(namespace) == {"second"}


@pytest.mark.usefixtures("database")
def test_l3_maintenance_comes_along_unless_it_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__MAINTENANCE_SCHEDULE", "")
    assert dag_ids(runpy.run_path(str(FILE))) == {"first", "second"}
    monkeypatch.undo()
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "workflow_maintenance")
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_TASK_ID", "purge_events")
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", "postgresql://nobody@127.0.0.1:1/none")
    namespace: dict[str, Any] = {}
    generate_dags(namespace)
    assert dag_ids(namespace) == {"workflow_maintenance"}


def test_a_database_that_is_down_is_the_files_import_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", "postgres://nobody:secret@127.0.0.1:1/none")
    with pytest.raises(StoreUnavailable) as caught:
        generate_dags({})
    assert "secret" not in str(caught.value)
