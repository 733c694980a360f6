"""How far an instance has come (rule U1)."""

from __future__ import annotations

from typing import Any

from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.views.progress import progress_of
from tests.unit.engine.driving import branch, fail, jmespath, machine_of, step, succeed, to


def progress(machine: Machine) -> tuple[int, int, int]:
    found = progress_of(machine.graph, machine.state, machine.current_step_id)
    assert found.to_json()["currentStep"] == machine.current_step_id
    return found.completed, found.total, found.percent


def test_u1_steps_in_a_row() -> None:
    machine = machine_of(step("a"), step("b"), step("c"))
    seen = [progress(machine)]
    for step_id in "abc":
        succeed(machine, step_id)
        seen.append(progress(machine))
    assert seen == [(0, 3, 0), (1, 3, 33), (2, 3, 66), (3, 3, 100)]


def test_u1_of_a_choice_the_longer_side_counts_until_it_is_made() -> None:
    machine = machine_of(
        step("a", next=[to("long", "data.big"), to("short")]),
        step("long", next=[to("longer")]),
        step("longer", next=[]),
        step("short", next=[]),
        data={"big": False},
    )
    assert progress(machine) == (0, 3, 0)
    succeed(machine, "a")
    assert progress(machine) == (1, 2, 50)
    succeed(machine, "short")
    assert progress(machine) == (2, 2, 100)


def test_u1_of_branches_all_count() -> None:
    machine = machine_of(
        step("par", parallelBranches=[branch("b1", step("a"), step("b")), branch("b2", step("c"))]), step("z")
    )
    assert progress(machine) == (0, 5, 0)
    succeed(machine, "par")
    succeed(machine, "a", scope="par/b1")
    assert progress(machine) == (1, 5, 20)
    succeed(machine, "c", scope="par/b2")
    succeed(machine, "b", scope="par/b1")
    assert progress(machine) == (4, 5, 80)
    succeed(machine, "z")
    assert progress(machine) == (5, 5, 100)


def test_u1_a_loop_counts_each_step_once_and_falls_back() -> None:
    machine = machine_of(step("a"), step("b", next=[to("c", "output.ok"), to("a")]), step("c"), data={})
    assert progress(machine) == (0, 3, 0)
    succeed(machine, "a")
    assert progress(machine) == (1, 3, 33)
    succeed(machine, "b", {"ok": False})
    assert progress(machine) == (1, 3, 33)
    succeed(machine, "a")
    assert progress(machine) == (1, 3, 33)
    succeed(machine, "b", {"ok": True})
    assert progress(machine) == (2, 3, 66)
    succeed(machine, "c")
    assert progress(machine) == (3, 3, 100)


def test_u1_items_are_one_step() -> None:
    each = {"items": jmespath("data.ids"), "steps": [step("one"), step("two")]}
    machine = machine_of(step("all", forEach=each), step("z"), data={"ids": [1, 2]})
    assert progress(machine) == (0, 2, 0)
    succeed(machine, "all")
    for index in (0, 1):
        succeed(machine, "one", scope=f"all[{index}]")
        assert progress(machine) == (0, 2, 0)
        succeed(machine, "two", scope=f"all[{index}]")
    assert progress(machine) == (1, 2, 50)


def test_u1_a_handled_failure_is_done_and_an_unhandled_is_not() -> None:
    handled: dict[str, Any] = {"onFailure": {"action": "continue", "nextStepId": "mend"}}
    machine = machine_of(step("a", **handled), step("b", next=[]), step("mend"))
    assert progress(machine) == (0, 2, 0)
    fail(machine, "a")
    assert progress(machine) == (1, 2, 50)
    fail(machine, "mend")
    assert machine.status == "failed"
    assert progress(machine) == (1, 2, 50)


def test_u1_a_failed_instance_never_shows_100_percent() -> None:
    machine = machine_of(step("a", next=[to("fail")]))
    succeed(machine, "a")
    assert machine.status == "failed"
    assert progress(machine) == (1, 1, 99)


def test_u1_the_handler_of_the_workflow_counts_too() -> None:
    machine = machine_of(step("a"), step("b"), step("mend"), onFailure={"action": "continue", "nextStepId": "mend"})
    succeed(machine, "a")
    fail(machine, "b")
    assert progress(machine) == (1, 2, 50)
    succeed(machine, "mend")
    assert machine.status == "completed"
    assert progress(machine) == (2, 2, 100)


def test_u1_thousands_of_steps_are_counted_quickly_and_without_recursion() -> None:
    machine = machine_of(*(step(f"s{number}") for number in range(3_000)))
    succeed(machine, "s0")
    assert progress(machine) == (1, 3_000, 0)
