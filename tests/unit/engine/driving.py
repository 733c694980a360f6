"""Machines for tests, driven by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_workflow_provider.engine.calls import Call, Decision, Options
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.engine.instance_records import InstanceFacts
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.model.definition import WorkflowDefinition
from airflow_workflow_provider.model.task import TaskDefinition

Json = dict[str, Any]

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """Return the moment some seconds after the start."""
    return NOW + timedelta(seconds=seconds)


def step(step_id: str, task_id: str = "work", **more: Any) -> Json:
    """Return a step of a document."""
    return {"stepId": step_id, "taskId": task_id, **more}


def branch(branch_id: str, *steps: Json) -> Json:
    """Return a branch of a document."""
    return {"branchId": branch_id, "steps": list(steps)}


def to(step_id: str, condition: str | None = None) -> Json:
    """Return a transition of a document."""
    return {"nextStepId": step_id} if condition is None else {"nextStepId": step_id, "condition": condition}


def jmespath(expression: str) -> Json:
    """Return a transform of a document."""
    return {"type": "jmespath", "expression": expression}


def graph_of(*steps: Json, tasks: Mapping[str, TaskDefinition] | None = None, **more: Any) -> Graph:
    """Return the graph of a document with these steps."""
    document = {"workflowId": "w", "name": "w", "version": "1.0.0", "steps": list(steps), **more}
    return Graph.of(WorkflowDefinition.model_validate(document), tasks)


def machine_of(
    *steps: Json, data: Json | None = None, options: Options | None = None, tasks: Any = None, **more: Any
) -> Machine:
    """Return the machine of a new instance of a document with these steps."""
    graph = graph_of(*steps, tasks=tasks, **more)
    return Machine.start(graph, InstanceFacts("i", "w", "1.0.0"), data or {}, now=NOW, options=options)


def begin(machine: Machine, step_id: str, scope: str = "", runner: str = "r", now: datetime = NOW) -> Call:
    """Begin the step and return its call."""
    assert machine.begin(scope, step_id, runner, now).action == "run"
    return machine.prepare(scope, now)


def succeed(
    machine: Machine, step_id: str, output: Any = None, scope: str = "", runner: str = "r", now: datetime = NOW
) -> Decision:
    """Begin the step and let it succeed."""
    begin(machine, step_id, scope, runner, now)
    return machine.succeed(scope, step_id, runner, output, now)


def fail(
    machine: Machine, step_id: str, type_: str = "Bad", scope: str = "", runner: str = "r", now: datetime = NOW
) -> Decision:
    """Begin the step and let it fail."""
    begin(machine, step_id, scope, runner, now)
    return machine.fail(scope, step_id, runner, Failure.named(type_, "broken"), now)
