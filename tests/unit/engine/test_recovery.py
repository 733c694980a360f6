"""Rule I5: going on after an end."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from airflow_workflow_provider.engine import manual_override, recovery, suspension
from airflow_workflow_provider.engine.failure import Failure, moment, timestamp
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.manual_override import abandon
from airflow_workflow_provider.engine.operating import OPERATIONS, TABLE, possible, situation, verdict
from airflow_workflow_provider.engine.phases import Phase
from airflow_workflow_provider.engine.stored_state import read_state
from airflow_workflow_provider.errors import Conflict, NotFound, StepFailure
from airflow_workflow_provider.vocabulary import ErrorType
from tests.unit.engine.driving import NOW, begin, branch, fail, jmespath, machine_of, step, succeed, to

ADA = {"id": "7", "name": "ada"}


def stored(machine: Machine) -> Machine:
    """Return the machine as another process would find it."""
    return Machine(machine.graph, read_state(json.loads(json.dumps(machine.state.to_json())), "the instance"))


def cancelled(machine: Machine) -> Machine:
    assert manual_override.cancel(machine, "Cancelled by ada", NOW)
    return stored(machine)


def retried(machine: Machine) -> Machine:
    """Retry with checks that hold always: what is live is what was named, and nothing of the end is left."""
    machine = stored(machine)
    places = recovery.retry(machine, NOW)
    assert places
    assert machine.status == "running"
    assert (machine.state.error, machine.state.output) == (None, None)
    live = {(key, current.step_id) for key, current in machine.live() if current.phase is Phase.PENDING}
    assert live == set(places)
    return machine


def test_i5_the_failed_step_is_retried() -> None:
    machine = machine_of(step("a"), step("b"), step("c"))
    succeed(machine, "a", {"k": 1})
    fail(machine, "b")
    machine = retried(machine)
    assert machine.state.active_steps == ["b"]
    succeed(machine, "b")
    succeed(machine, "c")
    assert machine.status == "completed"
    assert [machine.state.steps[name].visit for name in "abc"] == [1, 2, 1]


def test_i5_the_time_that_an_instance_may_take_begins_again() -> None:
    machine = machine_of(step("a"), settings={"timeout": "PT10M"})
    begin(machine, "a")
    late = NOW + timedelta(hours=1)
    machine.expire(late)
    assert machine.state.error["type"] == ErrorType.TIMEOUT_ERROR
    recovery.retry(machine, late)
    assert moment(machine.state.instance.deadline or "") == late + timedelta(minutes=10)


def test_f3_a_deadline_counts_from_the_start_of_an_instance_that_is_retried() -> None:
    machine = machine_of(step("a"), settings={"deadline": "PT10M"})
    fail(machine, "a")
    late = NOW + timedelta(hours=1)
    assert not machine.expire(late)
    recovery.retry(machine, late)
    assert machine.state.instance.due_at == timestamp(NOW + timedelta(minutes=10))
    assert machine.expire(late)
    assert not machine.expire(late + timedelta(hours=1))


def test_i5_what_failed_and_what_was_stopped_in_branches_is_retried_together() -> None:
    wide = step(
        "p",
        parallelBranches=[
            branch("x", step("x1"), step("x2")),
            branch("y", step("y1"), step("y2")),
            branch("z", step("z1")),
        ],
        failFast=True,
    )
    machine = machine_of(wide, step("q"))
    succeed(machine, "p")
    succeed(machine, "z1", {"z": 1}, "p/z")
    succeed(machine, "y1", {}, "p/y")
    begin(machine, "x1", "p/x")
    fail_x1 = machine.fail("p/x", "x1", "r", Failure.named("Bad", "broken"), NOW)
    assert fail_x1.status == "failed"
    assert recovery.stopped_at(machine) == [("p/x", "x1"), ("p/y", "y2")]
    assert recovery.stopped_at(machine, failed_only=True) == [("p/x", "x1")]
    machine = retried(machine)
    succeed(machine, "y2", {"y": 2}, "p/y")
    succeed(machine, "x1", {}, "p/x")
    succeed(machine, "x2", {"x": 2}, "p/x")
    succeed(machine, "q")
    assert machine.status == "completed"
    assert {"x": 2, "y": 2, "z": 1}.items() <= machine.state.data.items()


def test_i5_a_cancelled_instance_continues_where_it_was() -> None:
    machine = machine_of(step("a"), step("b"))
    succeed(machine, "a")
    machine = cancelled(machine)
    assert "b" not in machine.state.steps
    machine = retried(machine)
    succeed(machine, "b")
    assert machine.status == "completed"

    machine = machine_of(step("a"), step("b"))
    begin(machine, "a")
    machine = retried(cancelled(machine))
    succeed(machine, "a")
    assert machine.state.steps["a"].visit == 2


def test_i4_the_current_step_of_a_cancelled_instance_is_the_one_that_was_stopped() -> None:
    machine = machine_of(step("a"), step("b"), step("h"), onFailure={"action": "stop", "nextStepId": "h"})
    succeed(machine, "a")
    begin(machine, "b")
    assert cancelled(stored(machine)).current_step_id == "b"
    abandon(machine, "", Failure(ErrorType.TIMEOUT_ERROR, "late"), NOW)
    succeed(machine, "h")
    assert (machine.status, machine.current_step_id) == ("failed", "h")


def test_i5_a_suspended_instance_that_was_cancelled_is_not_suspended_when_retried() -> None:
    machine = machine_of(step("a"))
    suspension.suspend(machine, ADA, None, NOW)
    assert not retried(cancelled(machine)).is_suspended


def test_i5_items_are_retried_as_a_whole() -> None:
    items = {"items": jmespath("`[1, 2]`"), "as": "n", "steps": [step("one")]}
    machine = machine_of(step("each", forEach=items))
    succeed(machine, "each")
    begin(machine, "one", "each[0]")
    machine = cancelled(machine)
    assert recovery.stopped_at(machine) == [("", "each")]
    machine = retried(machine)
    assert not [key for key in machine.state.lists if key.startswith("each[")]
    succeed(machine, "each")
    assert succeed(machine, "one", {}, "each[0]").status == "completed"
    succeed(machine, "one", {}, "each[1]")
    assert machine.status == "completed"


def test_i5_an_earlier_visit_of_a_region_does_not_count() -> None:
    wide = step(
        "p",
        parallelBranches=[branch("x", step("x1"))],
        onFailure={"action": "continue", "nextStepId": "again"},
        next=[],
    )
    machine = machine_of(wide, step("again", next=[to("p")]))
    succeed(machine, "p")
    fail(machine, "x1", scope="p/x")
    succeed(machine, "again")
    begin(machine, "p")
    assert recovery.stopped_at(cancelled(machine)) == [("", "p")]
    machine = machine_of(wide, step("again", next=[to("p")]))
    succeed(machine, "p")
    fail(machine, "x1", scope="p/x")
    succeed(machine, "again")
    assert recovery.stopped_at(cancelled(machine)) == [("", "p")]


def test_i5_the_step_that_the_workflows_handler_was_given_is_retried_not_the_handler() -> None:
    machine = machine_of(step("a"), step("b"), step("h"), onFailure={"action": "stop", "nextStepId": "h"})
    succeed(machine, "a")
    fail(machine, "b")
    fail(machine, "h")
    assert machine.status == "failed"
    machine = retried(machine)
    assert (machine.state.active_steps, machine.state.failure) == (["b"], None)


def test_i5_a_handler_that_was_stopped_continues_as_a_handler() -> None:
    machine = machine_of(step("a"), step("h"), onFailure={"action": "stop", "nextStepId": "h"})
    fail(machine, "a")
    begin(machine, "h")
    machine = retried(cancelled(machine))
    assert machine.state.active_steps == ["h"]
    succeed(machine, "h")
    assert (machine.status, machine.state.error["type"]) == ("failed", "Bad")


def test_f7_what_was_compensated_is_not_retried() -> None:
    machine = machine_of(
        step("a", compensation={"taskId": "undo"}), step("b"), onFailure={"action": "stop", "compensate": True}
    )
    succeed(machine, "a")
    fail(machine, "b")
    machine.begin("", "a", "r", NOW)
    machine.succeed("", "a", "r", {}, NOW)
    for operation in ("retry", "skip"):
        assert verdict(machine, operation).code == "compensated"
    assert possible(machine) == ["restart"]


def test_i5_refused_input_and_a_chosen_failure_are_nothing_to_retry() -> None:
    machine = machine_of(step("a", next=[to("fail")]))
    succeed(machine, "a")
    assert (machine.status, verdict(machine, "retry").code) == ("failed", "nothing-to-retry")


# Restart


def test_i5_an_instance_is_restarted_from_a_step_with_another_input() -> None:
    machine = machine_of(
        step("a", assign={"seen": jmespath("input.n")}), step("b"), step("c"), data={"n": 1, "old": True, "k": 0}
    )
    succeed(machine, "a", {"k": 5})
    succeed(machine, "b", {"b": 1})
    succeed(machine, "c")
    places = recovery.restart_from(machine, "b", NOW, {"n": 2, "k": 9, "fresh": True})
    assert places == [("", "b")]
    state = machine.state
    assert state.input == {"n": 2, "k": 9, "fresh": True}
    # What a step has put there stays; what was only input is exchanged.
    assert state.data == {"n": 2, "k": 5, "fresh": True, "seen": 1, "b": 1}
    assert state.active_steps == ["b"]


def test_i5_what_was_stopped_beside_the_step_continues_too() -> None:
    wide = step("p", parallelBranches=[branch("x", step("x1"), step("x2")), branch("y", step("y1"))])
    machine = machine_of(wide, step("q"))
    succeed(machine, "p")
    succeed(machine, "x1", {}, "p/x")
    begin(machine, "x2", "p/x")
    begin(machine, "y1", "p/y")
    machine = cancelled(machine)
    assert recovery.restart_from(machine, "x1", NOW) == [("p/x", "x1"), ("p/y", "y1")]
    succeed(machine, "y1", {}, "p/y")
    succeed(machine, "x1", {}, "p/x")
    succeed(machine, "x2", {}, "p/x")
    succeed(machine, "q")
    assert machine.status == "completed"


@pytest.mark.parametrize(
    ("step_id", "kind", "code"),
    [
        ("nowhere", NotFound, "unknown-step"),
        ("one", Conflict, "inside-items"),
        ("late", Conflict, "step-not-run"),
        ("l1", Conflict, "step-not-run"),
    ],
)
def test_i5_a_step_to_restart_from_must_have_run(step_id: str, kind: type[Exception], code: str) -> None:
    items = {"items": jmespath("`[1]`"), "as": "n", "steps": [step("one")]}
    machine = machine_of(
        step("each", forEach=items), step("a"), step("late", parallelBranches=[branch("l", step("l1"))])
    )
    succeed(machine, "each")
    succeed(machine, "one", {}, "each[0]")
    fail(machine, "a")
    before = json.dumps(machine.state.to_json())
    with pytest.raises(kind) as raised:
        recovery.restart_from(machine, step_id, NOW)
    assert raised.value.code == code  # type: ignore[attr-defined]
    assert json.dumps(machine.state.to_json()) == before


# Skip


def test_i5_an_output_stands_for_a_failed_step() -> None:
    machine = machine_of(
        step("a", output=jmespath("{total: output.amount}"), assign={"t": jmespath("output.total")}),
        step("b"),
    )
    fail(machine, "a")
    assert recovery.skip(machine, "", "a", {"amount": 7}, NOW)
    record = machine.state.steps["a"]
    assert (record.status, record.output, record.next) == ("completed", {"total": 7}, "b")
    assert machine.state.variables == {"t": 7}
    assert machine.state.active_steps == ["b"]


def test_i5_the_last_step_is_skipped_and_the_instance_completes() -> None:
    machine = machine_of(step("a"))
    fail(machine, "a")
    recovery.skip(machine, "", "a", {"k": 1}, NOW)
    assert (machine.status, machine.state.output) == ("completed", {"k": 1})


@pytest.mark.parametrize(
    "more",
    [
        {"output": jmespath("to_number(@.output, 'x')")},
        {"next": [to("b", "output.k > 100")]},
    ],
)
def test_i5_an_output_from_which_nothing_follows_is_refused(more: dict[str, Any]) -> None:
    machine = machine_of(step("a", **more), step("b"))
    fail(machine, "a")
    with pytest.raises(StepFailure):
        recovery.skip(machine, "", "a", {"k": 1}, NOW)


def test_i5_a_skipped_step_with_branches_runs_them_unless_they_failed() -> None:
    wide = step("p", output=jmespath("{n: output.n}"), parallelBranches=[branch("x", step("x1"))])
    machine = machine_of(wide, step("q"))
    fail(machine, "p")
    assert not recovery.skip(machine, "", "p", {"n": 1}, NOW)
    assert sorted(machine.state.active_steps) == ["p", "x1"]
    fail(machine, "x1", scope="p/x")
    assert recovery.stopped_at(machine, failed_only=True) == [("p/x", "x1")]
    assert recovery.skip(machine, "p/x", "x1", {"x": 1}, NOW)
    assert machine.state.active_steps == ["q"]


# The table


def situations() -> dict[str, Machine]:
    """Return an instance in each situation."""
    running, asking, suspended, completed, failed, stopped = (machine_of(step("a"), step("b")) for _ in range(6))
    begin(asking, "a")
    asking.park("", "a", "r", {}, NOW, question="q")
    suspension.suspend(suspended, ADA, None, NOW)
    succeed(completed, "a")
    succeed(completed, "b")
    fail(failed, "a")
    manual_override.cancel(stopped, "x", NOW)
    return {
        "running": running,
        "asking": asking,
        "suspended": suspended,
        "completed": completed,
        "failed": failed,
        "cancelled": stopped,
    }


def test_i5_every_operation_has_an_answer_in_every_situation() -> None:
    found = situations()
    assert {name: situation(machine) for name, machine in found.items()} == {name: name for name in found}
    for operation in OPERATIONS:
        assert TABLE[operation].keys() == found.keys()
        for answer in TABLE[operation].values():
            assert (answer.code is None) == (answer.outcome != "refused")
    assert {name: possible(machine) for name, machine in found.items()} == {
        "running": ["suspend", "cancel", "migrate"],
        "asking": ["suspend", "cancel", "migrate"],
        "suspended": ["resume", "cancel", "migrate"],
        "completed": ["restart"],
        "failed": ["retry", "restart", "skip"],
        "cancelled": ["retry", "restart"],
    }


def test_f7_only_compensations_run_after_a_cancellation_that_asks_for_them() -> None:
    machine = machine_of(
        step("a", compensation={"taskId": "undo"}),
        step("b"),
        step("h"),
        onFailure={"action": "continue", "compensate": True, "nextStepId": "h"},
    )
    succeed(machine, "a")
    begin(machine, "b")
    assert verdict(machine, "cancel", compensate=True).outcome == "do"
    assert manual_override.cancel_compensating(machine, "Cancelled by ada", NOW) == ["b"]
    assert machine.status == "running"
    assert verdict(machine, "cancel").outcome == "unchanged"
    assert machine.begin("", "a", "r", NOW).action == "run"
    machine.succeed("", "a", "r", {}, NOW)
    assert (machine.status, machine.state.error["type"]) == ("failed", "Cancelled")
    assert machine.state.error["details"]["compensated"] == [{"stepId": "a", "visit": 1, "status": "completed"}]
    assert verdict(machine, "cancel").outcome == "unchanged"


def test_f7_cancelling_with_compensations_that_there_are_not_is_refused() -> None:
    assert verdict(machine_of(step("a")), "cancel", compensate=True).code == "no-compensation"
    machine = machine_of(
        step("a", compensation={"taskId": "undo"}), step("b"), onFailure={"action": "stop", "compensate": True}
    )
    succeed(machine, "a")
    fail(machine, "b")
    assert verdict(machine, "cancel", compensate=True).code == "already-failing"
    assert verdict(machine, "cancel").outcome == "do"
