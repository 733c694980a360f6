"""However an instance ends, and however often: each completed visit is compensated once (rule F7)."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from airflow_workflow_provider.engine.completion import owed
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.instance_records import InstanceFacts
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.manual_override import agree_failed, mark_failed
from airflow_workflow_provider.engine.owing import compensate
from airflow_workflow_provider.engine.phases import Kind
from airflow_workflow_provider.engine.stored_state import read_state
from airflow_workflow_provider.errors import StepFailure
from tests.property.definitions import Sample, Shape, samples
from tests.property.test_hosts_agree import EXAMPLES, UNHURRIED, case_of
from tests.unit.engine.driving import NOW

Json = dict[str, Any]

PLAIN = Shape(time=False)
LOST = Failure("WorkerLost", "gone")


def compensating(sample: Sample) -> Sample:
    """Return a sample each of whose steps has a compensation, and whose handler leads nowhere."""

    def undone(steps: list[Json]) -> None:
        for step in steps:
            step["compensation"] = {"taskId": "undo"}
            for inner in [branch["steps"] for branch in step.get("parallelBranches", ())] + [
                step["forEach"]["steps"] if "forEach" in step else []
            ]:
                undone(inner)

    document = {**sample.document, "onFailure": {"action": "stop", "compensate": True}}
    undone(document["steps"])
    return Sample(document, sample.mocks, sample.input)


class Driver:
    """Drives a machine at random: what is ready succeeds, or fails now and then."""

    def __init__(self, machine: Machine, seed: int) -> None:
        self.machine = machine
        self.order = random.Random(seed)  # noqa: S311 - as random as the seed
        self.now = NOW
        self.begun: list[tuple[str, str, int]] = []
        self.done: list[tuple[str, str, int]] = []

    def step(self) -> bool:
        """Run one thing that is ready; False where nothing is."""
        self.now += timedelta(hours=1)
        ready = self.machine.ready(self.now)
        if not ready:
            return False
        found = self.order.choice(ready)
        key, step_id = found.scope, found.step_id
        entry = self.machine.scope(key).activation.entry
        if self.machine.begin(key, step_id, "r", self.now).action != "run":
            return True
        try:
            self.machine.prepare(key, self.now)
        except StepFailure as exc:
            self.machine.fail(key, step_id, "r", Failure.from_exception(exc), self.now)
            return True
        if found.kind == Kind.COMPENSATION and entry is not None:
            name = (entry.scope, entry.step_id, entry.visit)
            self.begun.append(name)
            if self.order.random() < 0.2:
                return True  # nobody reports its end
            self.machine.succeed(key, step_id, "r", {}, self.now)
            self.done.append(name)
        elif self.order.random() < 0.1:
            self.machine.fail(key, step_id, "r", Failure("Broken", "no"), self.now)
        else:
            self.machine.succeed(key, step_id, "r", {"k": self.order.randrange(9), "items": [1, 2]}, self.now)
        return True

    def stored(self) -> None:
        """Continue with what is stored of the state."""
        state = read_state(self.machine.state.to_json(), "the instance")
        self.machine = Machine(self.machine.graph, state, self.machine.options)


@settings(UNHURRIED, max_examples=EXAMPLES // 6)
@given(samples(PLAIN), st.integers(0, 2**32))
def test_f7_each_completed_visit_is_compensated_once_however_it_ends(sample: Sample, seed: int) -> None:
    graph = case_of(compensating(sample)).graph
    driver = Driver(Machine.start(graph, InstanceFacts("i", "w", "1.0.0"), dict(sample.input), now=NOW), seed)
    for _ in range(driver.order.randrange(1, 12)):
        if driver.machine.is_over or not driver.step():
            break
    last = driver.machine.state.root.last
    if last is not None and driver.order.random() < 0.3:
        mark_failed(driver.machine, "", last, Failure("MarkedFailed", "by hand"), driver.now)
    before = driver.machine.state.failure
    expected = [(each.scope, each.step_id, each.visit) for each in driver.machine.state.completed][::-1]
    assume(expected and driver.machine.status != "completed")
    if before is not None:
        # What completed after the failure belongs to nothing: the handler leads nowhere.
        assert len(before.queue) + len(before.compensated) <= len(expected)

    agree_failed(driver.machine, LOST, driver.now)
    for _ in range(50):
        driver.stored()
        count = owed(graph, driver.machine.state)
        assert count == len(expected) - len(driver.done)
        assert compensate(driver.machine, driver.now) == count
        if not count:
            break
        for _ in range(driver.order.randrange(1, 6)):
            if not driver.step():
                break
        agree_failed(driver.machine, LOST, driver.now)

    assert driver.machine.status == "failed"
    assert driver.done == expected
    # One that was begun when nobody was left to report its end has been begun again; no other was.
    assert sorted(set(driver.begun)) == sorted(expected)
