"""Which states count as older than what the tasks of their run have left, of each shape of a run (rules I1, I2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.state import State
from airflow_workflow_provider.plan.nodes import Node
from airflow_workflow_provider.plan.plan import plan_of
from airflow_workflow_provider.plan.positions import is_behind, is_inside, position_in
from tests.unit.engine.driving import NOW, branch, machine_of, step, to

Json = dict[str, Any]

LOOP = [step("a"), step("b", next=[to("a", "steps.b.visit < 3"), to("c")]), step("c")]
BRANCHES = [
    step("p", parallelBranches=[branch("x", step("x1"), step("x2")), branch("y", step("y1"))]),
    step("q"),
]
NESTED = [
    step(
        "p",
        parallelBranches=[
            branch("x", step("x1"), step("x2", next=[to("x1", "steps.x2.visit < 2"), to("end")])),
            branch("y", step("r", parallelBranches=[branch("z", step("z1")), branch("w", step("w1"))]), step("y2")),
        ],
    ),
    step("q"),
]
ITEMS = [
    step("each", forEach={"items": {"type": "jmespath", "expression": "[`1`, `2`]"}, "steps": [step("i"), step("j")]}),
    step("q"),
]
RETRIED = [
    step(
        "p",
        retryPolicy={"maxAttempts": 2, "delay": "PT1S"},
        parallelBranches=[branch("x", step("x1")), branch("y", step("y1"))],
    ),
    step("q"),
]
SHAPES: dict[str, tuple[list[Json], Json]] = {
    "plain": ([step("a"), step("b"), step("c")], {}),
    "loop": (LOOP, {}),
    "branches": (BRANCHES, {}),
    "nested": (NESTED, {}),
    "items": (ITEMS, {}),
    "branches in one task": (RETRIED, {}),
    "inline": (LOOP, {"settings": {"execution": "inline"}}),
    "inline branches": (NESTED, {"settings": {"execution": "inline"}}),
}


@dataclass(frozen=True)
class Moment:
    """What was stored of an instance at a moment, and what its tasks had left by then.

    :ivar stored: how many ends of tasks the state has
    :ivar left: how many of them have left a position
    """

    state: Json
    positions: dict[str, int]
    stored: int
    left: int


class Drive:
    """Runs an instance to its end, each task as Airflow would, and keeps every moment of it."""

    def __init__(self, machine: Machine, *, waits: bool) -> None:
        self.machine, self.plan = machine, plan_of(machine.graph)
        self.moments: list[Moment] = []
        self._positions: dict[str, int] = {}
        self._stored = self._left = 0
        self._keep()
        while ready := machine.ready(NOW):
            self._step(ready[0].scope, ready[0].step_id, waits=waits)

    def _step(self, scope: str, step_id: str, *, waits: bool) -> None:
        machine = self.machine
        assert machine.begin(scope, step_id, "r", NOW).action == "run"
        machine.prepare(scope, NOW)
        self._keep()
        if waits:
            machine.park(scope, step_id, "r", {"deferral": {}}, NOW)
            self._keep()
            assert machine.begin(scope, step_id, "r", NOW).action == "resume"
        machine.succeed(scope, step_id, "r", {}, NOW)
        node = self._node_of(scope, step_id)
        if is_inside(machine, node):
            self._keep()
            return
        # Stored first, then left.
        self._stored += 1
        self._keep()
        self._positions[node.task_id] = machine.state.sequence
        self._left += 1
        self._keep()

    def _node_of(self, scope: str, step_id: str) -> Node:
        """Return the task in which a step runs: its own, or that of a step around it."""
        around = [part.partition("[")[0] for part in scope.split("/")[::2]]
        return self.plan.node(
            next(self.plan.task_of[each] for each in (step_id, *reversed(around)) if each in self.plan.task_of)
        )

    def _keep(self) -> None:
        self.moments.append(Moment(self.machine.state.to_json(), dict(self._positions), self._stored, self._left))


def restored(graph: Graph, moment: Moment) -> Machine:
    return Machine(graph, State.from_json(moment.state))


@pytest.mark.parametrize("waits", [False, True], ids=["at once", "deferred"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_state_is_older_than_each_position_that_was_left_after_it_was_stored(shape: str, waits: bool) -> None:
    steps, more = SHAPES[shape]
    drive = Drive(machine_of(*steps, **more), waits=waits)
    assert drive.machine.is_over
    assert drive.moments[-1].left >= 1
    plan = drive.plan
    for at, late in enumerate(drive.moments):
        for early in drive.moments[: at + 1]:
            machine = restored(drive.machine.graph, early)
            assert is_behind(machine, plan, late.positions) is (late.left > early.stored), (early, late)


@pytest.mark.parametrize("value", [True, None, "", "-1", "1.0", "٣", 1.5, [1], {"a": 1}])
def test_what_somebody_else_left_is_no_position(value: object) -> None:
    assert position_in(value) is None


@pytest.mark.parametrize(("value", "position"), [(3, 3), ("12", 12), (0, 0)])
def test_a_position_is_a_number(value: object, position: int) -> None:
    assert position_in(value) == position
