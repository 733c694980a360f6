"""Running a finished step again, because somebody cleared its task."""

from __future__ import annotations

import json

from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.stored_state import read_state
from tests.unit.engine.driving import NOW, branch, fail, machine_of, step, succeed


def clear(machine: Machine, step_id: str, scope: str = "", runner: str = "again") -> None:
    """Begin a finished step once more with a higher generation, as Airflow does after it was cleared."""
    assert machine.begin(scope, step_id, runner, NOW, generation=1).action == "run"


def test_a_failed_step_runs_again_and_the_instance_recovers() -> None:
    machine = machine_of(step("a"), step("b"))
    succeed(machine, "a", {"k": 1})
    fail(machine, "b")
    assert machine.status == "failed"

    clear(machine, "b")
    assert machine.status == "running"
    assert machine.state.error is None
    machine.succeed("", "b", "again", {"k": 2}, NOW)

    assert machine.status == "completed"
    assert machine.state.output == {"k": 2}
    assert machine.state.steps["b"].visit == 2


def test_a_step_in_the_middle_runs_again_with_what_follows() -> None:
    machine = machine_of(step("a"), step("b"))
    succeed(machine, "a", {"k": 1})
    succeed(machine, "b", {"k": 2})

    clear(machine, "a")
    assert machine.succeed("", "a", "again", {"k": 3}, NOW).next == "b"
    succeed(machine, "b", {"k": 4}, runner="again")

    assert machine.state.data == {"k": 4}


def test_i2_without_a_higher_generation_a_finished_step_only_reports_its_decision() -> None:
    machine = machine_of(step("a"), step("b"))
    succeed(machine, "a", {"k": 1})

    begun = machine.begin("", "a", "twin", NOW)

    assert begun.action == "decided"
    assert begun.decision is not None
    assert begun.decision.next == "b"
    assert machine.state.steps["a"].visit == 1


def test_a_step_of_a_branch_runs_again_after_the_region_has_failed() -> None:
    machine = machine_of(
        step("p", parallelBranches=[branch("x", step("a")), branch("y", step("b"))]),
        step("c"),
    )
    succeed(machine, "p", {"own": 1})
    succeed(machine, "a", {"k": "a"}, "p/x")
    fail(machine, "b", scope="p/y")
    assert machine.status == "failed"
    stored = Machine(machine.graph, read_state(json.loads(json.dumps(machine.state.to_json())), "the instance"))

    clear(stored, "b", "p/y")
    assert sorted(stored.state.active_steps) == ["b", "p"]
    stored.succeed("p/y", "b", "again", {"k": "b"}, NOW)

    assert stored.state.steps["p"].status == "completed"
    assert stored.state.steps["p"].output == {
        "task": {"own": 1},
        "branches": {"x": {"k": "a"}, "y": {"k": "b"}},
    }
    assert stored.state.data == {"own": 1, "k": "b"}
    succeed(stored, "c")
    assert stored.status == "completed"


def test_a_step_deep_inside_opens_every_region_around_it() -> None:
    inner = step("q", parallelBranches=[branch("y", step("a"))])
    machine = machine_of(step("p", parallelBranches=[branch("x", inner)]))
    succeed(machine, "p")
    succeed(machine, "q", scope="p/x")
    fail(machine, "a", scope="p/x/q/y")
    assert machine.status == "failed"

    clear(machine, "a", "p/x/q/y")
    machine.succeed("p/x/q/y", "a", "again", {"k": 1}, NOW)

    assert machine.status == "completed"
    assert machine.state.output["branches"]["x"]["branches"]["y"] == {"k": 1}


def test_what_ran_behind_it_is_stopped() -> None:
    machine = machine_of(step("a"), step("b"))
    succeed(machine, "a")
    machine.begin("", "b", "r", NOW)

    clear(machine, "a")

    assert machine.state.steps["b"].error["type"] == "Cancelled"
    assert machine.succeed("", "b", "r", {"late": True}, NOW).status == "ignored"
    assert machine.state.active_steps == ["a"]


def test_f7_the_step_that_failed_runs_again_after_the_workflows_handler_has_run() -> None:
    machine = machine_of(step("a"), step("h"), onFailure={"action": "stop", "nextStepId": "h"})
    fail(machine, "a")
    succeed(machine, "h")
    assert machine.status == "failed"

    clear(machine, "a")
    machine.succeed("", "a", "again", {"k": 1}, NOW)

    assert machine.status == "completed"
    assert machine.state.failure is None


def test_f7_a_cleared_handler_stays_on_the_way_to_the_failure() -> None:
    machine = machine_of(step("a"), step("h"), onFailure={"action": "stop", "nextStepId": "h"})
    fail(machine, "a")
    fail(machine, "h", "Worse")

    clear(machine, "h")
    machine.succeed("", "h", "again", {}, NOW)

    assert machine.status == "failed"
    assert machine.state.error["type"] == "Bad"
    assert "handlerError" not in machine.state.error["details"]


def test_t6_a_cleared_step_counts_its_visits_from_the_start() -> None:
    machine = machine_of(step("a"), settings={"maxIterations": 1})
    fail(machine, "a")

    clear(machine, "a")

    assert machine.status == "running"
