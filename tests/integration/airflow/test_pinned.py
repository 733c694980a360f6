"""Rule P5: sub-workflows that are pinned to a version, in a real Airflow whose newest version is another one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.store.database import Database
from tests.support.airflow import RunningAirflow
from tests.support.api import API
from tests.support.documents import step
from tests.support.scenarios import Scenario, Scenarios

pytestmark = [pytest.mark.daemons, pytest.mark.slow, pytest.mark.xdist_group("airflow")]

Json = dict[str, Any]

SECONDS = 240


def cel(expression: str) -> Json:
    return {"type": "cel", "expression": expression}


def definition(*steps: Json, version: str = "1.0.0", **more: Any) -> Json:
    return {"name": "Pinned", "version": version, "steps": list(steps), **more}


def versions(workflow_id: str, old: list[Json], new: list[Json], **more: Any) -> list[Scenario]:
    """Return version 1.0.0 and the one that follows it at once, before Airflow can have seen the first."""
    return [
        Scenario(workflow_id, definition(*old, version="1.0.0", **more)),
        Scenario(workflow_id, definition(*new, version="2.0.0")),
    ]


OLD, NEW = "workflow:pin.child@1.0.0", "workflow:pin.child@2.0.0"
NUMBERED = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
CHILDREN = (
    *versions(
        "pin.grandchild",
        [step("g", "set", arguments={"ran": "old", "n": cel("has(input.n) ? input.n : 0")})],
        [step("g2", "set", arguments={"ran": "new"})],
    ),
    *versions(
        "pin.child",
        [step("first"), step("g", "workflow:pin.grandchild@1.0.0")],
        [step("other", "set", arguments={"ran": "new"})],
        inputSchema=NUMBERED,
    ),
    *versions("pin.waits", [step("w", "wait", arguments={"duration": "PT1H"})], [step("x")]),
    *versions("pin.broken", [step("b", "fail", arguments={"type": "Broken"})], [step("x")]),
    Scenario("pin.cancelled", definition(step("call", "workflow:pin.waits@1.0.0"))),
    Scenario("pin.retried", definition(step("call", "workflow:pin.broken@1.0.0"))),
)

COUNTED = {"n": cel("has(data.n) ? data.n + 1 : 1")}
AGAIN: Json = {"next": [{"nextStepId": "count", "condition": "data.n < 2"}, {"nextStepId": "end"}]}
ITEMS = {"type": "jmespath", "expression": "[{n: `5`}, {n: `6`}]"}
ITEM = {"type": "jmespath", "expression": "item"}
BRANCHES = [{"branchId": "old", "steps": [step("a", OLD)]}, {"branchId": "new", "steps": [step("b", NEW)]}]
REPORT = step("tell", "set", arguments={"code": cel("error.code"), "type": cel("error.type")})


def routed(error_type: str) -> Json:
    conditions = [{"errorType": error_type, "nextStepId": "tell"}]
    return {"onFailure": {"errorHandler": {"conditions": conditions}}, "next": []}


PARENTS = (
    Scenario("pin.plain", definition(step("call", OLD)), {"n": 3}),
    Scenario("pin.newest", definition(step("call", "workflow:pin.child")), {"n": 3}),
    Scenario("pin.head", definition(step("call", NEW)), {"n": 3}),
    Scenario("pin.loop", definition(step("count", "set", arguments=COUNTED), step("call", OLD, **AGAIN))),
    Scenario("pin.items", definition(step("each", forEach={"items": ITEMS, "steps": [step("one", OLD, input=ITEM)]}))),
    Scenario("pin.branch", definition(step("both", parallelBranches=BRANCHES)), {"n": 4}),
    Scenario(
        "pin.missing", definition(step("call", "workflow:pin.child@7.0.0", **routed("TaskNotFound")), REPORT), {"n": 3}
    ),
    Scenario("pin.refused", definition(step("call", OLD, **routed("ValidationError")), REPORT), {"n": "x"}),
)


@pytest.fixture(scope="module")
def scenarios(running_airflow: RunningAirflow) -> Iterator[Scenarios]:
    with Database(running_airflow.workflows_url) as database:
        found = Scenarios(running_airflow.client, database, running_airflow.scripts)
        found.publish(CHILDREN)
        yield found


@pytest.fixture(scope="module")
def api(running_airflow: RunningAirflow) -> Iterator[httpx.Client]:
    running_airflow.client.login()
    headers = {"Authorization": running_airflow.client._http.headers["Authorization"]}
    with httpx.Client(base_url=running_airflow.client.address + API + "/", headers=headers, timeout=120) as client:
        yield client


@pytest.mark.timeout(SECONDS + 60)
def test_p5_a_pinned_version_is_run_wherever_the_step_stands(scenarios: Scenarios, api: httpx.Client) -> None:
    outcomes = scenarios.run(PARENTS, seconds=SECONDS)
    outputs = {name.removeprefix("pin."): outcome.output for name, outcome in outcomes.items()}

    assert outputs == {
        "plain": {"ran": "old", "n": 3},
        "newest": {"ran": "new"},
        "head": {"ran": "new"},
        "loop": {"ran": "old", "n": 2},
        "items": {"task": {}, "items": [{"ran": "old", "n": 5}, {"ran": "old", "n": 6}]},
        "branch": {"task": {}, "branches": {"old": {"ran": "old", "n": 4}, "new": {"ran": "new"}}},
        "missing": {"code": "version-not-found", "type": "TaskNotFound"},
        "refused": {"code": None, "type": "BranchFailed"},
    }
    assert {outcome.run_state for outcome in outcomes.values()} == {"success"}
    for workflow_id, old in (("pin.child", 6), ("pin.grandchild", 6)):
        rows = api.get("instances", params={"workflowId": workflow_id, "version": "1.0.0"}).json()["items"]
        assert [row["status"] for row in rows] == ["completed"] * old
        events = [entry["event"] for entry in api.get(f"instances/{rows[0]['id']}/log").json()["items"]]
        assert "instance.started" in events
        assert events[-1] == "instance.completed"


def child_of(api: httpx.Client, workflow_id: str, status: str) -> Json:
    """Return the one instance of a pinned child, once it has a status."""

    def look() -> Json | None:
        found = api.get("instances", params={"workflowId": workflow_id, "status": status}).json()["items"]
        return found[0] if found else None

    return poll(look, seconds=SECONDS, what=f"an instance of {workflow_id} to be {status}")


def operate(api: httpx.Client, instance: Json, operation: str) -> None:
    answer = api.post(f"instances/{instance['id']}/{operation}", json={})
    assert answer.status_code == 200, answer.text


@pytest.mark.timeout(SECONDS + 60)
def test_p5_a_pinned_instance_is_operated_like_any_other(
    running_airflow: RunningAirflow, scenarios: Scenarios, api: httpx.Client
) -> None:
    airflow = running_airflow.client
    for workflow_id in ("pin.cancelled", "pin.waits"):
        airflow.wait_for_dag(workflow_id, seconds=SECONDS)
    run_id = airflow.trigger("pin.cancelled", {})["dag_run_id"]
    child = child_of(api, "pin.waits", "running")
    assert child["version"] == "1.0.0"

    operate(api, child, "suspend")
    operate(api, child, "resume")
    operate(api, child, "cancel")
    airflow.wait_for_run("pin.cancelled", run_id, seconds=SECONDS)

    outcome = scenarios.outcome("pin.cancelled", run_id)
    assert outcome.status == "failed"
    assert outcome.error is not None
    assert outcome.error["details"]["causes"]["pin.waits"]["type"] == "Cancelled"


@pytest.mark.timeout(SECONDS + 60)
@pytest.mark.usefixtures("scenarios")
def test_i5_another_attempt_runs_that_version_again(running_airflow: RunningAirflow, api: httpx.Client) -> None:
    airflow = running_airflow.client
    for workflow_id in ("pin.retried", "pin.broken"):
        airflow.wait_for_dag(workflow_id, seconds=SECONDS)
    run_id = airflow.trigger("pin.retried", {})["dag_run_id"]
    airflow.wait_for_run("pin.retried", run_id, seconds=SECONDS)
    parent = api.get("instances", params={"workflowId": "pin.retried"}).json()["items"][0]
    assert (parent["status"], parent["error"]["type"]) == ("failed", "BranchFailed")

    operate(api, parent, "retry")
    airflow.wait_for_run("pin.retried", run_id, seconds=SECONDS)

    rows = api.get("instances", params={"workflowId": "pin.broken"}).json()["items"]
    ended = [(row["version"], row["status"], row["error"]["type"]) for row in rows]
    assert ended == [("1.0.0", "failed", "Broken")] * 2
