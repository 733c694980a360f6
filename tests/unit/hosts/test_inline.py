"""The inline host as one task of several: only its own region, lost workers, and calls that wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeVar

import pytest

from airflow_workflow_provider.engine.calls import ActivationRef, Call, Decision
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.hosts.ending import Ended, Kept, Parked, Results
from airflow_workflow_provider.hosts.inline import InlineHost, Left, Region, Waiting
from airflow_workflow_provider.model.ways import ON_FAILURE
from tests.unit.engine.driving import NOW, at, begin, branch, fail, jmespath, machine_of, step, succeed, to

T = TypeVar("T")

Task = Callable[[Call], Ended | Parked]


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def host_of(
    machine: Machine, nodes: set[str], run: Task, *, scope: str = "", runner: str = "r", clock: Clock | None = None
) -> InlineHost:
    @contextmanager
    def session() -> Iterator[Machine]:
        yield machine

    return InlineHost(Region(scope, frozenset(nodes)), runner, session, run, clock or Clock())


def done(call: Call) -> Ended:
    return Ended({"by": call.step_id})


def test_t6_a_loop_leaves_when_its_path_does() -> None:
    machine = machine_of(
        step("a"), step("b", next=[to("b", "steps.b.output.by == 'x'"), to("c")]), step("c"), data={"n": 1}
    )
    succeed(machine, "a")

    left = host_of(machine, {"b"}, done).run()

    assert isinstance(left, Left)
    assert left.decision == Decision("completed", next="c")
    assert machine.state.active_steps == ["c"]


def test_a_region_runs_what_is_inside_and_nothing_beside() -> None:
    region = step("each", forEach={"items": jmespath("`[1, 2]`"), "steps": [step("i")]})
    machine = machine_of(step("p", parallelBranches=[branch("x", region), branch("y", step("b"))]))
    succeed(machine, "p")

    left = host_of(machine, {"each"}, done, scope="p/x").run()

    assert isinstance(left, Left)
    assert machine.state.lists["p/x"].status == "completed"
    assert machine.state.active_steps == ["p", "b"]


def test_a_region_does_not_take_a_step_whose_name_only_begins_with_the_same_letters() -> None:
    region = Region("", frozenset({"a"}))

    assert region.holds(ActivationRef("a/x", "s", 1))
    assert region.holds(ActivationRef("a[0]", "s", 1))
    assert not region.holds(ActivationRef("ab/x", "s", 1))
    assert not region.holds(ActivationRef("", "ab", 1))


def test_f7_compensations_belong_to_the_node_of_the_workflows_handler() -> None:
    machine = machine_of(
        step("p", parallelBranches=[branch("x", step("a", compensation={"taskId": "undo"}))]),
        step("b"),
        step("h"),
        onFailure={"action": "stop", "compensate": True, "nextStepId": "h"},
    )
    succeed(machine, "p")
    succeed(machine, "a", scope="p/x")
    fail(machine, "b")
    ran: list[str] = []

    def run(call: Call) -> Ended:
        ran.append(call.task_id)
        return Ended()

    assert host_of(machine, {"b"}, run).run() == Left(machine.decision_of("", "b"))
    left = host_of(machine, {ON_FAILURE}, run, runner="s").run()

    assert ran == ["undo"]
    assert isinstance(left, Left)
    assert left.decision is not None
    assert (left.decision.status, left.decision.next) == ("failed", "h")
    assert machine.state.active_steps == ["h"]


def test_f6_the_host_that_takes_over_waits_out_the_delay() -> None:
    machine = machine_of(step("a", retryPolicy={"maxAttempts": 2, "delay": "PT30S"}))
    begin(machine, "a", runner="dead")
    clock = Clock()
    host = host_of(machine, {"a"}, done, runner="heir", clock=clock)

    waiting = host.run()
    assert waiting == Waiting(at(30), ())
    clock.now = at(30)
    host.run()

    assert machine.state.steps["a"].attempt == 2
    assert machine.status == "completed"


def test_f6_a_call_that_waits_survives_its_host() -> None:
    machine = machine_of(step("a"))
    clock = Clock()
    host_of(machine, {"a"}, lambda _: Parked(until=at(60)), runner="dead", clock=clock).run()
    assert machine.state.steps["a"].status == "waiting"

    heir = host_of(machine, {"a"}, done, runner="heir", clock=clock)
    assert heir.run() == Waiting(at(60), ())
    clock.now = at(61)
    heir.run()

    assert machine.status == "completed"
    assert machine.state.steps["a"].attempt == 1


def test_f3_the_end_of_a_call_that_was_stopped_changes_nothing() -> None:
    machine = machine_of(
        step("p", timeout="PT5S", retryPolicy={"maxAttempts": 2}, parallelBranches=[branch("x", step("w"))])
    )
    clock = Clock()

    def run(call: Call) -> Ended | Parked:
        return Parked(note={"visit": call.visit}) if call.step_id == "w" else Ended()

    host = host_of(machine, {"p"}, run, clock=clock)
    first = host.run()
    assert isinstance(first, Waiting)
    clock.now = at(5)
    second = host.run()
    assert isinstance(second, Waiting)
    assert [parked.note for _, parked in second.calls] == [{"visit": 2}]

    late = first.calls[0][0]
    still = host.run((late, Ended({"late": True})))

    assert isinstance(still, Waiting)
    assert [parked.note for _, parked in still.calls] == [{"visit": 2}]
    host.run((second.calls[0][0], Ended({"k": 1})))
    assert machine.state.output["branches"]["x"] == {"k": 1}


def test_calls_that_end_at_the_same_time_end_in_the_order_of_their_moments() -> None:
    machine = machine_of(
        step("p", parallelBranches=[branch("x", step("late")), branch("y", step("early")), branch("z", step("never"))])
    )
    clock = Clock()
    lengths = {"late": 20, "early": 10, "never": 99}

    def run(call: Call) -> Ended | Parked:
        return Parked(until=at(lengths[call.step_id])) if call.step_id in lengths else Ended()

    host = host_of(machine, {"p"}, run, clock=clock)
    assert host.run() == Waiting(at(10), ())
    clock.now = at(30)
    machine.log.trace = []
    assert host.run() == Waiting(at(99), ())

    assert [event.step_id for event in machine.log.trace] == ["early", "late"]


def test_a_failing_input_fails_the_attempt_without_a_call() -> None:
    machine = machine_of(step("a", input=jmespath("abs(input.text)")), data={"text": "x"})
    calls: list[Call] = []

    def run(call: Call) -> Ended:
        calls.append(call)
        return Ended()

    host_of(machine, {"a"}, run).run()

    assert calls == []
    assert machine.state.error["type"] == "ExpressionError"


def test_f3_an_instance_whose_time_is_over_leaves_for_its_handler() -> None:
    machine = machine_of(
        step("a"), step("h"), settings={"timeout": "PT1M"}, onFailure={"action": "continue", "nextStepId": "h"}
    )
    clock = Clock()
    host = host_of(machine, {"a", ON_FAILURE}, lambda _: Parked(until=NOW + timedelta(hours=1)), clock=clock)
    assert host.run() == Waiting(at(60), ())
    clock.now = at(60)

    left = host.run()

    assert isinstance(left, Left)
    assert left.decision is not None
    assert left.decision.next == "h"
    assert machine.state.steps["a"].error["type"] == "Cancelled"


def test_what_a_call_raises_in_the_host_is_its_owners_business_but_a_failure_is_folded_in() -> None:
    machine = machine_of(step("a", onFailure={"action": "continue"}), step("b"))

    def run(call: Call) -> Ended:
        return Ended(failure=Failure.named("Bad", "x")) if call.step_id == "a" else Ended({"k": 1})

    host_of(machine, {"a", "b"}, run).run()

    assert machine.status == "completed"
    assert machine.state.steps["a"].status == "failed"


class Disk(Results):
    """Keeps results where another host finds them."""

    def __init__(self) -> None:
        self.found: dict[ActivationRef, Kept] = {}
        self.kept: list[ActivationRef] = []

    def keep(self, activation: ActivationRef, kept: Kept) -> None:
        self.kept.append(activation)
        self.found[activation] = kept

    def find(self, activation: ActivationRef) -> Kept | None:
        return self.found.get(activation)

    def drop(self, activation: ActivationRef) -> None:
        self.found.pop(activation, None)


def looping() -> Machine:
    return machine_of(
        step("a"),
        step("b", next=[to("a", "steps.b.visit < 3"), to("c")]),
        step("c"),
    )


def hosted(machine: Machine, results: Results, run: Task, runner: str = "r") -> InlineHost:
    @contextmanager
    def session() -> Iterator[Machine]:
        yield machine

    return InlineHost(Region("", frozenset({"a", "b"})), runner, session, run, Clock(), results=results)


def test_i2_a_turn_whose_commit_was_lost_is_repeated_and_no_step_runs_twice() -> None:
    """The first answer of each turn is lost although it was stored."""
    calls: list[tuple[str, int]] = []

    class Forgetful(Disk):
        def stored(self, turn: Callable[[], T]) -> T:
            turn()
            return turn()

    def run(call: Call) -> Ended:
        calls.append((call.step_id, call.visit))
        return Ended({"visit": call.visit})

    machine, disk = looping(), Forgetful()
    left = hosted(machine, disk, run).run()
    assert isinstance(left, Left)
    assert calls == [("a", 1), ("b", 1), ("a", 2), ("b", 2), ("a", 3), ("b", 3)]
    assert machine.state.steps["b"].output == {"visit": 3}
    assert disk.found == {}
    assert len(disk.kept) == 6


def test_i2_a_result_that_a_dead_host_left_is_folded_in_and_the_work_not_done_again() -> None:
    class Died(BaseException):
        pass

    machine, disk = looping(), Disk()
    calls: list[tuple[str, int]] = []

    def run(call: Call) -> Ended:
        calls.append((call.step_id, call.visit))
        return Ended({"visit": call.visit})

    class Dying(Disk):
        def keep(self, activation: ActivationRef, kept: Kept) -> None:
            super().keep(activation, kept)
            if (activation.step_id, activation.visit) == ("a", 2):
                raise Died

    dying = Dying()
    with pytest.raises(Died):
        hosted(machine, dying, run).run()
    disk.found = dying.found
    assert isinstance(hosted(machine, disk, run, "another").run(), Left)
    assert calls == [("a", 1), ("b", 1), ("a", 2), ("b", 2), ("a", 3), ("b", 3)]
    assert machine.state.steps["a"].attempt == 1
    assert disk.found == {}


def test_f6_a_host_that_died_without_a_result_has_lost_the_attempt() -> None:
    machine = machine_of(
        step("a", retryPolicy={"maxAttempts": 2}), step("b", next=[to("a", "false"), to("c")]), step("c")
    )
    begin(machine, "a", runner="dead")
    hosted(machine, Disk(), done, "another").run()
    assert machine.state.steps["a"].attempt == 2
