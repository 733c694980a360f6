"""Rule I3: a suspended instance begins nothing, and its own deadline stands still."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from airflow_workflow_provider.engine import suspension, timing
from airflow_workflow_provider.engine.alerts import is_overdue
from airflow_workflow_provider.engine.calls import Call
from airflow_workflow_provider.engine.failure import Failure, moment
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.stored_state import read_state
from airflow_workflow_provider.hosts.ending import Ended
from airflow_workflow_provider.hosts.inline import InlineHost, Left, Region, Waiting
from tests.unit.engine.driving import NOW, branch, jmespath, machine_of, step, succeed

ADA = {"id": "7", "name": "ada"}
MINUTE = timedelta(minutes=1)
BROKEN = Failure.named("Broken", "not today")


def suspended(machine: Machine) -> Machine:
    assert suspension.suspend(machine, ADA, "stock taking", NOW)
    return machine


def test_i3_nothing_begins_while_an_instance_is_suspended() -> None:
    machine = machine_of(step("a"), step("b"))
    assert machine.begin("", "a", "r", NOW).action == "run"
    suspended(machine)
    assert machine.status == "suspended"
    assert machine.state.suspension.by == ADA
    machine.succeed("", "a", "r", {"k": 1}, NOW)
    assert machine.state.steps["a"].status == "completed"
    assert machine.begin("", "b", "r", NOW).action == "hold"
    assert machine.ready(NOW) == []
    assert "b" not in machine.state.steps

    assert suspension.resume(machine, NOW)
    assert (machine.status, machine.begin("", "b", "r", NOW).action) == ("running", "run")


def test_i3_suspending_and_resuming_twice_changes_nothing() -> None:
    machine = suspended(machine_of(step("a")))
    before = json.dumps(machine.state.to_json())
    assert not suspension.suspend(machine, ADA, "again", NOW + MINUTE)
    assert json.dumps(machine.state.to_json()) == before
    assert suspension.resume(machine, NOW + MINUTE)
    assert not suspension.resume(machine, NOW + 2 * MINUTE)


def test_i3_a_retry_waits_for_the_end_of_the_suspension() -> None:
    machine = machine_of(step("a", retryPolicy={"maxAttempts": 3, "delay": "PT1S"}))
    machine.begin("", "a", "r", NOW)
    suspended(machine)
    assert machine.fail("", "a", "r", BROKEN, NOW).status == "retry"
    assert machine.next_timer() is None
    assert machine.begin("", "a", "r2", NOW + MINUTE).action == "hold"
    suspension.resume(machine, NOW + MINUTE)
    assert [each.step_id for each in machine.ready(NOW + MINUTE)] == ["a"]


def test_i3_a_worker_that_died_is_noted_and_its_next_attempt_held() -> None:
    machine = machine_of(step("a", retryPolicy={"maxAttempts": 3, "delay": "PT1S"}))
    machine.begin("", "a", "dead", NOW)
    suspended(machine)
    assert machine.begin("", "a", "next", NOW).action == "hold"
    suspension.resume(machine, NOW)
    assert machine.begin("", "a", "next", NOW).action == "run"
    assert machine.state.steps["a"].attempt == 2


def test_i3_the_deadline_of_the_instance_is_paused() -> None:
    machine = machine_of(step("a"), settings={"timeout": "PT10M"})
    deadline = moment(machine.state.instance.deadline or "")
    suspended(machine)
    assert not machine.expire(deadline + MINUTE)
    assert machine.next_timer() is None
    suspension.resume(machine, NOW + 30 * MINUTE)
    assert moment(machine.state.instance.deadline or "") == deadline + 30 * MINUTE
    assert not machine.expire(deadline + MINUTE)
    assert machine.expire(deadline + 31 * MINUTE)


def test_i3_a_wait_is_looked_at_before_the_time_of_the_instance_can_be_over() -> None:
    machine = machine_of(step("a"), settings={"timeout": "PT10M"})
    assert timing.instance_limit(machine.state, NOW + MINUTE) == NOW + 10 * MINUTE
    assert suspension.suspend(machine, ADA, None, NOW + 4 * MINUTE)
    assert timing.instance_deadline(machine.state) is None
    assert timing.instance_limit(machine.state, NOW + 60 * MINUTE) == NOW + 66 * MINUTE
    suspension.resume(machine, NOW + 61 * MINUTE)
    assert timing.instance_limit(machine.state, NOW + 66 * MINUTE) == NOW + 67 * MINUTE
    assert timing.instance_limit(suspended(machine_of(step("a"))).state, NOW) is None


def test_f3_a_deadline_comes_while_the_instance_is_suspended() -> None:
    machine = suspended(machine_of(step("a"), settings={"deadline": "PT1M", "timeout": "PT1M", "onTimeout": "alert"}))
    assert machine.next_timer() == NOW + MINUTE
    assert machine.expire(NOW + MINUTE)
    assert not machine.expire(NOW + MINUTE)
    assert [event.name for event in machine.drain_events()][-1] == "instance.deadlineMissed"
    assert is_overdue(read_state(json.loads(json.dumps(machine.state.to_json())), "it"))


def test_f3_the_deadline_of_an_attempt_that_runs_does_not() -> None:
    machine = machine_of(step("a", timeout="PT1M"))
    machine.begin("", "a", "r", NOW)
    suspended(machine)
    assert machine.next_timer() == NOW + MINUTE
    assert machine.expire(NOW + MINUTE)
    assert machine.status == "failed"


def test_i3_compensations_are_held_too() -> None:
    machine = machine_of(
        step("a", compensation={"taskId": "noop"}),
        step("b"),
        onFailure={"action": "stop", "compensate": True},
    )
    succeed(machine, "a")
    machine.begin("", "b", "r", NOW)
    suspended(machine)
    machine.fail("", "b", "r", BROKEN, NOW)
    assert machine.ready(NOW) == []
    assert machine.begin("", "a", "r", NOW).action == "hold"


def test_i3_held_tasks_are_notified_when_the_suspension_ends_however_it_does() -> None:
    machine = suspended(machine_of(step("a")))
    suspension.hold(machine, "a")
    suspension.hold(machine, "a")
    assert suspension.released(machine) == []
    suspension.resume(machine, NOW)
    assert suspension.released(machine) == ["a"]
    assert suspension.released(machine) == []

    machine = machine_of(step("p", parallelBranches=[branch("x", step("x1")), branch("y", step("y1"))], failFast=True))
    succeed(machine, "p")
    machine.begin("p/x", "x1", "r", NOW)
    suspended(machine)
    suspension.hold(machine, "y1")
    machine.fail("p/x", "x1", "r", BROKEN, NOW)
    assert (machine.status, machine.is_suspended) == ("failed", False)
    assert suspension.released(machine) == ["y1"]


def test_i3_a_region_waits_for_the_end_of_the_suspension() -> None:
    items = {"items": jmespath("`[1, 2]`"), "as": "n", "maxConcurrency": 1, "steps": [step("one")]}
    machine = machine_of(step("each", forEach=items))
    texts = [json.dumps(machine.state.to_json())]
    ran: list[str] = []

    @contextmanager
    def session() -> Iterator[Machine]:
        stored = Machine(machine.graph, read_state(json.loads(texts[-1]), "the instance"))
        yield stored
        texts.append(json.dumps(stored.state.to_json()))

    def run(call: Call) -> Ended:
        ran.append(call.step_id)
        if ran == ["each", "one"]:
            with session() as stored:
                suspended(stored)
        return Ended(output={})

    def host() -> InlineHost:
        return InlineHost(Region("", frozenset({"each"}), "each"), "r", session, run, lambda: NOW)

    assert host().run() == Waiting(None, (), held=True)
    assert ran == ["each", "one"]
    with session() as stored:
        suspension.resume(stored, NOW)
        assert suspension.released(stored) == ["each"]
    assert isinstance(host().run(), Left)
    assert ran == ["each", "one", "one"]
