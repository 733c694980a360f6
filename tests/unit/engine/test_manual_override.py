"""What people and Airflow decide over the machine's head."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.engine.instance_records import InstanceFacts
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.manual_override import (
    agree_completed,
    agree_failed,
    cancel,
    give_up,
    mark_failed,
    override,
)
from airflow_workflow_provider.model.definition import WorkflowDefinition
from tests.support.documents import step

NOW = datetime(2027, 1, 1, tzinfo=UTC)


def machine_of(*steps: dict[str, Any], **more: Any) -> Machine:
    document = {"workflowId": "w", "name": "w", "version": "1.0.0", "steps": list(steps), **more}
    graph = Graph.of(WorkflowDefinition.model_validate(document))
    return Machine.start(graph, InstanceFacts("i", "w", "1.0.0"), {}, now=NOW)


def run(machine: Machine, step_id: str, *, scope: str = "", fails: bool = False, runner: str = "r") -> Any:
    machine.begin(scope, step_id, runner, NOW)
    if fails:
        return machine.fail(scope, step_id, runner, Failure("Broken", "broken"), NOW)
    return machine.succeed(scope, step_id, runner, {"by": step_id}, NOW)


def test_a_failed_step_marked_as_success_lets_the_instance_continue_with_an_empty_output() -> None:
    machine = machine_of(step("a"), step("b"))
    assert run(machine, "a", fails=True).next is None
    assert machine.status == "failed"

    decision = override(machine, "", "a", NOW)

    assert (decision.status, decision.next) == ("completed", "b")
    assert machine.state.steps["a"].output == {}
    assert machine.status == "running"
    assert run(machine, "b").next == "end"
    assert machine.status == "completed"


def test_a_running_step_marked_as_success_ignores_what_its_worker_still_reports() -> None:
    machine = machine_of(step("a"), step("b"))
    machine.begin("", "a", "r", NOW)

    assert override(machine, "", "a", NOW).next == "b"
    assert machine.succeed("", "a", "r", {"late": True}, NOW).status == "ignored"
    assert machine.state.steps["a"].output == {}


def test_a_step_with_branches_marked_as_success_starts_its_branches() -> None:
    branches = [{"branchId": "x", "steps": [step("x1")]}, {"branchId": "y", "steps": [step("y1")]}]
    machine = machine_of(step("p", parallelBranches=branches), step("z"))
    run(machine, "p", fails=True)

    assert override(machine, "", "p", NOW).status == "region"
    run(machine, "x1", scope="p/x")
    run(machine, "y1", scope="p/y")
    assert machine.state.active_steps == ["z"]


def test_what_is_done_or_never_started_cannot_be_marked() -> None:
    machine = machine_of(step("a"), step("b"), step("c"))
    run(machine, "a")
    assert override(machine, "", "a", NOW).status == "ignored"
    assert override(machine, "", "c", NOW).status == "ignored"
    assert override(machine, "nowhere", "c", NOW).status == "ignored"


def test_f6_a_step_that_nobody_runs_any_more_fails_without_another_attempt() -> None:
    retry: dict[str, Any] = {"retryPolicy": {"maxAttempts": 5, "delay": "PT1S"}}
    handler: dict[str, Any] = {
        "onFailure": {"errorHandler": {"conditions": [{"errorType": "WorkerLost", "nextStepId": "h"}]}}
    }
    machine = machine_of(step("a", **retry, **handler, next=[]), step("h"))
    machine.begin("", "a", "r", NOW)

    decision = give_up(machine, "", "a", Failure("WorkerLost", "gone"), NOW)

    assert (decision.status, decision.next) == ("failed", "h")
    assert machine.state.steps["a"].attempt == 1
    assert give_up(machine, "", "a", Failure("WorkerLost", "gone"), NOW).status == "ignored"


def test_f6_a_step_that_never_began_can_be_given_up() -> None:
    machine = machine_of(step("a"))
    assert give_up(machine, "", "a", Failure("WorkerLost", "gone"), NOW).status == "failed"
    assert machine.state.error["type"] == "WorkerLost"


def test_i1_an_instance_ends_as_its_run_does() -> None:
    machine = machine_of(step("a"), step("b"))
    run(machine, "a")
    assert agree_failed(machine, Failure("Cancelled", "marked as failed"), NOW)
    assert (machine.status, machine.state.active_steps) == ("failed", [])
    assert not agree_failed(machine, Failure("Cancelled", "again"), NOW)
    assert agree_completed(machine, NOW)
    assert machine.state.output == {"by": "a"}
    assert agree_failed(machine, Failure("Cancelled", "marked as failed"), NOW)
    assert machine.state.output is None


def test_i1_a_cancelled_instance_fails_without_handler_and_compensation() -> None:
    undo: dict[str, Any] = {"compensation": {"taskId": "noop"}}
    machine = machine_of(
        step("a", **undo),
        step("b"),
        step("clean"),
        onFailure={"action": "continue", "compensate": True, "nextStepId": "clean"},
    )
    run(machine, "a")
    machine.begin("", "b", "r", NOW)
    assert cancel(machine, "Cancelled by somebody", NOW)
    assert (machine.status, machine.state.error["type"]) == ("failed", "Cancelled")
    assert machine.state.error["message"] == "Cancelled by somebody"
    assert machine.state.steps["b"].status == "failed"
    assert machine.ready(NOW) == []
    assert machine.succeed("", "b", "r", {}, NOW).status == "ignored"
    assert not cancel(machine, "again", NOW)


def test_i1_what_has_ended_is_not_cancelled() -> None:
    machine = machine_of(step("a"))
    run(machine, "a")
    assert not cancel(machine, "too late", NOW)
    assert machine.status == "completed"


def test_a_waiting_attempt_continues_in_the_same_try() -> None:
    machine = machine_of(step("a"))
    machine.begin("", "a", "r", NOW)
    machine.park("", "a", "r", {}, NOW)
    assert machine.state.steps["a"].status == "waiting"
    assert machine.begin("", "a", "r", NOW).action == "resume"
    assert (machine.state.steps["a"].status, machine.state.steps["a"].attempt) == (
        "running",
        1,
    )
    assert machine.succeed("", "a", "r", {}, NOW).next == "end"


def test_f6_an_attempt_whose_wait_was_lost_is_made_again_because_no_worker_died() -> None:
    machine = machine_of(step("a"))
    machine.begin("", "a", "r", NOW)
    machine.park("", "a", "r", {}, NOW)
    assert machine.begin("", "a", "other", NOW).action == "run"
    assert machine.succeed("", "a", "r", {}, NOW).status == "ignored"
    assert machine.succeed("", "a", "other", {}, NOW).next == "end"


def test_a_live_step_that_a_person_clears_runs_again_without_a_failure() -> None:
    machine = machine_of(step("a"))
    machine.begin("", "a", "r", NOW, generation=3)
    assert machine.begin("", "a", "other", NOW, generation=4).action == "run"
    assert machine.succeed("", "a", "r", {}, NOW).status == "ignored"
    assert machine.succeed("", "a", "other", {}, NOW).next == "end"


MARK = Failure("MarkedFailed", "by hand")
COMPENSATED: dict[str, Any] = {"onFailure": {"action": "stop", "compensate": True}}
UNDO: dict[str, Any] = {"compensation": {"taskId": "undo"}}


def test_f7_a_step_marked_as_failed_just_as_it_ended_is_compensated_with_the_others() -> None:
    machine = machine_of(step("a", **UNDO), step("b", **UNDO), **COMPENSATED)
    run(machine, "a")
    run(machine, "b")
    assert machine.status == "completed"

    assert mark_failed(machine, "", "b", MARK, NOW).status == "failed"

    assert machine.status == "running"
    assert machine.state.failure is not None
    assert machine.state.failure.error["type"] == "MarkedFailed"
    done = []
    while machine.status == "running":
        (found,) = machine.ready(NOW)
        done.append((found.step_id, found.visit))
        run(machine, found.step_id)
    assert done == [("b", 1), ("a", 1)]
    assert machine.state.error is not None
    assert machine.state.error["type"] == "MarkedFailed"
    assert [each["status"] for each in machine.state.error["details"]["compensated"]] == ["completed", "completed"]


def test_f4_a_step_marked_as_failed_before_the_next_begins_is_routed() -> None:
    handler = {"onFailure": {"errorHandler": {"conditions": [{"errorType": "MarkedFailed", "nextStepId": "h"}]}}}
    machine = machine_of(step("a", **handler), step("b", next=[]), step("h"))
    run(machine, "a")
    assert mark_failed(machine, "", "a", MARK, NOW).next == "h"
    assert machine.state.active_steps == ["h"]
    assert mark_failed(machine, "", "a", MARK, NOW).status == "ignored"


def test_what_the_path_has_left_behind_cannot_be_marked_as_failed() -> None:
    machine = machine_of(step("a"), step("b"), step("c"), **COMPENSATED)
    run(machine, "a")
    machine.begin("", "b", "r", NOW)
    assert mark_failed(machine, "", "a", MARK, NOW).status == "ignored"
    assert mark_failed(machine, "", "c", MARK, NOW).status == "ignored"
    assert mark_failed(machine, "", "b", MARK, NOW).status == "failed"
    assert mark_failed(machine, "", "a", MARK, NOW).status == "ignored"


def test_a_step_of_a_branch_can_be_marked_while_its_region_runs() -> None:
    branches = [{"branchId": "x", "steps": [step("x1")]}, {"branchId": "y", "steps": [step("y1")]}]
    machine = machine_of(step("p", parallelBranches=branches), step("z"))
    run(machine, "p")
    run(machine, "x1", scope="p/x")
    assert mark_failed(machine, "", "p", MARK, NOW).status == "ignored"
    assert mark_failed(machine, "p/x", "x1", MARK, NOW).status == "failed"
    run(machine, "y1", scope="p/y")
    assert machine.state.steps["p"].status == "failed"
    assert machine.state.error is not None
    assert machine.state.error["type"] == "BranchFailed"


def test_what_ended_failed_is_not_taken_back_by_a_task_that_is_red_for_it() -> None:
    """A workflow's output that cannot be evaluated leaves the last step completed and its task red."""
    bad = {"output": {"type": "jsonata", "expression": "$error('no')"}}
    routed = {"onFailure": {"action": "continue", "nextStepId": "h"}}
    machine = machine_of(step("a", **routed, next=[]), step("h"), **bad)
    run(machine, "a")
    assert machine.status == "failed"
    assert mark_failed(machine, "", "a", MARK, NOW).status == "ignored"
    assert machine.status == "failed"
