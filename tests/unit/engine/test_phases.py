"""The table of phases: each change that it has, and no other."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest

from airflow_workflow_provider.engine import phases, records
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.manual_override import override
from airflow_workflow_provider.engine.phases import PHASES, Kind, Phase, Trigger
from airflow_workflow_provider.engine.records import Activation
from tests.unit.engine.driving import NOW, at, begin, branch, fail, jmespath, machine_of, step, succeed

RETRY: dict[str, Any] = {"retryPolicy": {"maxAttempts": 9}}
TWO = [branch("x", step("a")), branch("y", step("b"))]


@pytest.mark.parametrize(("trigger", "phase"), product(Trigger, Phase))
def test_an_activation_moves_as_the_table_says(trigger: Trigger, phase: Phase) -> None:
    activation = Activation("a", 1, Kind.STEP, 1, phase=phase)
    after = PHASES[trigger].get(phase)
    if after is None:
        with pytest.raises(AssertionError, match=f"'a' cannot {trigger.value} while it is {phase.value}"):
            activation.move(trigger)
        assert activation.phase is phase
    else:
        activation.move(trigger)
        assert activation.phase is after


def park(machine: Machine, step_id: str = "s") -> None:
    assert machine.park("", step_id, "r", {}, NOW)


def overridden(phase: Phase) -> None:
    """Mark a step as success while it is in a phase."""
    machine = machine_of(step("s", **RETRY, parallelBranches=TWO if phase is Phase.REGION else []), step("t"))
    if phase is Phase.REGION:
        machine = machine_of(step("s", parallelBranches=TWO), step("t"))
        succeed(machine, "s")
    elif phase is Phase.RETRYING:
        fail(machine, "s")
    elif phase is not Phase.PENDING:
        begin(machine, "s")
        if phase is Phase.WAITING:
            park(machine)
    override(machine, "", "s", NOW)


def cleared(*, parked: bool) -> None:
    """Have an operator clear the task of an attempt that runs or waits."""
    machine = machine_of(step("s", **RETRY))
    begin(machine, "s")
    if parked:
        park(machine)
    machine.begin("", "s", "another", NOW, generation=1)


def walk() -> None:
    """Go through every change of phase that an instance can go through."""
    machine = machine_of(step("s", **RETRY), step("t"))
    begin(machine, "s")
    machine.begin("", "s", "r", NOW)  # resumes what runs
    park(machine)
    park(machine)
    machine.begin("", "s", "r", NOW)  # resumes what waits
    machine.fail("", "s", "r", _broken(), NOW)
    begin(machine, "s", now=at(9_999))
    park(machine)
    machine.fail("", "s", "r", _broken(), NOW)
    for parked in (False, True):
        cleared(parked=parked)
        region = machine_of(step("p", parallelBranches=TWO))
        begin(region, "p")
        if parked:
            park(region, "p")
        region.succeed("", "p", "r", {}, NOW)
    for phase in Phase:
        overridden(phase)
    again = machine_of(step("p", parallelBranches=TWO, retryPolicy={"maxAttempts": 2}))
    succeed(again, "p")
    succeed(again, "a", scope="p/x")
    fail(again, "b", scope="p/y")  # the region is retried as a whole: a new visit, pending until its delay is known
    ended = machine_of(step("p", parallelBranches=TWO))
    succeed(ended, "p")
    succeed(ended, "a", scope="p/x")
    succeed(ended, "b", scope="p/y")
    ended.begin("p/x", "a", "r", NOW, generation=1)  # reopens the region around it


def _broken() -> Any:
    from airflow_workflow_provider.engine.failure import Failure

    return Failure.named("Bad", "broken")


def test_each_change_in_the_table_is_made_by_some_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[tuple[Trigger, Phase]] = set()
    move = Activation.move

    def noted(self: Activation, trigger: Trigger) -> None:
        seen.add((trigger, self.phase))
        move(self, trigger)

    monkeypatch.setattr(records.Activation, "move", noted)
    walk()
    assert seen == {(trigger, phase) for trigger, changes in phases.PHASES.items() for phase in changes}


def test_statuses_are_stored_as_their_names() -> None:
    machine = machine_of(step("each", forEach={"items": jmespath("`[1]`"), "as": "n", "steps": [step("one")]}))
    succeed(machine, "each")
    text = json.dumps(machine.state.to_json())
    assert '"phase": "region"' in text
    assert '"kind": "step"' in text
