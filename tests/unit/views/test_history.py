"""What happened when, from the log and the state (rules L1, T6)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_workflow_provider.engine import recovery
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.phases import InstanceStatus
from airflow_workflow_provider.views.history import SHOWN_EVENTS, Happening, Span, path_taken, records_of, spans_of
from tests.unit.engine.driving import NOW, at, begin, branch, fail, jmespath, machine_of, step, succeed, to


def reported(machine: Machine) -> list[Happening]:
    return [
        Happening(
            event.at,
            event.name,
            event.step_id,
            event.scope,
            event.visit or 0,
            event.attempt or 0,
            event.data.get("next"),
            event.data.get("way"),
            event.data.get("delay"),
            event.data.get("error"),
        )
        for event in machine.drain_events()
        if event.name in SHOWN_EVENTS and event.step_id is not None
    ]


def spans(machine: Machine, ended: Any = None) -> list[Span]:
    return spans_of(machine.graph, reported(machine), machine.state, ended)


def taken(machine: Machine, found: list[Span]) -> dict[str | None, int]:
    return {each.way: each.count for each in path_taken(machine.graph, found, machine.state)}


def lines(found: list[Span]) -> list[tuple[Any, ...]]:
    def seconds(moment: Any) -> float | None:
        return None if moment is None else (moment - NOW).total_seconds()

    return [(s.step_id, s.visit, s.attempt, s.status, seconds(s.started_at), seconds(s.ended_at)) for s in found]


LEVELS = pytest.mark.parametrize("level", ["debug", "info"])


@LEVELS
def test_every_attempt_is_a_span(level: str) -> None:
    retried = step("a", retryPolicy={"maxAttempts": 3, "delay": "PT5S"})
    machine = machine_of(retried, step("b"), executionLog={"level": level})
    fail(machine, "a", now=at(1))
    fail(machine, "a", now=at(6))
    begin(machine, "a", now=at(11))
    found = spans(machine)
    assert lines(found) == [
        ("a", 1, 1, "failed", 1, 1),
        ("a", 1, 2, "failed", 6, 6),
        ("a", 1, 3, "running", 11, None),
    ]
    assert found[0].error is not None
    assert found[0].error["type"] == "Bad"


def test_below_debug_the_start_of_a_later_attempt_follows_from_the_delay() -> None:
    machine = machine_of(step("a", retryPolicy={"maxAttempts": 2, "delay": "PT5S"}))
    fail(machine, "a", now=at(1))
    begin(machine, "a", now=at(7))
    machine.succeed("", "a", "r", {}, at(9))
    assert lines(spans(machine)) == [("a", 1, 1, "failed", 1, 1), ("a", 1, 2, "completed", 6, 9)]


def test_t6_every_visit_of_a_loop_is_reported_and_the_path_counts() -> None:
    machine = machine_of(step("a"), step("b", next=[to("a", "!output.ok"), to("end")]))
    succeed(machine, "a", now=at(1))
    succeed(machine, "b", {"ok": False}, now=at(2))
    succeed(machine, "a", now=at(3))
    succeed(machine, "b", {"ok": True}, now=at(4))
    found = spans(machine, at(4))
    assert [(span.step_id, span.visit, span.next) for span in found] == [
        ("a", 1, "b"),
        ("b", 1, "a"),
        ("a", 2, "b"),
        ("b", 2, "end"),
    ]
    assert taken(machine, found) == {"a/next/0": 2, "b/next/0": 1, "b/next/1": 1}


def test_waits_are_marked() -> None:
    machine = machine_of(step("a"))
    begin(machine, "a", now=at(1))
    assert machine.park("", "a", "r", {}, at(2))
    (span,) = spans(machine)
    assert (span.status, span.waiting_since, span.ended_at) == ("waiting", at(2), None)


def test_a_handled_failure_leads_to_its_handler() -> None:
    machine = machine_of(step("a", onFailure={"action": "continue", "nextStepId": "mend"}), step("mend"))
    fail(machine, "a", now=at(1))
    found = spans(machine)
    assert lines(found) == [("a", 1, 1, "failed", 1, 1)]
    assert taken(machine, found) == {"a/failure/0": 1}


@pytest.mark.parametrize("level", ["debug", "info", "error"])
def test_without_the_log_the_state_reports_the_latest_visits(level: str) -> None:
    machine = machine_of(
        step("par", parallelBranches=[branch("b1", step("a")), branch("b2", step("b"))]), executionLog={"level": level}
    )
    succeed(machine, "par", now=at(1))
    succeed(machine, "a", scope="par/b1", now=at(2))
    begin(machine, "b", scope="par/b2", now=at(3))
    machine.drain_events()
    found = spans_of(machine.graph, [], machine.state, None)
    assert lines(found) == [
        ("par", 1, 1, "running", 1, None),
        ("a", 1, 1, "completed", 2, 2),
        ("b", 1, 1, "running", 3, None),
    ]
    assert {span.scope for span in found} == {"", "par/b1", "par/b2"}


@LEVELS
def test_log_and_state_report_nothing_twice(level: str) -> None:
    each = {"items": jmespath("data.ids"), "steps": [step("one")]}
    machine = machine_of(
        step("par", parallelBranches=[branch("b1", step("a")), branch("b2", step("b"))]),
        step("all", forEach=each),
        data={"ids": [1, 2]},
        executionLog={"level": level},
    )
    succeed(machine, "par")
    succeed(machine, "a", scope="par/b1")
    succeed(machine, "b", scope="par/b2")
    succeed(machine, "all")
    succeed(machine, "one", scope="all[0]")
    succeed(machine, "one", scope="all[1]")
    found = spans(machine, NOW)
    assert sorted((span.scope, span.step_id) for span in found) == [
        ("", "all"),
        ("", "par"),
        ("all[0]", "one"),
        ("all[1]", "one"),
        ("par/b1", "a"),
        ("par/b2", "b"),
    ]
    assert {span.status for span in found} == {"completed"}


def test_f7_compensations_are_spans_of_their_own() -> None:
    undone = step("a", compensation={"taskId": "undo"})
    machine = machine_of(undone, step("b"), onFailure={"action": "stop", "compensate": True})
    succeed(machine, "a", now=at(1))
    fail(machine, "b", now=at(2))
    succeed(machine, "a", now=at(3))
    found = spans(machine, at(3))
    assert [(span.kind, span.step_id, span.status) for span in found] == [
        ("step", "a", "completed"),
        ("step", "b", "failed"),
        ("compensation", "a", "completed"),
    ]


def test_what_an_ended_instance_left_open_ends_with_it() -> None:
    machine = machine_of(step("a"))
    begin(machine, "a", now=at(1))
    rows = reported(machine)
    machine.state.status = InstanceStatus.FAILED
    assert lines(spans_of(machine.graph, rows, machine.state, at(5))) == [("a", 1, 1, "failed", 1, 5)]


def routes(*routed: tuple[str, str]) -> dict[str, Any]:
    return {"errorHandler": {"conditions": [{"errorType": name, "nextStepId": target} for name, target in routed]}}


@pytest.mark.parametrize("level", ["debug", "info", "error"])
@pytest.mark.parametrize(("raised", "way"), [("Rejected", "ask/failure/0"), ("Late", "ask/failure/1")])
def test_f4_of_handlers_that_lead_to_one_step_the_one_that_took_the_failure_counts(
    level: str, raised: str, way: str
) -> None:
    asked = step("ask", next=[to("declined")], onFailure=routes(("Rejected", "declined"), ("Late", "declined")))
    machine = machine_of(asked, step("declined"), executionLog={"level": level})
    fail(machine, "ask", raised, now=at(1))
    assert taken(machine, spans(machine)) == {way: 1}
    assert machine.state.steps["ask"].way == way


def test_f4_a_failure_that_continues_takes_the_normal_transition() -> None:
    choice = [to("b", "has(output.missing)"), to("c")]
    machine = machine_of(step("a", next=choice, onFailure={"action": "continue"}), step("b"), step("c"))
    fail(machine, "a", now=at(1))
    assert taken(machine, spans(machine)) == {"a/next/1": 1}


def nested(level: str) -> Machine:
    inner = step("inner", parallelBranches=[branch("deep", step("account")), branch("none")])
    machine = machine_of(
        step("prepare", parallelBranches=[branch("accounts", inner), branch("desk", step("table"))]),
        step("z"),
        executionLog={"level": level},
    )
    succeed(machine, "prepare", now=at(1))
    succeed(machine, "inner", scope="prepare/accounts", now=at(2))
    succeed(machine, "account", scope="prepare/accounts/inner/deep", now=at(3))
    succeed(machine, "table", scope="prepare/desk", now=at(4))
    return machine


@pytest.mark.parametrize("level", ["debug", "info", "error"])
def test_a_step_in_nested_branches_that_ran_once_has_one_span(level: str) -> None:
    machine = nested(level)
    found = spans(machine)
    assert [(span.scope, span.step_id, span.visit) for span in found] == [
        ("", "prepare", 1),
        ("prepare/accounts", "inner", 1),
        ("prepare/accounts/inner/deep", "account", 1),
        ("prepare/desk", "table", 1),
    ]
    assert {key: record.visit for key, record in records_of(machine.graph, machine.state).items()} == {
        (span.scope, span.step_id): 1 for span in found
    }


@pytest.mark.parametrize("level", ["debug", "info", "error"])
def test_every_branch_counts_once_a_fork_also_an_empty_one(level: str) -> None:
    machine = nested(level)
    assert taken(machine, spans(machine)) == {
        "prepare/branch/accounts": 1,
        "prepare/branch/desk": 1,
        "prepare/next/0": 1,
        "inner/branch/deep": 1,
        "inner/branch/none": 1,
        "inner/next/0": 1,
        "account/next/0": 1,
        "table/next/0": 1,
    }


def test_branches_that_a_retry_started_again_have_no_span_of_the_outer_list() -> None:
    par = step("par", parallelBranches=[branch("b1", step("a"))], retryPolicy={"maxAttempts": 2})
    machine = machine_of(par)
    succeed(machine, "par", now=at(1))
    fail(machine, "a", scope="par/b1", now=at(2))
    succeed(machine, "par", now=at(3))
    found = spans(machine)
    assert [(span.scope, span.step_id, span.visit) for span in found] == [
        ("", "par", 1),
        ("par/b1", "a", 1),
        ("", "par", 2),
    ]
    assert taken(machine, found) == {"par/branch/b1": 2}


def test_items_count_how_many_were_started() -> None:
    each = {"items": jmespath("data.ids"), "steps": [step("one", next=[to("one", "output.again"), to("end")])]}
    machine = machine_of(step("all", forEach=each), data={"ids": [1, 2]})
    succeed(machine, "all")
    for index in (0, 1):
        succeed(machine, "one", {"again": True}, scope=f"all[{index}]")
        succeed(machine, "one", {"again": False}, scope=f"all[{index}]")
    assert taken(machine, spans(machine)) == {
        "all/items/0": 2,
        "all/next/0": 1,
        "one/next/0": 2,
        "one/next/1": 2,
    }


def test_f7_compensations_and_the_workflows_handler_count() -> None:
    machine = machine_of(
        step("a", compensation={"taskId": "undo"}),
        step("b", next=[to("end")]),
        step("h"),
        onFailure={"compensate": True, **routes(("Other", "a"), ("Bad", "h"))},
    )
    succeed(machine, "a", now=at(1))
    fail(machine, "b", now=at(2))
    assert "fail.on_failure/failure/1" not in taken(machine, spans(machine))
    succeed(machine, "a", now=at(3))
    found = spans(machine)
    assert taken(machine, found)["a/compensation/0"] == 1
    assert taken(machine, found)["fail.on_failure/failure/1"] == 1


def test_what_an_older_release_logged_is_counted_by_the_way_that_fits() -> None:
    steps = step("ask", next=[to("x", "has(data.no)"), to("x")], onFailure=routes(("Late", "x"), ("Rejected", "x")))
    for error, way in (("Rejected", "ask/failure/1"), (None, "ask/next/1")):
        machine = machine_of(steps, step("x"))
        if error is None:
            succeed(machine, "ask", now=at(1))
        else:
            fail(machine, "ask", error, now=at(1))
        machine.state.steps["ask"].way = None
        rows = [replace(row, way=None) for row in reported(machine)]
        found = spans_of(machine.graph, rows, machine.state, None)
        assert set(taken(machine, found)) == {way}


@LEVELS
def test_i5_a_step_that_is_retried_manually_has_its_real_attempts_only(level: str) -> None:
    machine = machine_of(step("a"), step("b"), executionLog={"level": level})
    fail(machine, "a", now=at(1))
    log = reported(machine)
    recovery.retry(machine, at(100))
    begin(machine, "a", now=at(103))
    machine.succeed("", "a", "r", {}, at(110))
    log += reported(machine)
    found = spans_of(machine.graph, log, machine.state, None)
    assert lines(found)[:2] == [("a", 1, 1, "failed", 1, 1), ("a", 2, 1, "completed", 103, 110)]


def test_i5_an_instance_that_ended_before_the_retried_step_began_shows_no_attempt_of_it() -> None:
    machine = machine_of(step("a"))
    fail(machine, "a", now=at(1))
    log = reported(machine)
    recovery.retry(machine, at(100))
    machine.expire(at(100_000))
    log += reported(machine)
    found = spans_of(machine.graph, log, machine.state, at(100_000))
    assert [(each.visit, each.attempt) for each in found] == [(1, 1)]
