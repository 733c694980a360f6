"""What people and accidents do to runs in a real Airflow: kill, clear, mark, publish a new version meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psutil
import pytest

from airflow_workflow_provider.errors import NotFound
from airflow_workflow_provider.local.client import AirflowClient, poll
from airflow_workflow_provider.store.database import Database
from tests.support.airflow import RunningAirflow
from tests.support.documents import step
from tests.support.scenarios import Outcome, Scenario, Scenarios

pytestmark = [pytest.mark.daemons, pytest.mark.slow, pytest.mark.xdist_group("airflow-2")]

Json = dict[str, Any]

SECONDS = 400
KILL: Json = {"kill": True}
BROKEN: Json = {"error": {"type": "Broken", "message": "not today"}}
SLEEP: Json = {"sleep": 300}
"""Until it is killed."""
DONE: Json = {"output": {"done": True}}


def definition(*steps: Json, version: str = "1.0.0", **more: Any) -> Json:
    return {"name": "Operated", "version": version, "steps": list(steps), **more}


def routed(error_type: str, target: str) -> Json:
    return {"onFailure": {"errorHandler": {"conditions": [{"errorType": error_type, "nextStepId": target}]}}}


def branches(*steps: Json) -> Json:
    return {
        "parallelBranches": [{"branchId": "x", "steps": list(steps)}, {"branchId": "y", "steps": [step("y1")]}]
    }  # fmt: skip


COUNTED: Json = {"n": {"type": "cel", "expression": "has(data.n) ? data.n + 1 : 1"}}
AGAIN: Json = {"next": [{"nextStepId": "count", "condition": "data.n < 3"}, {"nextStepId": "after"}]}
RETRIED: Json = {"retryPolicy": {"maxAttempts": 5, "delay": "PT1S"}}

SCENARIOS = {
    scenario.workflow_id: scenario
    for scenario in (
        Scenario("ops.kill-retried", definition(step("a", "work", **RETRIED), step("b")), mocks={"a": [KILL, DONE]}),
        Scenario(
            "ops.kill-routed",
            definition(step("a", "work", **routed("WorkerLost", "h"), next=[]), step("h")),
            mocks={"a": [KILL]},
        ),
        Scenario("ops.kill", definition(step("a", "work"), step("b")), mocks={"a": [KILL]}),
        Scenario(
            "ops.kill-loop",
            definition(
                step("count", "set", arguments=COUNTED), step("a", "work", **RETRIED), step("b", **AGAIN), step("after")
            ),
            mocks={"a": [DONE, KILL, KILL, KILL, DONE]},
        ),
        Scenario(
            "ops.kill-compensation",
            definition(
                step("a", compensation={"taskId": "undo"}),
                step("b", compensation={"taskId": "undo"}),
                step("c", "fail"),
                onFailure={"action": "stop", "compensate": True},
            ),
            mocks={"undo": [KILL, DONE]},
        ),
        Scenario("ops.clear", definition(step("a", "work"), step("b"), step("c")), mocks={"a": [BROKEN, DONE]}),
        Scenario(
            "ops.clear-branch",
            definition(step("p", **branches(step("x1"), step("x2", "work"))), step("q")),
            mocks={"x2": [BROKEN, DONE]},
        ),
        Scenario(
            "ops.clear-handled",
            definition(
                step("a"), step("b", "work"), step("c"), step("h"), onFailure={"action": "stop", "nextStepId": "h"}
            ),
            mocks={"b": [BROKEN, DONE]},
        ),
        Scenario(
            "ops.clear-loop",
            definition(
                step("count", "set", arguments=COUNTED), step("a", "work"), step("b", **AGAIN), step("after")
            ),
            mocks={"a": [DONE, BROKEN, DONE]},
        ),
        Scenario("ops.mark", definition(step("a", "work"), step("b"), step("c")), mocks={"a": [BROKEN]}),
        Scenario("ops.mark-last", definition(step("a"), step("b", "work")), mocks={"b": [BROKEN]}),
        Scenario(
            "ops.mark-choice",
            definition(
                step(
                    "a", "work", **routed("Broken", "fail"),
                    next=[{"nextStepId": "b", "condition": "!has(data.done)"}, {"nextStepId": "c"}],
                ),
                step("b", next=[]), step("c"),
            ),
            mocks={"a": [BROKEN]},
        ),
        Scenario(
            "ops.mark-branch",
            definition(step("p", **branches(step("x1"), step("x2", "work"), step("x3"))), step("q")),
            mocks={"x2": [BROKEN]},
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Operator:
    """What somebody does in Airflow's user interface."""

    client: AirflowClient
    scenarios: Scenarios
    runs: dict[str, str]

    def outcome(self, workflow_id: str) -> Outcome:
        """Wait until a run has ended, and its instance with it; return what became of it."""
        self.client.wait_for_run(workflow_id, self.runs[workflow_id], seconds=SECONDS)

        def look() -> Outcome | None:
            # An end that no task saw is told by a listener, a moment later.
            found = self.scenarios.outcome(workflow_id, self.runs[workflow_id])
            agree = (found.run_state, found.status) in (("success", "completed"), ("failed", "failed"))
            return found if agree else None

        return poll(look, seconds=300, what=f"{workflow_id} to agree with its run")

    def clear(self, workflow_id: str, task_id: str) -> None:
        """Clear a task and what follows it."""
        body = {
            "dry_run": False,
            "dag_run_id": self.runs[workflow_id],
            "task_ids": [task_id],
            "include_downstream": True,
            "only_failed": False,
            "reset_dag_runs": True,
        }
        self.client.request("POST", f"/dags/{workflow_id}/clearTaskInstances", json=body)

    def mark(self, workflow_id: str, task_id: str, state: str = "success") -> None:
        """Set the state of a task by hand."""
        path = f"/dags/{workflow_id}/dagRuns/{self.runs[workflow_id]}/taskInstances/{task_id}"
        self.client.request("PATCH", path, json={"new_state": state})

    def mark_run(self, workflow_id: str, state: str) -> None:
        """Set the state of a run by hand."""
        path = f"/dags/{workflow_id}/dagRuns/{self.runs[workflow_id]}"
        self.client.request("PATCH", path, json={"state": state})

    def wait_for_task(self, workflow_id: str, task_id: str, state: str) -> None:
        """Wait until a task is in a state."""

        def look() -> bool | None:
            found = self.client.task_instances(workflow_id, self.runs[workflow_id])
            return True if {task["task_id"]: task["state"] for task in found}.get(task_id) == state else None

        poll(look, seconds=SECONDS, what=f"task {task_id!r} of {workflow_id} to be {state}")

    def wait_for_call(self, workflow_id: str, step_id: str, number: int) -> None:
        """Wait until the task of a step is called for so many times."""

        def look() -> bool | None:
            try:
                return True if self.scenarios.calls(workflow_id, self.runs[workflow_id], step_id) >= number else None
            except NotFound:
                return None

        poll(look, seconds=SECONDS, what=f"call {number} of step {step_id!r} of {workflow_id}")

    def start(self, *scenarios: Scenario) -> None:
        """Publish and start workflows, one run each."""
        self.scenarios.publish(scenarios)
        for scenario in scenarios:
            self.client.wait_for_dag(scenario.workflow_id, seconds=SECONDS)
        for scenario in scenarios:
            self.runs[scenario.workflow_id] = self.client.trigger(scenario.workflow_id, scenario.input)["dag_run_id"]


@pytest.fixture(scope="module")
def operator(running_airflow: RunningAirflow) -> Iterator[Operator]:
    with Database(running_airflow.workflows_url) as database:
        scenarios = Scenarios(running_airflow.client, database, running_airflow.scripts)
        made = Operator(running_airflow.client, scenarios, {})
        made.start(*SCENARIOS.values())
        yield made


def steps(outcome: Outcome) -> dict[str, str]:
    return {step_id: record["status"] for step_id, record in outcome.state["steps"].items()}


def test_f6_a_killed_worker_is_retried(operator: Operator) -> None:
    found = operator.outcome("ops.kill-retried")
    assert found.status == "completed"
    assert [(line["stepId"], line["attempt"], line["status"]) for line in found.path] == [
        ("a", 1, "failed"), ("a", 2, "completed"), ("b", 1, "completed"),
    ]  # fmt: skip


def test_f6_a_killed_worker_is_routed(operator: Operator) -> None:
    found = operator.outcome("ops.kill-routed")
    assert (found.status, found.tasks["a"], found.tasks["h"]) == ("completed", "failed", "success")


def test_f6_a_killed_worker_that_nothing_handles_fails_the_run(operator: Operator) -> None:
    found = operator.outcome("ops.kill")
    assert found.status == "failed"
    assert found.error["type"] == "WorkerLost"


def test_t6_a_loop_that_is_killed_continues_where_it_was(operator: Operator) -> None:
    found = operator.outcome("ops.kill-loop")
    assert found.status == "completed"
    assert found.state["data"]["n"] == 3
    ran = [(line["visit"], line["attempt"], line["status"]) for line in found.path if line["stepId"] == "a"]
    assert ran == [
        (1, 1, "completed"),
        *((2, n, "failed") for n in (1, 2, 3)),
        (2, 4, "completed"),
        (3, 1, "completed"),
    ]
    assert [line["visit"] for line in found.path if line["stepId"] == "count"] == [1, 2, 3]


def test_f7_a_compensation_that_is_killed_is_done_again(operator: Operator) -> None:
    found = operator.outcome("ops.kill-compensation")
    assert [(entry["stepId"], entry["status"]) for entry in found.error["details"]["compensated"]] == [
        ("b", "completed"), ("a", "completed"),
    ]  # fmt: skip


def test_a_cleared_step_runs_again_and_the_instance_recovers(operator: Operator) -> None:
    assert operator.outcome("ops.clear").status == "failed"
    operator.clear("ops.clear", "a")
    found = operator.outcome("ops.clear")
    assert (found.status, found.error) == ("completed", None)
    assert steps(found) == {"a": "completed", "b": "completed", "c": "completed"}


def test_a_cleared_step_of_a_branch_opens_the_branches_again(operator: Operator) -> None:
    assert operator.outcome("ops.clear-branch").status == "failed"
    operator.clear("ops.clear-branch", "x2")
    found = operator.outcome("ops.clear-branch")
    assert found.status == "completed"
    assert found.state["steps"]["p"]["output"]["branches"]["x"] == {"done": True}


def test_a_cleared_step_takes_back_what_the_workflows_handler_did(operator: Operator) -> None:
    assert operator.outcome("ops.clear-handled").status == "failed"
    operator.clear("ops.clear-handled", "b")
    found = operator.outcome("ops.clear-handled")
    assert (found.status, found.tasks["c"], found.tasks["h"]) == ("completed", "success", "skipped")


def test_a_cleared_loop_continues_with_the_step_that_failed(operator: Operator) -> None:
    assert operator.outcome("ops.clear-loop").status == "failed"
    operator.clear("ops.clear-loop", "count.loop")
    found = operator.outcome("ops.clear-loop")
    assert found.status == "completed"
    assert [line["visit"] for line in found.path if line["stepId"] == "count"] == [1, 2, 3]


def test_a_failed_step_marked_as_success_lets_the_run_continue_with_an_empty_output(operator: Operator) -> None:
    assert operator.outcome("ops.mark").status == "failed"
    operator.mark("ops.mark", "a")
    found = operator.outcome("ops.mark")
    assert found.status == "completed"
    assert found.state["steps"]["a"]["output"] == {}
    assert steps(found) == {"a": "completed", "b": "completed", "c": "completed"}


def test_the_last_step_marked_as_success_completes_the_instance(operator: Operator) -> None:
    assert operator.outcome("ops.mark-last").status == "failed"
    operator.mark("ops.mark-last", "b")
    assert operator.outcome("ops.mark-last").status == "completed"


def test_a_step_marked_as_success_chooses_as_if_it_had_succeeded(operator: Operator) -> None:
    assert operator.outcome("ops.mark-choice").status == "failed"
    operator.mark("ops.mark-choice", "a")
    found = operator.outcome("ops.mark-choice")
    assert found.status == "completed"
    assert (found.tasks["b"], found.tasks["c"]) == ("success", "skipped")


def test_a_step_of_a_branch_marked_as_success_lets_the_branch_continue(operator: Operator) -> None:
    assert operator.outcome("ops.mark-branch").status == "failed"
    operator.mark("ops.mark-branch", "x2")
    found = operator.outcome("ops.mark-branch")
    assert found.status == "completed"
    assert {"x3", "q"} <= steps(found).keys()


def test_i1_a_run_marked_as_failed_ends_its_instance_as_cancelled(operator: Operator) -> None:
    operator.start(Scenario("ops.fail-run", definition(step("a", "wait", arguments={"duration": "PT10M"}), step("b"))))
    operator.wait_for_task("ops.fail-run", "a", "deferred")
    operator.mark_run("ops.fail-run", "failed")
    found = operator.outcome("ops.fail-run")
    assert (found.status, found.error["type"]) == ("failed", "Cancelled")


def test_d4_an_instance_keeps_the_version_it_started_with(operator: Operator) -> None:
    wait = step("a", "wait", arguments={"duration": "PT15S"})
    operator.start(Scenario("ops.versions", definition(wait, step("old"))))
    operator.wait_for_task("ops.versions", "a", "deferred")
    first = operator.runs["ops.versions"]

    newer = Scenario("ops.versions", definition(step("fresh"), version="2.0.0"))
    operator.scenarios.publish([newer])

    def has_new_version() -> bool | None:
        found = operator.client.dag("ops.versions")["tags"]
        return True if "version 2.0.0" in {tag["name"] for tag in found} else None

    poll(has_new_version, seconds=SECONDS, what="the new version")
    operator.start(newer)
    assert steps(operator.outcome("ops.versions")) == {"fresh": "completed"}
    operator.runs["ops.versions"] = first
    assert steps(operator.outcome("ops.versions")) == {"a": "completed", "old": "completed"}


def test_i2_parallel_branches_of_several_instances_lose_no_update(operator: Operator) -> None:
    names = [f"b{n}" for n in range(8)]
    wide = step("p", parallelBranches=[
        {"branchId": name, "steps": [step(f"{name}-1", "set", arguments={name: 1}), step(f"{name}-2")]}
        for name in names
    ])  # fmt: skip
    operator.start(Scenario("ops.wide", definition(wide, step("q"))))
    runs = [operator.runs["ops.wide"], *(operator.client.trigger("ops.wide")["dag_run_id"] for _ in range(2))]
    for run in runs:
        operator.runs["ops.wide"] = run
        found = operator.outcome("ops.wide")
        assert found.status == "completed"
        assert {name: found.state["data"].get(name) for name in names} == dict.fromkeys(names, 1)
        assert len(found.path) == len({(line["stepId"], line["visit"]) for line in found.path}) == 2 + 2 * len(names)


def test_more_than_sixty_steps_in_nested_branches_run(operator: Operator) -> None:
    def nest(depth: int, prefix: str) -> list[Json]:
        first = [step(f"{prefix}{n}") for n in range(4)]
        if depth == 0:
            return first
        inner = [{"branchId": name, "steps": nest(depth - 1, f"{prefix}{name}")} for name in ("l", "r")]
        return [*first, step(f"{prefix}p", parallelBranches=inner)]

    operator.start(Scenario("ops.deep", definition(*nest(3, "s"))))
    found = operator.outcome("ops.deep")
    assert found.status == "completed"
    assert len(steps(found)) == 67


def test_a_scheduler_that_is_killed_with_its_workers_loses_nothing(
    operator: Operator, running_airflow: RunningAirflow
) -> None:
    loop = definition(
        step("count", "set", arguments=COUNTED), step("a", "work", **RETRIED), step("b", **AGAIN), step("after")
    )
    operator.start(
        Scenario("ops.outage-step", definition(step("a", "work", **RETRIED), step("b")), mocks={"a": [SLEEP, DONE]}),
        Scenario("ops.outage-wait", definition(step("a", "wait", arguments={"duration": "PT20S"}), step("b"))),
        Scenario("ops.outage-loop", loop, mocks={"a": [DONE, SLEEP, DONE]}),
    )
    operator.wait_for_call("ops.outage-step", "a", 1)
    operator.wait_for_task("ops.outage-wait", "a", "deferred")
    # Only this step of the loop may be tried again.
    operator.wait_for_call("ops.outage-loop", "a", 2)

    environment = running_airflow.environment
    scheduler = next(daemon for daemon in environment.status().daemons if daemon.name == "scheduler")
    process = psutil.Process(scheduler.pid)
    killed = [process, *process.children(recursive=True)]
    for each in killed:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    _, alive = psutil.wait_procs(killed, timeout=30)
    assert alive == []
    environment.up()
    assert environment.status().running

    for name in ("ops.outage-step", "ops.outage-wait", "ops.outage-loop"):
        found = operator.outcome(name)
        assert found.status == "completed", (name, found.error)
    assert [line["visit"] for line in found.path if line["stepId"] == "count"] == [1, 2, 3]
