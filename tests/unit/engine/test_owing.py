"""Compensations that an instance owes: each is run once, whoever ended it when (rule F7)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_workflow_provider.engine.completion import owed
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.manual_override import abandon, agree_failed, cancel
from airflow_workflow_provider.engine.owing import compensate
from tests.unit.engine.driving import NOW, machine_of, step, succeed

COMPENSATED = {"onFailure": {"action": "stop", "compensate": True, "nextStepId": "h"}}
UNDO = {"compensation": {"taskId": "undo"}}


def three() -> Machine:
    steps = [step(step_id, **UNDO) for step_id in "abc"]
    machine = machine_of(*steps, step("d", next=[]), step("h"), **COMPENSATED)
    for step_id in "abc":
        succeed(machine, step_id, {"by": step_id})
    return machine


def lost(machine: Machine) -> None:
    agree_failed(machine, Failure("WorkerLost", "gone"), NOW)


def cancelled(machine: Machine) -> None:
    cancel(machine, "by Ada", NOW)


def count(machine: Machine) -> int:
    return owed(machine.graph, machine.state)


def compensate_all(machine: Machine, at_most: int = 99) -> list[str]:
    done: list[str] = []
    while machine.status == "running" and len(done) < at_most:
        (found,) = machine.ready(NOW)
        done.append(found.step_id)
        succeed(machine, found.step_id)
    return done


@pytest.mark.parametrize("end", [lost, cancelled])
def test_f7_however_it_ended_its_compensations_can_be_run(end: Callable[[Machine], None]) -> None:
    machine = three()
    assert count(machine) == 0
    end(machine)
    error = machine.state.error
    assert error is not None
    assert count(machine) == 3

    assert compensate(machine, NOW) == 3
    assert (machine.status, count(machine)) == ("running", 0)
    assert compensate_all(machine) == ["c", "b", "a"]

    assert (machine.status, count(machine)) == ("failed", 0)
    assert machine.state.error is not None
    assert {**machine.state.error, "details": {}} == {**error, "details": {}}
    assert [each["stepId"] for each in machine.state.error["details"]["compensated"]] == ["c", "b", "a"]
    assert compensate(machine, NOW) == 0


def test_f7_what_was_compensated_before_the_end_is_not_compensated_again() -> None:
    machine = three()
    machine.begin("", "d", "r", NOW)
    machine.fail("", "d", "r", Failure("Bad", "no"), NOW)
    assert compensate_all(machine, 1) == ["c"]
    # The second one has begun when nobody runs it any more: done or not, only another attempt makes it sure.
    machine.begin("", "b", "r", NOW)
    lost(machine)
    assert count(machine) == 2
    compensate(machine, NOW)
    assert compensate_all(machine) == ["b", "a"]
    assert machine.state.error is not None
    assert machine.state.error["type"] == "WorkerLost"
    listed = machine.state.error["details"]["compensated"]
    assert [(each["stepId"], each["status"]) for each in listed] == [
        ("c", "completed"), ("b", "completed"), ("a", "completed")
    ]  # fmt: skip


def test_f7_it_can_be_interrupted_again_and_again() -> None:
    machine, done = three(), []
    lost(machine)
    while count(machine):
        compensate(machine, NOW)
        done += compensate_all(machine, 1)
        lost(machine)
    assert done == ["c", "b", "a"]


@pytest.mark.parametrize("more", [{"onFailure": {"action": "stop"}}, {}])
def test_f7_without_compensate_nothing_is_owed(more: dict[str, object]) -> None:
    machine = machine_of(step("a", **UNDO), step("b"), **more)
    succeed(machine, "a")
    cancelled(machine)
    assert count(machine) == 0
    assert compensate(machine, NOW) == 0
    assert machine.status == "failed"


def test_f7_what_was_followed_owes_nothing() -> None:
    machine = three()
    machine.begin("", "d", "r", NOW)
    machine.fail("", "d", "r", Failure("Bad", "no"), NOW)
    assert compensate_all(machine) == ["c", "b", "a", "h"]
    assert (machine.status, count(machine)) == ("failed", 0)


def test_f7_compensations_whose_task_a_person_marked_as_failed_are_owed() -> None:
    machine = three()
    machine.begin("", "d", "r", NOW)
    machine.fail("", "d", "r", Failure("Bad", "no"), NOW)
    assert compensate_all(machine, 1) == ["c"]
    abandon(machine, "", Failure("MarkedFailed", "by hand"), NOW)
    assert (machine.status, count(machine)) == ("failed", 2)
    assert "instance.compensationOwed" in [event.name for event in machine.drain_events()]
    assert machine.state.error is not None
    assert machine.state.error["type"] == "Bad"
    assert machine.state.error["details"]["handlerError"]["type"] == "MarkedFailed"
    compensate(machine, NOW)
    assert compensate_all(machine) == ["b", "a"]
