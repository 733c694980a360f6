"""The API of a running Airflow: publish, start, wait, cancel (rules I1, I2, E4)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.store.instances import instance_id
from tests.support.airflow import RunningAirflow
from tests.support.api import API, problem
from tests.support.documents import step, workflow

pytestmark = [pytest.mark.daemons, pytest.mark.xdist_group("airflow-3"), pytest.mark.slow]

ENDED = ("completed", "failed")


@pytest.fixture
def client(running_airflow: RunningAirflow) -> Any:
    running_airflow.client.login()
    headers = {"Authorization": running_airflow.client._http.headers["Authorization"]}
    address = running_airflow.client.address + API + "/"
    with httpx.Client(base_url=address, headers=headers, trust_env=False, timeout=120) as made:
        yield made


def started(client: Any, workflow_id: str, **body: Any) -> dict[str, Any]:
    """Start an instance as a program would: again while Airflow has not loaded the workflow."""

    def attempt() -> Any:
        answer = client.post(
            f"definitions/{workflow_id}/instances", json=body, headers={"Idempotency-Key": workflow_id}
        )
        if answer.status_code == 409 and "Retry-After" in answer.headers:
            return None
        assert answer.status_code == 201, answer.text
        return answer.json()

    return poll(attempt, seconds=300, what=f"workflow {workflow_id} to be loaded")


def ended(client: Any, identifier: str) -> dict[str, Any]:
    def look() -> Any:
        found = client.get(f"instances/{identifier}").json()
        return found if found["status"] in ENDED else None

    return poll(look, seconds=300, what=f"instance {identifier} to end")


def test_i2_an_instance_started_over_http_runs_to_its_end(client: Any, running_airflow: RunningAirflow) -> None:
    document = workflow(
        step("greet", "set", arguments={"text": {"type": "jsonata", "expression": "'Hello ' & data.name"}}),
        workflowId="api-greeting",
        inputSchema={"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
    )
    published = client.put("definitions/api-greeting", json=document)
    assert published.status_code == 201, published.text
    assert httpx.get(str(client.base_url) + "definitions", trust_env=False).status_code == 401
    begun = started(client, "api-greeting", input={"name": "Ada"}, correlationId="guest-1")
    problem(client.post("definitions/api-greeting/instances", json={"input": {}}), 422, "invalid-input")
    done = ended(client, begun["id"])
    assert (done["status"], done["output"], done["error"]) == ("completed", {"text": "Hello Ada"}, None)
    assert (done["correlationId"], done["revision"]) == ("guest-1", published.json()["revision"])
    events = [row["event"] for row in client.get(f"instances/{begun['id']}/log").json()["items"]]
    assert events == ["instance.started", "step.started", "step.completed", "instance.completed"]
    by_airflow = running_airflow.client.trigger("api-greeting", {"name": "Grace"})["dag_run_id"]
    identifier = str(instance_id("api-greeting", by_airflow))
    poll(lambda: client.get(f"instances/{identifier}").status_code == 200 or None, seconds=300, what="the row")
    assert ended(client, identifier)["output"] == {"text": "Hello Grace"}


def test_i1_cancel_stops_what_runs(client: Any, running_airflow: RunningAirflow) -> None:
    document = workflow(step("long", "wait", arguments={"duration": "PT1H"}), step("after"), workflowId="api-longrun")
    assert client.put("definitions/api-longrun", json=document).status_code == 201
    begun = started(client, "api-longrun")
    poll(
        lambda: client.get(f"instances/{begun['id']}").json()["state"]["steps"].get("long") or None,
        seconds=300,
        what="the step to begin",
    )
    cancelled = client.post(f"instances/{begun['id']}/cancel", json={"reason": "test"})
    assert cancelled.status_code == 200, cancelled.text
    run = running_airflow.client.run("api-longrun", begun["runId"])
    assert run["state"] == "failed"

    def settled() -> Any:
        states = {
            each["task_id"]: each["state"]
            for each in running_airflow.client.task_instances("api-longrun", begun["runId"])
        }
        return states if states["long"] == "failed" and states["after"] == "skipped" else None

    poll(settled, seconds=300, what="the tasks to stop")
    now = client.get(f"instances/{begun['id']}").json()
    assert (now["status"], now["error"]["type"]) == ("failed", "Cancelled")
    assert now["error"] == cancelled.json()["error"]
