"""What operators do to instances in a real Airflow: suspend, resume, cancel, retry, restart, skip (rules I3, I5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from airflow_workflow_provider.local.client import AirflowClient, poll
from airflow_workflow_provider.store.database import Database
from tests.fixtures.airflow import RunningAirflow
from tests.fixtures.api import API, problem
from tests.fixtures.scenarios import Scenario, Scenarios

pytestmark = [pytest.mark.daemons, pytest.mark.slow, pytest.mark.xdist_group("airflow")]

Json = dict[str, Any]

SECONDS = 240
BROKEN: Json = {"error": {"type": "Broken", "message": "not today"}}
SLEEP: Json = {"sleep": 6}
DONE: Json = {"output": {"done": True}}
HOUR: Json = {"arguments": {"eventPattern": "never.comes"}, "timeout": "PT1H"}


def step(step_id: str, task_id: str = "noop", **more: Any) -> Json:
    return {"stepId": step_id, "taskId": task_id, **more}


def definition(*steps: Json, version: str = "1.0.0", **more: Any) -> Json:
    return {"name": "Steered", "version": version, "steps": list(steps), **more}


def branch(branch_id: str, *steps: Json) -> Json:
    return {"branchId": branch_id, "steps": list(steps)}


@dataclass(frozen=True)
class Steering:
    """An operator at the wheel."""

    airflow: AirflowClient
    http: httpx.Client
    scenarios: Scenarios

    def start(self, scenario: Scenario) -> str:
        """Publish and start a workflow; return the id of the instance."""
        self.scenarios.publish([scenario])
        return self.started(scenario.workflow_id, scenario.input)

    def started(self, workflow_id: str, input_data: Any = None) -> str:
        def attempt() -> str | None:
            answer = self.http.post(f"definitions/{workflow_id}/instances", json={"input": dict(input_data or {})})
            if answer.status_code == 409 and "Retry-After" in answer.headers:
                return None
            assert answer.status_code == 201, answer.text
            return str(answer.json()["id"])

        return poll(attempt, seconds=SECONDS, what=f"workflow {workflow_id} to be loaded")

    def do(self, instance: str, operation: str, **body: Any) -> Json:
        answer = self.http.post(f"instances/{instance}/{operation}", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def refused(self, instance: str, operation: str, **body: Any) -> str:
        answer = self.http.post(f"instances/{instance}/{operation}", json=body)
        return str(problem(answer, answer.status_code, answer.json().get("code"))["code"])

    def get(self, instance: str) -> Json:
        return dict(self.http.get(f"instances/{instance}").json())

    def ended(self, instance: str, status: str = "completed") -> Json:
        """Wait until an instance has ended, and its run with it."""

        def look() -> Json | None:
            found = self.get(instance)
            run = self.airflow.run(found["dagId"], found["runId"])["state"]
            return found if (found["status"], run) in (("completed", "success"), ("failed", "failed")) else None

        found = poll(look, seconds=SECONDS, what=f"instance {instance} to end")
        assert found["status"] == status, (found["error"], found["state"]["steps"])
        return found

    def tasks(self, instance: str) -> dict[str, str | None]:
        found = self.get(instance)
        states = self.airflow.task_instances(found["dagId"], found["runId"])
        return {task["task_id"]: task["state"] for task in states}

    def wait_for(self, instance: str, **wanted: str) -> None:
        """Wait until tasks are in states."""

        def look() -> bool | None:
            found = self.tasks(instance)
            return True if all(found.get(task) == state for task, state in wanted.items()) else None

        try:
            poll(look, seconds=90, what=f"tasks {wanted}")
        except Exception as error:
            raise AssertionError((wanted, self.tasks(instance), self.get(instance)["state"]["steps"])) from error

    def log(self, instance: str) -> list[Json]:
        return list(self.http.get(f"instances/{instance}/log", params={"limit": 1000}).json()["items"])

    def wait_for_start(self, instance: str, *step_ids: str) -> None:
        """Wait until attempts of steps have begun."""

        def look() -> bool | None:
            begun = {row["stepId"] for row in self.log(instance) if row["event"] == "step.started"}
            return True if begun.issuperset(step_ids) else None

        poll(look, seconds=90, what=f"steps {step_ids} to begin")

    def actions(self, instance: str) -> list[Json]:
        """Return what people did, as the execution log tells."""
        return [row for row in self.log(instance) if row["actor"] is not None]


@pytest.fixture(scope="module")
def steering(running_airflow: RunningAirflow) -> Iterator[Steering]:
    running_airflow.client.login()
    headers = {"Authorization": running_airflow.client._http.headers["Authorization"]}
    address = running_airflow.client.address + API + "/"
    with (
        httpx.Client(base_url=address, headers=headers, trust_env=False, timeout=60) as http,
        Database(running_airflow.workflows_url) as database,
    ):
        scenarios = Scenarios(running_airflow.client, database, running_airflow.scripts)
        yield Steering(running_airflow.client, http, scenarios)


def test_i3_parallel_branches_are_held_until_the_instance_is_resumed(steering: Steering) -> None:
    wide = step(
        "p", parallelBranches=[branch("x", step("x1", "work"), step("x2")), branch("y", step("y1", "work"), step("y2"))]
    )
    scenario = Scenario("steer.suspend", definition(wide, step("q")), mocks={"x1": [SLEEP], "y1": [SLEEP]})
    instance = steering.start(scenario)
    steering.wait_for_start(instance, "x1", "y1")

    suspended = steering.do(instance, "suspend", reason="stock taking")
    assert (suspended["status"], "resume" in suspended["operations"]) == ("suspended", True)
    steering.wait_for(instance, x1="success", y1="success", x2="awaiting_input", y2="awaiting_input")
    held = steering.get(instance)
    assert (held["status"], sorted(held["state"]["activeSteps"])) == ("suspended", ["p", "x2", "y2"])
    assert {row["stepId"] for row in steering.log(instance) if row["event"] == "step.started"} == {"p", "x1", "y1"}
    assert steering.do(instance, "suspend")["updatedAt"] == held["updatedAt"]

    steering.do(instance, "resume")
    done = steering.ended(instance)
    assert sorted(done["state"]["steps"]) == ["p", "q", "x1", "x2", "y1", "y2"]
    told = [(row["event"], row["message"], row["data"]["via"]) for row in steering.actions(instance)]
    assert told == [("instance.suspended", "stock taking", "api"), ("instance.resumed", None, "api")]
    assert {row["actor"]["name"] for row in steering.actions(instance)} == {"admin"}
