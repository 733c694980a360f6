"""Rows that somebody has changed by hand into nonsense: what goes on by itself goes on with all the others."""

from __future__ import annotations

import json
import runpy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from airflow_workflow_provider.bundles.workflow import WorkflowDagBundle
from airflow_workflow_provider.local.configuration import connection_json
from airflow_workflow_provider.model.validate import parse_task
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.deliveries import Deliveries
from airflow_workflow_provider.store.delivering import Deliverer
from airflow_workflow_provider.store.events import Events
from airflow_workflow_provider.store.questions import Questions
from airflow_workflow_provider.store.tasks import Tasks
from airflow_workflow_provider.workers.reminders import Reminder
from tests.support.airflow import CONNECTION
from tests.support.documents import step, workflow
from tests.support.events import Starts, event, triggered
from tests.support.people import ask_all, start
from tests.support.store import document, publish

pytestmark = pytest.mark.postgres

DOCUMENTS: list[Any] = [
    *(None, [], "x", 7, {}, {"steps": 7}, {"steps": []}, {"steps": [{"stepId": []}]}, {"steps": [{"stepId": "a"}]}),
    *({"workflowId": "broken", "triggers": 7}, {"workflowId": "broken", "inputSchema": {"type": 7}, "triggers": [7]}),
]
"""What takes the place of a definition's document."""


def execute(database: Database, statement: str, **values: Any) -> None:
    with database.begin() as connection:
        connection.execute(text(statement), values)


def break_document(database: Database, value: Any) -> None:
    statement = "UPDATE workflow_definition_versions SET document = CAST(:put AS jsonb) WHERE workflow_id = 'broken'"
    execute(database, statement, put=json.dumps(value))


@pytest.mark.parametrize("value", DOCUMENTS, ids=json.dumps)
def test_a_delivery_to_a_definition_that_means_nothing_is_a_dead_letter_and_the_others_start(
    database: Database, value: Any
) -> None:
    triggered(database, "broken", "order.*")
    triggered(database, "fine", "order.*")
    break_document(database, value)
    Events(database).accept([event(data={"n": 1})])
    starts = Starts()
    deliverer = Deliverer(database, starts)
    while deliverer.deliver():
        pass

    assert "fine" in [each.workflow_id for each in starts.starts]
    by_id = {each.workflow_id: each for each in Deliveries(database).list()}
    assert by_id["fine"].status == "started"
    if by_id["broken"].status != "started":
        assert by_id["broken"].reason is not None
        assert "Traceback" not in by_id["broken"].reason["message"]
        assert by_id["broken"].status == "dead", by_id["broken"].reason


@pytest.mark.parametrize("value", DOCUMENTS, ids=json.dumps)
def test_a_definition_that_means_nothing_fails_alone_in_the_bundle(
    database: Database, value: Any, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONNECTION, connection_json(database_url))
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path))
    Tasks(database).publish(
        parse_task({"taskId": "own", "name": "Own", "operator": "noop"}),
        {"taskId": "own", "name": "Own", "operator": "noop"},
    )
    publish(database, document(workflow_id="broken"))
    break_document(database, value)
    publish(database, document(workflow_id="fine"))
    made = WorkflowDagBundle(name="workflows", version=None)
    made.initialize()
    publish(database, document("1.1.0", workflow_id="fine"))
    execute(database, "UPDATE task_definition_versions SET document = CAST(:put AS jsonb)", put=json.dumps(value))
    made.refresh()

    names = runpy.run_path(str(made.path / "workflow-fine.py"))
    assert [each.dag_id for each in names.values() if hasattr(each, "dag_id")] == ["fine"]


def test_a_question_that_means_nothing_keeps_no_other_from_being_reminded_of(database: Database) -> None:
    asking = workflow(
        step(
            "all",
            parallelBranches=[
                {
                    "branchId": name,
                    "steps": [step(name, "approval", arguments={"subject": name, "reminders": ["PT1H"]})],
                }
                for name in ("odd", "fine")
            ],
        )
    )
    questions = {name: each.id for name, each in ask_all(database, start(database, asking)).items()}
    execute(
        database,
        """UPDATE workflow_questions SET plan = '[{"at": 7}]', next_at = now() - interval '2 hours' WHERE id = :id""",
        id=questions["odd"],
    )
    execute(
        database,
        "UPDATE workflow_questions SET next_at = now() - interval '1 minute' WHERE id = :id",
        id=questions["fine"],
    )
    Reminder(database, {}).work(datetime.now(UTC) + timedelta(hours=2))
    assert Questions(database).get(questions["fine"]).plan == []
    assert isinstance(questions["odd"], UUID)
