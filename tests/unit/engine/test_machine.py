"""The machine where hosts meet it: reports that come late, twice or from the wrong one, and what is live."""

from __future__ import annotations

import copy
from datetime import timedelta

import pytest

from airflow_workflow_provider.engine.calls import ActivationRef
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.task import TaskDefinition
from tests.unit.engine.driving import NOW, at, begin, branch, fail, jmespath, machine_of, step, succeed, to


def everything(machine: Machine) -> object:
    return copy.deepcopy(machine.state)


def test_i2_a_report_counts_once() -> None:
    machine = machine_of(step("a"), step("b"))
    succeed(machine, "a", {"k": 1})
    before = everything(machine)

    assert machine.succeed("", "a", "r", {"k": 2}, NOW).status == "ignored"
    assert machine.fail("", "a", "r", Failure.named("Bad", "x"), NOW).status == "ignored"
    assert everything(machine) == before


def test_i2_a_report_counts_only_from_the_runner_that_began() -> None:
    machine = machine_of(step("a"))
    begin(machine, "a", runner="first")

    assert machine.succeed("", "a", "second", {}, NOW).status == "ignored"
    assert machine.status == "running"


def test_i2_beginning_twice_is_continuing() -> None:
    machine = machine_of(step("a"))
    begin(machine, "a")
    before = everything(machine)

    assert machine.begin("", "a", "r", at(5)).action == "resume"
    assert everything(machine) == before


def test_t5_a_step_that_no_decision_activated_is_skipped() -> None:
    machine = machine_of(step("a"), step("b"))

    assert machine.begin("", "b", "r", NOW).action == "skip"
    assert machine.begin("no/such", "b", "r", NOW).action == "skip"


def test_f6_another_runner_finds_a_lost_worker() -> None:
    machine = machine_of(step("a", retryPolicy={"maxAttempts": 2}))
    begin(machine, "a", runner="dead")

    assert machine.begin("", "a", "heir", NOW).action == "run"
    assert machine.state.steps["a"].attempt == 2
    assert machine.state.steps["a"].error["type"] == "WorkerLost"
    assert machine.succeed("", "a", "dead", {"late": True}, NOW).status == "ignored"
    machine.succeed("", "a", "heir", {"k": 1}, NOW)
    assert machine.state.output == {"k": 1}


def test_f6_without_another_attempt_the_lost_worker_is_the_failure() -> None:
    machine = machine_of(step("a"))
    begin(machine, "a", runner="dead")

    begun = machine.begin("", "a", "heir", NOW)

    assert begun.action == "decided"
    assert machine.state.error["type"] == "WorkerLost"


def test_i4_active_steps_and_the_current_step() -> None:
    machine = machine_of(
        step("a"), step("p", parallelBranches=[branch("x", step("b")), branch("y", step("c"))]), step("d")
    )
    assert (machine.state.active_steps, machine.current_step_id) == (["a"], "a")
    succeed(machine, "a")
    succeed(machine, "p")
    assert (machine.state.active_steps, machine.current_step_id) == (["p", "b", "c"], "p")
    succeed(machine, "b", scope="p/x")
    assert machine.state.active_steps == ["p", "c"]
    succeed(machine, "c", scope="p/y")
    succeed(machine, "d")
    assert (machine.state.active_steps, machine.current_step_id) == ([], "d")


def test_i4_a_compensation_is_no_active_step() -> None:
    machine = machine_of(
        step("a", compensation={"taskId": "undo"}), step("b"), onFailure={"action": "stop", "compensate": True}
    )
    succeed(machine, "a")
    fail(machine, "b")

    assert [found.kind for found in machine.ready(NOW)] == ["compensation"]
    assert (machine.state.active_steps, machine.current_step_id) == ([], "b")


def test_f7_the_idempotency_key_is_the_same_for_every_attempt_and_another_for_every_visit() -> None:
    task = TaskDefinition.model_validate(
        {"taskId": "undo", "name": "u", "operator": "x.Y", "retryPolicy": {"maxAttempts": 3}}
    )
    machine = machine_of(
        step("a", compensation={"taskId": "undo", "input": jmespath("{k: output.k, left: data.id}")},
             next=[to("a", "data.k < 2"), to("b")]),
        step("b"),
        onFailure={"action": "stop", "compensate": True},
        tasks={"undo": task},
        data={"id": 7},
    )  # fmt: skip
    keys = [begin(machine, "a").idempotency_key]
    machine.succeed("", "a", "r", {"k": 1}, NOW)
    keys.append(begin(machine, "a").idempotency_key)
    machine.succeed("", "a", "r", {"k": 2}, NOW)
    fail(machine, "b")

    first = begin(machine, "a")
    machine.fail("", "a", "r", Failure.named("Busy", "x"), NOW)
    second = begin(machine, "a")
    machine.succeed("", "a", "r", None, NOW)
    third = begin(machine, "a")

    assert keys == ["i/a/1", "i/a/2"]
    assert [call.idempotency_key for call in (first, second, third)] == ["i/a/2", "i/a/2", "i/a/1"]
    assert [(call.task_id, call.attempt) for call in (first, second, third)] == [("undo", 1), ("undo", 2), ("undo", 1)]
    assert [call.input for call in (first, third)] == [{"k": 2, "left": 7}, {"k": 1, "left": 7}]


def test_f7_items_have_keys_of_their_own() -> None:
    machine = machine_of(
        step("each", forEach={"items": jmespath("input.xs"), "steps": [step("a")]}), data={"xs": [1, 2]}
    )
    succeed(machine, "each")

    keys = [begin(machine, "a", f"each[{number}]").idempotency_key for number in (0, 1)]

    assert keys == ["i/a/1/0", "i/a/1/1"]


def test_x3_uuids_are_the_same_in_every_attempt_of_a_visit() -> None:
    machine = machine_of(
        step("a", input={"type": "jsonata", "expression": "[$uuid(), $uuid()]"}, retryPolicy={"maxAttempts": 2}),
        step("b", input={"type": "jsonata", "expression": "[$uuid()]"}),
    )
    first = begin(machine, "a").input
    machine.fail("", "a", "r", Failure.named("Bad", "x"), NOW)
    second = begin(machine, "a").input
    machine.succeed("", "a", "r", {}, NOW)

    assert first == second
    third = begin(machine, "b").input
    assert isinstance(first, list)
    assert isinstance(third, list)
    assert len({*first, *third}) == 3


def test_f3_the_attempt_that_is_late_longest_fails_first() -> None:
    machine = machine_of(
        step("p", timeout="PT10S", parallelBranches=[branch("x", step("a", timeout="PT2S")), branch("y", step("b"))]),
    )
    succeed(machine, "p")
    begin(machine, "a", "p/x")
    begin(machine, "b", "p/y")

    machine.expire(at(60))

    errors = {name: machine.state.steps[name].error["type"] for name in ("a", "b", "p")}
    assert errors == {"a": "TimeoutError", "b": "Cancelled", "p": "TimeoutError"}


def test_f3_a_timeout_past_the_end_of_the_calendar_never_comes() -> None:
    machine = machine_of(step("a", timeout="P999999999D"), settings={"timeout": "P999999999D"})

    call = begin(machine, "a")

    assert call.deadline is not None
    assert call.deadline.year == 9999


def test_f3_the_next_timer_is_the_nearest() -> None:
    machine = machine_of(
        step("a", timeout="PT5M", retryPolicy={"maxAttempts": 2, "delay": "PT7S"}), settings={"timeout": "PT1H"}
    )
    assert machine.next_timer() == NOW + timedelta(hours=1)
    begin(machine, "a")
    assert machine.next_timer() == NOW + timedelta(minutes=5)
    machine.fail("", "a", "r", Failure.named("Bad", "x"), at(60))
    assert machine.next_timer() == at(67)
    assert machine.ready(at(66)) == []
    assert [found.step_id for found in machine.ready(at(67))] == ["a"]


def test_a_failing_input_is_reported_as_the_attempts_failure() -> None:
    machine = machine_of(step("a", input=jmespath("abs(input.text)")), data={"text": "x"})
    machine.begin("", "a", "r", NOW)

    with pytest.raises(StepFailure) as caught:
        machine.prepare("", NOW)
    machine.fail("", "a", "r", Failure.from_exception(caught.value), NOW)

    assert machine.state.error["type"] == "ExpressionError"


def test_waiting_calls_are_distinguished_by_visit_and_attempt() -> None:
    machine = machine_of(step("a", timeout="PT5S", retryPolicy={"maxAttempts": 2}))
    begin(machine, "a")
    machine.park("", "a", "r", {"until": None, "note": {}}, NOW)
    first = ActivationRef("", "a", 1, attempt=1)
    assert machine.waits(first)

    machine.expire(at(5))
    assert not machine.waits(first)
    begin(machine, "a", now=at(5))
    machine.park("", "a", "r", {"until": None, "note": {}}, at(5))

    assert not machine.waits(first)
    assert machine.waits(ActivationRef("", "a", 1, attempt=2))
    assert machine.waits(ActivationRef("", "a", 1))
