"""Tasks that were lost with a result, or while their attempt waits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_workflow_provider.engine.calls import ActivationRef, Call
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.hosts.ending import Ended, Kept
from airflow_workflow_provider.operators import task_protocol
from airflow_workflow_provider.operators.outcomes import Again, Failed, Follow, Results
from airflow_workflow_provider.plan.nodes import Node
from airflow_workflow_provider.plan.plan import plan_of
from tests.unit.engine.driving import at, machine_of, step

POLICY = {"maxAttempts": 2, "delay": "PT7S"}


def node_of(machine: Machine, task_id: str) -> Node:
    return plan_of(machine.graph).node(task_id)


def begun(machine: Machine, runner: str = "first") -> Call:
    found = task_protocol.begin(machine, node_of(machine, "a"), runner, at(1), 0)
    assert isinstance(found, Call)
    return found


def found(ended: Ended, seconds: float = 2) -> Results:
    def find(activation: ActivationRef) -> Kept | None:
        assert (activation.step_id, activation.visit, activation.attempt) == ("a", 1, 1)
        return Kept(ended, at(seconds))

    return find


def test_i2_a_result_that_a_dead_process_left_is_stored_and_the_work_not_done_again() -> None:
    machine = machine_of(step("a", retryPolicy=POLICY), step("b"))
    begun(machine)
    outcome = task_protocol.begin(
        machine, node_of(machine, "a"), "second", at(9999), 0, found(Ended(output={"paid": True}))
    )
    assert outcome == Follow(("b",), {"paid": True})
    record = machine.state.steps["a"]
    assert (record.status, record.attempt, record.output) == ("completed", 1, {"paid": True})
    assert record.completed_at is not None
    assert record.completed_at.startswith("2026-01-01T00:00:02")


def test_f2_a_failure_that_a_dead_process_left_counts_as_it_happened() -> None:
    machine = machine_of(step("a", retryPolicy=POLICY))
    begun(machine)
    failed = Ended(failure=Failure("Broken", "no"))
    outcome = task_protocol.begin(machine, node_of(machine, "a"), "second", at(3), 0, found(failed))
    assert isinstance(outcome, Again)
    assert outcome.delay == timedelta(seconds=7)
    assert outcome.error is not None
    assert outcome.error["type"] == "Broken"


def test_f3_a_result_is_not_late_because_it_could_not_be_stored() -> None:
    machine = machine_of(step("a", timeout="PT5S"))
    call = begun(machine)
    late = Kept(Ended(output={"n": 1}), at(7))
    in_time = Kept(Ended(output={"n": 1}), at(5))
    outcome = task_protocol.begin(machine, node_of(machine, "a"), "second", at(600), 0, found(Ended(output={}), 5))
    assert isinstance(outcome, Follow)
    for kept, expected in ((in_time, Follow), (late, Failed)):
        machine = machine_of(step("a", timeout="PT5S"))
        call = begun(machine)
        assert isinstance(task_protocol.end(machine, node_of(machine, "a"), call, "first", kept), expected)


def test_i5_who_clears_a_task_wants_its_work_done_again() -> None:
    machine = machine_of(step("a"))
    begun(machine)
    call = task_protocol.begin(machine, node_of(machine, "a"), "second", at(3), 1, found(Ended(output={})))
    assert isinstance(call, Call)
    assert call.attempt == 2


def test_f6_without_a_result_the_worker_is_lost() -> None:
    machine = machine_of(step("a", onFailure={"action": "stop"}))
    begun(machine)
    outcome = task_protocol.begin(machine, node_of(machine, "a"), "second", at(3), 0)
    assert isinstance(outcome, Failed)
    assert outcome.error["type"] == "WorkerLost"


@pytest.mark.parametrize(("note", "question"), [({"limit": "instance", "deferral": {}}, None), ({}, "q")])
def test_a_wait_whose_task_was_lost_continues(note: dict[str, object], question: str | None) -> None:
    machine = machine_of(step("a"))
    begun(machine)
    assert machine.park("", "a", "first", note, at(2), question=question)
    call = task_protocol.begin(machine, node_of(machine, "a"), "second", at(9), 0)
    assert isinstance(call, Call)
    assert (call.visit, call.attempt) == (1, 1)
    current = machine.scope("").activation
    assert (current.runner, current.parked or {}) == ("second", note)
    ended = task_protocol.end(machine, node_of(machine, "a"), call, "second", Kept(Ended(output={"n": 1}), at(10)))
    assert ended == Follow(("end",), {"n": 1})


def test_a_new_attempt_waits_for_nothing_that_an_earlier_one_waited_for() -> None:
    machine = machine_of(step("a", retryPolicy=POLICY))
    begun(machine)
    assert machine.park("", "a", "first", {"limit": "attempt"}, at(2))
    machine.fail("", "a", "first", Failure("Broken", "no"), at(3))
    call = task_protocol.begin(machine, node_of(machine, "a"), "second", at(20), 0)
    assert isinstance(call, Call)
    assert call.attempt == 2
    assert machine.scope("").activation.parked is None
