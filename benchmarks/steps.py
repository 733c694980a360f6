"""What the engine needs for a step: from the stored state to the stored state, once to begin it and once to end it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.machine import Machine

Json = dict[str, Any]

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RESULT: Json = {"key": "value", "amount": 5}
ROUNDS = 50


def line(steps: int) -> dict[str, Any]:
    """Return a definition with steps one after another, each with an argument."""
    listed: list[dict[str, Any]] = [
        {"stepId": f"s{n}", "taskId": "set", "arguments": {"number": n}, "next": [{"nextStepId": f"s{n + 1}"}]}
        for n in range(steps)
    ]
    listed[-1].pop("next")
    return {"workflowId": "line", "name": "Line", "version": "1.0.0", "steps": listed}


def items(count: int) -> dict[str, Any]:
    """Return a definition with a step for each of many items, ten at a time."""
    for_each = {
        "items": {"type": "jsonata", "expression": f"[1..{count}]"},
        "as": "item",
        "maxConcurrency": 10,
        "steps": [{"stepId": "one", "taskId": "noop"}],
    }
    steps = [{"stepId": "each", "taskId": "noop", "forEach": for_each}]
    return {"workflowId": "items", "name": "Items", "version": "1.0.0", "steps": steps}


def step_of(document: dict[str, Any], after: int) -> Callable[[], float]:
    """Measure one step of a definition, after others; the mean of some rounds.

    :param after: how many steps have run before
    """
    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.engine.instance_records import InstanceFacts
    from airflow_workflow_provider.engine.machine import Machine
    from airflow_workflow_provider.engine.stored_state import read_state
    from airflow_workflow_provider.model.definition import WorkflowDefinition

    graph = Graph.of(WorkflowDefinition.model_validate(document))
    machine = Machine.start(graph, InstanceFacts("i", "w", "1.0.0"), {"amount": 5}, now=NOW)
    for _ in range(after):
        _end(machine, *_begin(machine))
    before = json.dumps(machine.state.to_json())

    def once() -> None:
        machine = Machine(graph, read_state(json.loads(before), "the instance"))
        begun = _begin(machine)
        between = json.dumps(machine.state.to_json())
        machine = Machine(graph, read_state(json.loads(between), "the instance"))
        _end(machine, *begun)
        json.dumps(machine.state.to_json())

    def run() -> float:
        began = time.process_time()
        for _ in range(ROUNDS):
            once()
        return (time.process_time() - began) / ROUNDS

    return run


def _begin(machine: Machine) -> tuple[str, str]:
    activation = machine.ready(NOW)[0]
    machine.begin(activation.scope, activation.step_id, "runner", NOW)
    machine.prepare(activation.scope, NOW)
    return activation.scope, activation.step_id


def _end(machine: Machine, scope: str, step_id: str) -> None:
    machine.succeed(scope, step_id, "runner", RESULT, NOW)
