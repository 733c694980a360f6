"""Inline workflows in a real Airflow: operated, asked, killed, marked by hand (rules T8, I3, I5, F6)."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import pytest

from airflow_workflow_provider.local.client import poll
from tests.integration.airflow.test_steering import BROKEN, DONE, HOUR, SLEEP, branch, definition
from tests.support.airflow import RunningAirflow
from tests.support.documents import step
from tests.support.scenarios import Scenario
from tests.support.steering import SECONDS, Steering

pytestmark = [pytest.mark.daemons, pytest.mark.slow, pytest.mark.xdist_group("airflow-2")]

Json = dict[str, Any]

TASK = "workflow.steps"
UNDO: Json = {"compensation": {"taskId": "undo"}}


def inline(*steps: Json, **more: Any) -> Json:
    return definition(*steps, **{**more, "settings": {**more.get("settings", {}), "execution": "inline"}})


def begun(steering: Steering, instance: str) -> list[str]:
    return [row["stepId"] for row in steering.log(instance) if row["event"] == "step.started"]


def patch_task(steering: Steering, instance: str, state: str) -> None:
    about = steering.get(instance)
    path = f"/dags/{about['dagId']}/dagRuns/{about['runId']}/taskInstances/{TASK}"
    steering.airflow.request("PATCH", path, json={"new_state": state})


def test_i3_it_is_held_between_two_steps_and_continues(steering: Steering) -> None:
    wide = step("p", parallelBranches=[branch("x", step("x1", "work"), step("x2")), branch("y", step("y1"))])
    instance = steering.start(Scenario("inline.suspend", inline(wide, step("q")), mocks={"x1": [SLEEP]}))
    steering.wait_for_start(instance, "x1")
    assert steering.do(instance, "suspend")["status"] == "suspended"
    steering.wait_for(instance, **{TASK: "awaiting_input"})
    assert "x2" not in begun(steering, instance)
    steering.do(instance, "resume")
    done = steering.ended(instance)
    assert sorted(done["state"]["steps"]) == ["p", "q", "x1", "x2", "y1"]
    assert steering.tasks(instance) == {TASK: "success"}


def test_i5_it_is_retried_where_it_failed_skipped_and_restarted(steering: Steering) -> None:
    document = inline(step("a", "work"), step("b", "work"), step("c", "set", arguments={"n": 1}))
    instance = steering.start(Scenario("inline.again", document, mocks={"a": [DONE], "b": [BROKEN, BROKEN, DONE]}))
    steering.ended(instance, "failed")
    steering.do(instance, "retry")
    steering.ended(instance, "failed")
    steering.do(instance, "skip", output={"skipped": True})
    done = steering.ended(instance)
    assert (done["output"], done["state"]["steps"]["b"]["output"]) == ({"n": 1}, {"skipped": True})
    assert begun(steering, instance) == ["a", "b", "b", "c"]
    steering.do(instance, "restart", fromStepId="b")
    assert steering.ended(instance)["state"]["steps"]["b"]["output"] == {"done": True}
    steering.do(instance, "restart")
    steering.ended(instance)
    assert begun(steering, instance) == ["a", "b", "b", "c", "b", "c", "a", "b", "c"]


def test_f7_it_is_cancelled_with_its_compensations(steering: Steering) -> None:
    document = inline(step("a", **UNDO), step("b", "receive", **HOUR), onFailure={"action": "stop", "compensate": True})
    instance = steering.start(Scenario("inline.compensate", document))
    steering.wait_for(instance, **{TASK: "deferred"})
    steering.do(instance, "cancel", compensate=True)
    done = steering.ended(instance, "failed")
    assert done["error"]["type"] == "Cancelled"
    assert done["error"]["details"]["compensated"] == [{"stepId": "a", "visit": 1, "status": "completed"}]


def test_i5_it_is_cancelled_while_a_step_runs(steering: Steering) -> None:
    document = inline(step("a", "work"), step("b"))
    instance = steering.start(Scenario("inline.cancel", document, mocks={"a": [{"sleep": 120}]}))
    steering.wait_for_start(instance, "a")
    steering.do(instance, "cancel")
    assert steering.ended(instance, "failed")["error"]["type"] == "Cancelled"
    assert begun(steering, instance) == ["a"]


def test_k3_it_asks_people_one_after_the_other_and_runs_a_child(steering: Steering) -> None:
    def ask(step_id: str) -> Json:
        return step(step_id, "approval", arguments={"subject": f"About {step_id}"})

    child = inline(step("n", "set", arguments={"child": True}))
    steering.scenarios.publish([Scenario("inline.child", child)])
    steering.ended(steering.started("inline.child"))
    instance = steering.start(
        Scenario("inline.ask", inline(ask("one"), ask("two"), step("run", "workflow:inline.child")))
    )
    for step_id in ("one", "two"):

        def asked(wanted: str = step_id) -> Json | None:
            found = steering.http.get("questions", params={"instanceId": instance, "status": "open"}).json()["items"]
            return next((each for each in found if each["stepId"] == wanted), None)

        question = poll(asked, seconds=SECONDS, what=f"question {step_id}")
        steering.wait_for(instance, **{TASK: "awaiting_input"})
        answer = steering.http.post(f"questions/{question['id']}/answer", json={"decision": "approve"})
        assert answer.status_code == 200, answer.text
    assert steering.ended(instance)["output"] == {"child": True}


def test_f6_a_killed_process_loses_only_what_ran(running_airflow: RunningAirflow, steering: Steering) -> None:
    document = inline(step("a", "work"), step("b", "work", retryPolicy={"maxAttempts": 2}), step("c", "work"))
    instance = steering.start(Scenario("inline.killed", document, mocks={"b": [{"sleep": 120}, DONE]}))
    process = running_airflow.scripts / f"{instance}.pid"
    calls = running_airflow.scripts / f"{instance}.calls"
    steering.wait_for_start(instance, "b")

    def runs() -> bool | None:
        # The start of the step is stored before its work begins; the file is empty while it is written.
        text = calls.read_text() if calls.exists() else ""
        return True if "b" in json.loads(text or "{}") else None

    poll(runs, seconds=300, what="b to run")
    os.kill(int(process.read_text()), signal.SIGKILL)
    done = steering.ended(instance)
    assert done["state"]["steps"]["b"]["output"] == {"done": True}
    assert begun(steering, instance) == ["a", "b", "b", "c"]
    failed = [row for row in steering.log(instance) if row["event"] == "step.retrying"]
    assert [row["data"]["error"]["type"] for row in failed] == ["WorkerLost"]


def test_its_task_marked_manually_ends_it(steering: Steering) -> None:
    document = inline(step("a", **UNDO), step("b", "receive", **HOUR), onFailure={"compensate": True})
    failed = steering.start(Scenario("inline.marked", document))
    done = steering.started("inline.marked")
    for instance in (failed, done):
        steering.wait_for(instance, **{TASK: "deferred"})
    patch_task(steering, failed, "failed")
    patch_task(steering, done, "success")
    found = steering.ended(failed, "failed")
    # On a busy machine the end of the run is told first.
    assert found["error"]["type"] in ("MarkedFailed", "WorkerLost")
    assert found["compensationsOwed"] == 1
    assert steering.ended(done)["status"] == "completed"
