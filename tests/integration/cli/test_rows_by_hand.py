"""Commands over rows that somebody has changed by hand into nonsense: words and an exit code, never a traceback."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from airflow_workflow_provider.cli.main import main
from airflow_workflow_provider.model.validate import parse_task
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.events import Events
from airflow_workflow_provider.store.tasks import Tasks
from tests.integration.cli.test_database_commands import connection
from tests.support.documents import step, workflow
from tests.support.events import event
from tests.support.people import start

pytestmark = pytest.mark.postgres

NONSENSE: list[Any] = [None, [7], "x", {"steps": 7}]
OF_DEFINITIONS = ("list", "list --findings", "show example", "versions example", "diff example 1.0.0 1.0.0", "purge")
OF_INSTANCES = ("instances list", "instances show {}", "logs {}", "purge --dry-run")
OF_EVENTS = ("events list", "events deliveries", "events waiting")
COLUMNS = {
    ("workflow_definition_versions", "document"): OF_DEFINITIONS,
    ("workflow_definitions", "steps"): OF_DEFINITIONS,
    ("workflow_definitions", "execution_log"): OF_DEFINITIONS,
    ("task_definition_versions", "document"): OF_DEFINITIONS,
    ("workflow_instances", "state"): OF_INSTANCES,
    ("workflow_instances", "input"): OF_INSTANCES,
    ("workflow_instances", "output"): OF_INSTANCES,
    ("workflow_instances", "error"): OF_INSTANCES,
    ("workflow_execution_logs", "data"): OF_INSTANCES,
    ("workflow_execution_logs", "metadata"): OF_INSTANCES,
    ("workflow_execution_logs", "actor"): OF_INSTANCES,
    ("workflow_events", "data"): OF_EVENTS,
    ("workflow_events", "attributes"): OF_EVENTS,
    ("workflow_event_deliveries", "reason"): OF_EVENTS,
}
"""Which commands read which columns."""


@pytest.fixture
def instance(database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch) -> UUID:
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", connection(database_url))
    document = {"taskId": "own", "name": "Own", "operator": "noop"}
    Tasks(database).publish(parse_task(document), document)
    listening = workflow(step("a", "own"), step("b"), triggers=[{"eventPattern": "order.*"}])
    made = start(database, listening, {"n": 1})
    Events(database).accept([event(data={"n": 1})])
    return made


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_every_command_states_what_is_wrong_and_where(
    database: Database, instance: UUID, capsys: pytest.CaptureFixture[str], table: str, column: str
) -> None:
    for value in NONSENSE:
        with database.begin() as session:
            change = f"UPDATE {table} SET {column} = CAST(:put AS jsonb)"  # noqa: S608 - ours
            session.execute(text(change), {"put": json.dumps(value)})
        for command in (each.format(instance).split() for each in COLUMNS[table, column]):
            for output in ([], ["--output", "json" if command[0] != "logs" else "jsonl"]):
                code = main([*command, *output])
                shown = capsys.readouterr()
                assert code in (0, 1, 2), (value, command)
                assert "Traceback" not in shown.err + shown.out, (value, command)
                assert code == 0 or shown.err + shown.out, (value, command)
                for line in shown.out.splitlines() if output and command[0] == "logs" else [shown.out] * bool(output):
                    assert code != 0 or json.loads(line, parse_constant=pytest.fail) is not None
