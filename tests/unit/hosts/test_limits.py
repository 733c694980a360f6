"""Rule I7 in the hosts without Airflow: the key is computed in each, and what waits runs nothing inline."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from airflow_workflow_provider.engine.calls import Call
from airflow_workflow_provider.engine.limits import enqueue
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.suspension import admit, released
from airflow_workflow_provider.hosts.ending import Ended
from airflow_workflow_provider.hosts.inline import InlineHost, Left, Region, Waiting
from airflow_workflow_provider.hosts.outcomes import Outcome
from airflow_workflow_provider.hosts.simulation import simulate
from tests.unit.engine.driving import NOW, at, graph_of, jmespath, machine_of, step

ONE = {"concurrency": {"limit": 1, "key": jmespath("input.customer")}}


def done(call: Call) -> Ended:
    return Ended({"by": call.step_id})


def at_once(call: Call, _: datetime) -> Outcome:
    return Outcome({"by": call.step_id})


def test_i7_a_simulation_fails_with_a_null_key_and_runs_alone_otherwise() -> None:
    graph = graph_of(step("a"), settings=ONE)
    failed = simulate(graph, {}, at_once, now=NOW)
    assert failed.error is not None
    assert (failed.status, failed.error["type"], failed.path) == ("failed", "ExpressionError", [])
    assert simulate(graph, {"customer": 7}, at_once, now=NOW).status == "completed"


def test_i7_what_waits_for_its_turn_runs_nothing_inline_until_it_is_admitted() -> None:
    machine = machine_of(step("a"), step("b"), data={"customer": 7}, settings={**ONE, "timeout": "PT1H"})
    with machine.turn(NOW) as turn:
        enqueue(turn)

    @contextmanager
    def session() -> Iterator[Machine]:
        yield machine

    host = InlineHost(Region("", frozenset({"a", "b"}), "workflow.steps"), "r", session, done, lambda: at(90))
    waiting = host.run()
    assert isinstance(waiting, Waiting)
    assert waiting.held
    assert (machine.status, machine.state.steps.to_json()) == ("suspended", {})
    assert released(machine) == []
    assert not machine.expire(at(7200))
    assert admit(machine, at(60))
    assert not admit(machine, at(60))
    assert released(machine) == ["workflow.steps"]
    assert machine.state.instance.deadline == "2026-01-01T01:01:00.000000Z"
    assert isinstance(host.run(), Left)
    assert machine.status == "completed"
