"""Integers of more than 64 bits, which Airflow's protocol between its processes has not (rules X2, X3, E4)."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.instances import instance_id
from tests.support.airflow import RunningAirflow
from tests.support.documents import step, workflow
from tests.support.scenarios import Scenario, Scenarios

pytestmark = [pytest.mark.daemons, pytest.mark.slow, pytest.mark.xdist_group("airflow")]

LONG, LONGER = 2**64, -(10**40) - 1
INPUT = {"n": LONG, "list": [{"a/b~c": LONGER}, 2**64 - 1, -(2**63), 1.5, 1e20]}
ALL = {"type": "jmespath", "expression": "input"}
TEXTS = {"type": "jsonata", "expression": "{'text': 'n' & input.n}"}
CHILD = workflow(step("take", "set", arguments={"got": ALL}), workflowId="long.child")
PARENT = workflow(
    step("keep", "set", arguments={"got": ALL, "text": TEXTS}),
    step("call", "workflow:long.child", input=ALL),
    step("wait", "wait", arguments={"duration": "PT0S"}),
    step(
        "last", "set", arguments={"call": {"type": "cel", "expression": "steps.call.output.got == input"}, "all": ALL}
    ),
    workflowId="long.parent",
    inputSchema={"type": "object", "properties": {"n": {"type": "integer", "minimum": 2**63}}},
)


@pytest.fixture(scope="module")
def ready(running_airflow: RunningAirflow) -> RunningAirflow:
    with Database(running_airflow.workflows_url) as database:
        scenarios = Scenarios(running_airflow.client, database, running_airflow.scripts)
        scenarios.publish([Scenario(found["workflowId"], found) for found in (CHILD, PARENT)])
    for workflow_id in ("long.child", "long.parent"):
        running_airflow.client.wait_for_dag(workflow_id, seconds=300)
    return running_airflow


def ended(airflow: RunningAirflow, instance_id: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = airflow.client.workflows("GET", f"/instances/{instance_id}")
        return found if found["status"] in ("completed", "failed") else None

    return poll(look, seconds=240, what=f"the end of {instance_id}")


def test_a_start_of_ours_carries_them_exactly_through_tasks_and_children(ready: RunningAirflow) -> None:
    started = ready.client.workflows("POST", "/definitions/long.parent/instances", json={"input": INPUT})
    found = ended(ready, started["id"])
    assert found["status"] == "completed", found
    assert found["input"] == INPUT
    assert found["output"] == {"call": True, "all": INPUT}
    assert found["state"]["steps"]["keep"]["output"] == {"got": INPUT, "text": {"text": f"n{LONG}"}}


def test_e4_a_run_that_airflow_triggers_with_one_fails_once_and_says_why(ready: RunningAirflow) -> None:
    client = ready.client
    run = client.trigger("long.parent", INPUT)["dag_run_id"]

    assert client.wait_for_run("long.parent", run, seconds=240)["state"] == "failed"
    found = ended(ready, str(instance_id("long.parent", run)))
    assert (found["status"], found["error"]["type"]) == ("failed", "ValidationError")
    assert found["error"]["code"] == "integer-too-long"
    assert "/n" in [each["pointer"] for each in found["error"]["details"]["errors"]]
    assert max(each["try_number"] for each in client.task_instances("long.parent", run)) <= 1
