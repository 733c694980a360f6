"""Steps that a person may have marked as success in Airflow, which the state of the instance does not show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_workflow_provider.engine.manual_override import override
from airflow_workflow_provider.engine.phases import StepStatus
from airflow_workflow_provider.model.ways import ON_FAILURE
from airflow_workflow_provider.operators.task_protocol import live_in
from airflow_workflow_provider.plan.positions import is_inside

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.machine import Machine
    from airflow_workflow_provider.plan.nodes import Node


@dataclass(frozen=True)
class Suspect:
    """A step that has failed or still runs as the state says; Airflow may know that a person marked it as success."""

    task_id: str
    path: str
    step_id: str
    whole: bool


def suspects(machine: Machine, deciders: tuple[Node, ...]) -> list[Suspect]:
    """Return the steps before a task that did not succeed as far as the state knows."""
    found = []
    for node in deciders:
        if node.path not in machine.state.lists:
            continue
        scope = machine.scope(node.path)
        step_id = node.step_id
        if node.kind == "loop":
            step_id = live_in(machine, node) or scope.control.last
            if ON_FAILURE in node.nodes and not is_inside(machine, node):
                # The workflow's onFailure ran in there too: a failure that it was given leaves the task green.
                continue
        record = scope.values.steps.get(step_id) if step_id is not None else None
        if node.starts and record is not None and record.region is not None:
            # Its own task was done; what failed or runs are its branches.
            continue
        current = machine.state.live_step(node.path, step_id) if step_id is not None else None
        is_live = current is not None and current.is_step
        if step_id is not None and (is_live or (record is not None and record.status is StepStatus.FAILED)):
            found.append(Suspect(node.task_id, node.path, step_id, whole=node.kind != "step"))
    return found


def complete_marked(machine: Machine, marked: list[Suspect], now: datetime) -> None:
    """Count as done what a person marked as success."""
    for suspect in marked:
        override(machine, suspect.path, suspect.step_id, now, whole=suspect.whole)
