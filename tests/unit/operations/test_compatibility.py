"""On which newest version an instance may continue (rules I5, T8)."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_workflow_provider.engine.graph import DAG_SHAPE, DAG_SHAPE_OF_CATCHES, Graph
from airflow_workflow_provider.engine.instance_records import InstanceFacts
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.recovery import stopped_at
from airflow_workflow_provider.errors import Conflict
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.operations.compatibility import fits
from tests.unit.engine.driving import NOW, branch, fail, step, succeed, to

Json = dict[str, Any]

HANDLED: Json = {"onFailure": {"errorHandler": {"conditions": [{"errorType": "*", "nextStepId": "h"}]}}}


def graph_of(*steps: Json, execution: str = "tasks", dag_shape: int = DAG_SHAPE, **more: Any) -> Graph:
    settings = {"settings": {"execution": execution}}
    document = {"workflowId": "w", "name": "W", "version": "1.0.0", "steps": list(steps), **settings, **more}
    return Graph.of(parse_definition(document), dag_shape=dag_shape)


def started(graph: Graph) -> Machine:
    return Machine.start(graph, InstanceFacts("i", "w", "1.0.0"), {}, now=NOW)


@pytest.mark.parametrize(("before", "after"), [("tasks", "inline"), ("inline", "tasks")])
def test_t8_an_instance_does_not_continue_in_another_execution(before: str, after: str) -> None:
    steps = step("a", "noop"), step("b", "noop")
    machine = started(graph_of(*steps, execution=before))
    succeed(machine, "a")
    fail(machine, "b")
    with pytest.raises(Conflict) as caught:
        fits(machine, graph_of(*steps, execution=after), stopped_at(machine))
    assert caught.value.code == "version-incompatible"
    assert caught.value.suggestion == "restart it from the start, or continue on the same version"
    # From its start it runs in whatever way the version does.
    fits(machine, graph_of(*steps, execution=after), [])


def _sequence(machine: Machine) -> None:
    succeed(machine, "a")
    fail(machine, "b")


def _handler(machine: Machine) -> None:
    fail(machine, "a")
    fail(machine, "h")


def _branches(machine: Machine) -> None:
    succeed(machine, "p")
    fail(machine, "x1", scope="p/x")
    succeed(machine, "y1", scope="p/y")


SHAPES: Json = {
    "sequence": ([step("a", "noop"), step("b", "noop")], {}, _sequence, [("", "b")]),
    "handler": (
        [step("a", "noop", next=[to("b")], **HANDLED), step("b", "noop", next=[]), step("h", "noop")],
        {},
        _handler,
        [("", "h")],
    ),
    "branches": (
        [step("p", "noop", parallelBranches=[branch("x", step("x1", "noop")), branch("y", step("y1", "noop"))])],
        {},
        _branches,
        [("p/x", "x1")],
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_i5_an_instance_of_the_shape_with_catches_continues_in_the_present_one(name: str) -> None:
    steps, more, run, places = SHAPES[name]
    machine = started(graph_of(*steps, dag_shape=DAG_SHAPE_OF_CATCHES, **more))
    run(machine)
    assert machine.status == "failed"
    assert stopped_at(machine) == places
    fits(machine, graph_of(*steps, dag_shape=DAG_SHAPE, **more), places)
