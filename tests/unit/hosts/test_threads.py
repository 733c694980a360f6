"""Calls that the inline host runs beside each other (rules P1, P4, F3, F6, I2)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_workflow_provider.engine.calls import Call
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.hosts.ending import Ended, Parked, Results
from airflow_workflow_provider.hosts.inline import InlineHost, Left, Region
from airflow_workflow_provider.hosts.threads import Threads, Work
from tests.unit.engine.driving import branch, jmespath, machine_of, step

SECONDS = 120
"""The deadline of everything that is waited for."""

Json = dict[str, Any]


def now() -> datetime:
    return datetime.now(UTC)


class Host:
    """A host of a whole machine whose steps named ``io…`` run in threads."""

    def __init__(
        self,
        machine: Machine,
        run: Callable[[Call], Ended | Parked],
        *,
        limit: int = 16,
        cut: Callable[[Call], None] = lambda _: None,
        results: Results | None = None,
    ) -> None:
        @contextmanager
        def session() -> Iterator[Machine]:
            yield machine

        self.threads = Threads(
            lambda found: found.step_id.startswith("io"),
            lambda call: Work(lambda: run(call), lambda: cut(call)),
            limit,
        )
        region = Region("", frozenset(found.step_id for found in machine.graph.root.steps))
        self.host = InlineHost(region, "r", session, run, now, results=results, beside=self.threads)

    def run(self) -> None:
        assert isinstance(self.host.run(), Left)


def branches(*names: str, **more: Any) -> Json:
    return step("p", parallelBranches=[branch(name, step(name)) for name in names], **more)


class Counted:
    """Counts the calls that run at one time; each waits until so many do."""

    def __init__(self, together: int) -> None:
        self.most = self._now = 0
        self._lock = threading.Lock()
        self._barrier = threading.Barrier(together)

    def __call__(self, call: Call) -> Ended:
        if not call.step_id.startswith("io"):
            return Ended()
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        self._barrier.wait(SECONDS)
        with self._lock:
            self._now -= 1
        return Ended({"by": call.scope})


def test_p1_branches_that_wait_run_at_one_time() -> None:
    machine, run = machine_of(branches("io1", "io2", "io3")), Counted(3)
    Host(machine, run).run()
    assert run.most == 3
    assert machine.state.output["branches"] == {name: {"by": f"p/{name}"} for name in ("io1", "io2", "io3")}


def test_p4_as_many_items_run_at_one_time_as_the_step_says() -> None:
    each = {"items": jmespath("input.xs"), "maxConcurrency": 5, "steps": [step("io")]}
    machine, run = machine_of(step("each", forEach=each), data={"xs": list(range(20))}), Counted(5)
    Host(machine, run).run()
    assert run.most == 5
    assert [found["by"] for found in machine.state.output["items"]] == [f"each[{index}]" for index in range(20)]


def test_there_are_no_more_threads_than_the_configuration_allows() -> None:
    machine, run = machine_of(branches("io1", "io2", "io3", "io4")), Counted(2)
    Host(machine, run, limit=2).run()
    assert run.most == 2
    assert machine.status == "completed"


def test_what_has_nothing_beside_it_runs_in_the_hosts_own_thread() -> None:
    found: list[threading.Thread] = []

    def run(_: Call) -> Ended:
        found.append(threading.current_thread())
        return Ended()

    Host(machine_of(step("io1"), step("io2")), run).run()
    assert set(found) == {threading.current_thread()}


def test_steps_that_are_not_for_a_thread_run_meanwhile_in_the_hosts_own() -> None:
    here, ended = threading.Event(), threading.Event()
    threads: dict[str, threading.Thread] = {}

    def run(call: Call) -> Ended:
        threads[call.step_id] = threading.current_thread()
        if call.step_id == "io":
            assert here.wait(SECONDS)
            ended.set()
        if call.step_id == "a":
            here.set()
            assert ended.wait(SECONDS)
        return Ended({"by": call.step_id})

    machine = machine_of(branches("io", "a"))
    Host(machine, run).run()
    assert threads["a"] is threading.current_thread() is not threads["io"]
    assert machine.state.output["branches"] == {"io": {"by": "io"}, "a": {"by": "a"}}


def test_p2_the_siblings_of_a_failed_branch_run_to_their_end() -> None:
    barrier = threading.Barrier(2)

    def run(call: Call) -> Ended:
        if call.step_id == "io1":
            barrier.wait(SECONDS)
            return Ended(failure=Failure.named("Bad", "no"))
        if call.step_id == "io2":
            barrier.wait(SECONDS)
        return Ended({"k": 1})

    machine = machine_of(branches("io1", "io2"))
    Host(machine, run).run()
    assert machine.state.error["details"]["causes"].keys() == {"io1"}
    assert machine.state.lists["p/io2"].status == "completed"


def test_p2_with_fail_fast_nobody_waits_for_the_siblings_and_their_calls_are_cut() -> None:
    cut = threading.Event()

    def run(call: Call) -> Ended:
        if call.step_id == "io1":
            return Ended(failure=Failure.named("Bad", "no"))
        if call.step_id == "io2":
            assert cut.wait(SECONDS)
        return Ended({"late": True})

    machine = machine_of(
        branches("io1", "io2", failFast=True, onFailure={"action": "continue", "nextStepId": "h"}), step("h")
    )
    Host(machine, run, cut=lambda call: cut.set() if call.step_id == "io2" else None).run()
    assert cut.is_set()
    assert machine.status == "completed"
    assert machine.state.lists["p/io2"].steps["io2"].error["type"] == "Cancelled"


def test_f3_an_attempt_whose_time_is_over_fails_although_its_thread_hangs() -> None:
    cut = threading.Event()

    def run(call: Call) -> Ended:
        if call.step_id == "io1":
            assert cut.wait(SECONDS)
        return Ended()

    late = step("io1", timeout="PT0.2S", onFailure={"action": "continue"})
    machine = machine_of(step("p", parallelBranches=[branch("x", late), branch("y", step("io2"))]))
    Host(machine, run, cut=lambda _: cut.set()).run()
    assert cut.is_set()
    assert machine.status == "completed"
    assert machine.state.lists["p/x"].steps["io1"].error["type"] == "TimeoutError"


def test_f3_a_result_that_came_after_the_deadline_is_late_though_nobody_looked_at_it_before() -> None:
    over = threading.Event()

    def run(call: Call) -> Ended:
        if call.step_id == "io":
            over.wait(0.3)
        if call.step_id == "a":
            over.wait(0.6)
        return Ended()

    late = step("io", timeout="PT0.1S", onFailure={"action": "continue"})
    machine = machine_of(step("p", parallelBranches=[branch("x", late), branch("y", step("a"))]))
    Host(machine, run).run()
    assert machine.state.lists["p/x"].steps["io"].error["type"] == "TimeoutError"


def test_where_all_threads_hang_the_others_continue_in_the_hosts_own() -> None:
    ended = threading.Event()

    def run(call: Call) -> Ended:
        if call.step_id in ("io1", "io2") and call.visit == 1:
            assert ended.wait(SECONDS)
        return Ended({"by": threading.current_thread().name})

    hangs = {"timeout": "PT0.1S", "onFailure": {"action": "continue"}}
    machine = machine_of(
        step("p", parallelBranches=[branch(name, step(name, **hangs)) for name in ("io1", "io2")]),
        branches("io3", "io4") | {"stepId": "q"},
    )
    try:
        Host(machine, run, limit=2).run()
    finally:
        ended.set()
    assert machine.status == "completed"
    assert {found["by"] for found in machine.state.output["branches"].values()} == {threading.current_thread().name}


def test_what_ends_the_process_ends_the_host_from_a_thread_too() -> None:
    def run(call: Call) -> Ended:
        if call.step_id == "io2":
            raise KeyboardInterrupt
        return Ended()

    with pytest.raises(KeyboardInterrupt):
        Host(machine_of(branches("io1", "io2")), run).run()


def test_i2_no_call_runs_twice_where_each_turn_is_taken_twice() -> None:
    calls: list[str] = []

    class Forgetful(Results):
        def stored(self, turn: Callable[[], Any]) -> Any:
            turn()
            return turn()

    def run(call: Call) -> Ended:
        calls.append(call.scope + call.step_id)
        return Ended({"k": call.step_id})

    machine = machine_of(branches("io1", "io2", "a"), step("io"))
    Host(machine, run, results=Forgetful()).run()
    assert sorted(calls) == ["io", "p", "p/aa", "p/io1io1", "p/io2io2"]
    assert machine.status == "completed"
