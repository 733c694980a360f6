"""A real Airflow: what authors may not reach is refused in the run, however the definition came into the database."""

from __future__ import annotations

import itertools
from typing import Any
from uuid import UUID

import pytest

from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.model.grants import Grants
from airflow_workflow_provider.model.validate import parse_task
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.instances import Instances
from airflow_workflow_provider.store.tables import workflow_events
from airflow_workflow_provider.store.tasks import Tasks
from tests.support.airflow import RunningAirflow
from tests.support.documents import step, workflow
from tests.support.store import publish

pytestmark = [pytest.mark.daemons, pytest.mark.slow, pytest.mark.xdist_group("airflow-3")]

SECONDS = 240

REFUSED: dict[str, tuple[str, dict[str, Any] | None]] = {
    "ownDatabase": ("sql", {"connection": "workflows_default", "sql": "DELETE FROM workflow_questions", "write": True}),
    "ownDatabaseInCapitals": ("sql", {"connection": "WORKFLOWS_Default", "sql": "SELECT 1"}),
    "metadata": ("sql", {"connection": "airflow_db", "sql": "SELECT 1"}),
    "unknown": ("sql", {"connection": "payroll", "sql": "SELECT 1"}),
    "noHttpConnection": ("http", {"connection": "workflows_default", "path": "/x"}),
    "anotherHost": ("http", {"connection": "example_http", "path": "//evil.example/steal"}),
    "wholeAddress": ("http", {"connection": "example_http", "path": "http://evil.example/steal"}),
    "above": ("http", {"connection": "example_http", "path": "/../../admin"}),
    "hostHeader": ("http", {"connection": "example_http", "path": "/", "headers": {"Host": "evil.example"}}),
    "event": ("event", {"type": "order.paid"}),
    "child": ("workflow:reached-child", None),
}
"""Steps with what they reach for; the last two are not granted to the version."""


def _reaching() -> dict[str, Any]:
    names = [*REFUSED, "last"]
    steps = []
    for name, following in itertools.pairwise(names):
        task_id, arguments = REFUSED[name]
        handler = {"errorHandler": {"conditions": [{"errorType": "ValidationError", "nextStepId": following}]}}
        given = {} if arguments is None else {"arguments": arguments}
        steps.append(step(name, task_id, onFailure=handler, **given))
    return workflow(*steps, step("last"), workflowId="reaching")


@pytest.mark.timeout(900)
def test_a_run_reaches_nothing_that_its_author_may_not(running_airflow: RunningAirflow) -> None:
    airflow = running_airflow.client
    with Database(running_airflow.workflows_url) as database:
        publish(database, workflow(step("a"), workflowId="reached-child"))
        publish(database, _reaching(), grants=Grants())
        for workflow_id in ("reached-child", "reaching"):
            airflow.wait_for_dag(workflow_id, seconds=SECONDS)
        started = airflow.workflows("POST", "/definitions/reaching/instances", json={"input": {}})

        def ended() -> Any:
            found = Instances(database).get(UUID(started["id"]))
            return found if found.status in ("completed", "failed") else None

        found = poll(ended, seconds=SECONDS, what="the instance to end")
        assert found.error is None, found.error
        errors = {name: found.state.steps[name].error for name in REFUSED}
        assert {name: error["code"] for name, error in errors.items()} == dict.fromkeys(errors, "not-allowed")
        assert {errors[name]["details"]["diagnostic"] for name in ("event", "child")} == {"WF414"}
        assert all(error["details"]["suggestion"] for error in errors.values())
        with database.begin() as connection:
            sent = workflow_events.select().where(workflow_events.c.type == "order.paid")
            assert connection.execute(sent).all() == []
    runs = airflow.request("GET", "/dags/reached-child/dagRuns")
    assert runs["dag_runs"] == []


@pytest.mark.timeout(600)
def test_an_operator_that_is_not_allowed_breaks_the_dag_of_its_workflow_only(running_airflow: RunningAirflow) -> None:
    airflow = running_airflow.client
    task = {"taskId": "shell", "name": "Shell", "operator": "subprocess.Popen", "arguments": {"args": "id"}}
    with Database(running_airflow.workflows_url) as database:
        Tasks(database).publish(parse_task(task, checked=False), task)
        publish(database, workflow(step("a", "shell"), workflowId="shelled"))
        publish(database, workflow(step("a"), workflowId="unharmed"))
    airflow.wait_for_dag("unharmed", seconds=SECONDS)

    def broken() -> Any:
        found = airflow.request("GET", "/importErrors")["import_errors"]
        return next((each for each in found if "'subprocess.Popen' is not allowed" in each["stack_trace"]), None)

    error = poll(broken, seconds=SECONDS, what="the import error")
    assert "[workflows] allowed_operators" in error["stack_trace"]
    assert "shelled" in error["filename"]
