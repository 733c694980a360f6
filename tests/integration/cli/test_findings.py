"""``list --findings``: what today's rules find in definitions that were stored before them, with the way to mend it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import text

from airflow_workflow_provider.model.task import TaskDefinition
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.instances import Instances
from airflow_workflow_provider.store.tasks import Tasks
from tests.integration.cli.test_database_commands import Cli, connection
from tests.support.documents import step, workflow
from tests.support.people import start
from tests.support.store import publish

pytestmark = pytest.mark.postgres

RETRY = {"maxAttempts": 2, "delay": "PT1S", "multiplier": 3}
APPROVAL = {"subject": "S", "options": ["ok", "fail"], "timeout": "PT1H", "onTimeout": "fail"}


def schema(**a: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": a}}


DOCUMENTS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "pattern": (
        workflow(step("a"), inputSchema=schema(type="string", pattern=r"^(?P<x>\d+)$")),
        "WF126",
        "/inputSchema/properties/a/pattern",
        "write (?<name>…)",
    ),
    "default": (
        workflow(step("a"), inputSchema=schema(type="integer", default="seven")),
        "WF126",
        "/inputSchema/properties/a/default",
        "change the default",
    ),
    "reference": (
        workflow(step("a"), inputSchema=schema(**{"$ref": "https://elsewhere.example/x"})),
        "WF127",
        "/inputSchema/properties/a/$ref",
        "put what it refers to under $defs",
    ),
    "redact": (workflow(step("a"), executionLog={"redact": ["$.a"]}), "WF503", "/executionLog/redact/0", "write for"),
    "option": (
        workflow(step("a", "approval", arguments=APPROVAL)),
        "WF406",
        "/steps/0/arguments/onTimeout",
        'write {"option": "fail"}',
    ),
    "retry": (
        workflow(step("a", retryPolicy=RETRY)),
        "WF215",
        "/steps/0/retryPolicy/multiplier",
        'only the strategy "exponential"',
    ),
    "reserved": (
        workflow(step("a", "fail", arguments={"type": "Cancelled", "message": "m"})),
        "WF403",
        "/steps/0/arguments/type",
        "choose another name",
    ),
    "expression": (
        workflow(
            step(
                "a", assign={"x": {"type": "jsonata", "expression": r"$contains(input.a, /^(?P<y>\d+)\Z/) ? 'd' : 'w'"}}
            )
        ),
        "WF301",
        "/steps/0/assign/x/expression",
        "write (?<name>…)",
    ),
    "form": (
        workflow(step("a", "form", arguments={"subject": "S", "schema": schema(type="string", pattern=r"\Ab\Z")})),
        "WF126",
        "/steps/0/arguments/schema/properties/a/pattern",
        "write ^",
    ),
}
"""Documents of before, and the code, the place and words of the suggestion with which they are found."""


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], database_url: str, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", connection(database_url))
    return Cli(capsys)


def store(database: Database, name: str, document: dict[str, Any]) -> None:
    """Store a document as an earlier version let it in."""
    publish(database, workflow(step("a"), workflowId=name))
    statement = "UPDATE workflow_definition_versions SET document = CAST(:put AS jsonb) WHERE workflow_id = :name"
    with database.begin() as session:
        session.execute(text(statement), {"put": json.dumps({**document, "workflowId": name}), "name": name})


def test_every_definition_of_before_is_listed_with_its_place_and_the_suggestion(database: Database, cli: Cli) -> None:
    store(database, "fine", workflow(step("a")))
    for name, (document, *_) in DOCUMENTS.items():
        store(database, name, document)

    rows = {row["id"]: row for row in cli.json("list", "--findings", code=1)}
    assert rows.keys() == DOCUMENTS.keys()
    for name, (_, code, pointer, way_out) in DOCUMENTS.items():
        row = rows[name]
        assert (row["code"], row["pointer"]) == (code, pointer)
        assert way_out in f"{row['message']} {row['suggestion']}"


@pytest.mark.parametrize("name", ["pattern", "default", "redact", "option", "retry", "expression"])
def test_it_keeps_running_meanwhile(database: Database, name: str) -> None:
    document = {**DOCUMENTS[name][0], "workflowId": name}
    found = Instances(database).get(start(database, document, {"a": "42"} if name in ("pattern", "expression") else {}))
    assert (found.status, found.error) == ("running", None)


def test_an_old_pattern_still_refuses_what_it_refused(database: Database) -> None:
    found = Instances(database).get(start(database, DOCUMENTS["pattern"][0], {"a": "forty"}))
    assert found.status == "failed"
    assert found.error is not None
    assert found.error["type"] == "ValidationError"


TEMPLATES: dict[str, tuple[str, str, str]] = {
    "no-template": ("{{ workflow.input.a", "WF309", "end"),
    "no-name": ("{{ workflw.input.a }}", "WF310", "workflow"),
    "no-filter": ("{{ workflow.input.a | attr('x') }}", "WF311", "filter"),
    "no-test": ("{{ workflow.input.a is callable }}", "WF311", "test"),
    "no-function": ("{{ lipsum() }}", "WF311", "dict"),
    "no-method": ("{{ 'a'.format_map({}) }}", "WF311", "method"),
}
"""Templates that earlier versions took, and the code and words with which they are found."""


def test_templates_of_before_are_listed_with_a_suggestion(database: Database, cli: Cli) -> None:
    for task_id, (template, *_) in TEMPLATES.items():
        document = {"taskId": task_id, "name": task_id, "operator": "set", "arguments": {"deep": ["fine", template]}}
        fine = {**document, "arguments": {}}
        Tasks(database).publish(TaskDefinition.model_validate(fine), fine)
        put = {"put": json.dumps(document), "task": task_id}
        statement = "UPDATE task_definition_versions SET document = CAST(:put AS jsonb) WHERE task_id = :task"
        with database.begin() as session:
            session.execute(text(statement), put)
    publish(database, workflow(*(step(task_id, task_id) for task_id in TEMPLATES), workflowId="user-of-all"))

    rows = cli.json("list", "--findings", code=1)

    # A workflow is not told that a task of before is unknown.
    assert {(row["kind"], row["id"]) for row in rows} == {("task", task_id) for task_id in TEMPLATES}
    for row in rows:
        _, code, word = TEMPLATES[row["id"]]
        assert (row["code"], row["pointer"], row["severity"]) == (code, "/arguments/deep/1", "error")
        assert word in f"{row['message']} {row['suggestion']}", row
