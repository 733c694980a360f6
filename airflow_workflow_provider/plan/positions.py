"""Whether the stored state of an instance is older than what Airflow has seen of it, as after the restore of a backup.

Each task leaves in Airflow how far the instance was when its outcome was stored: the number of the latest activation. A
state that has not come so far, or in which the task's step has not ended yet, is an older one. A task that a person
marked leaves nothing, so what it counts as is theirs to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.engine.phases import Phase
from airflow_workflow_provider.model.ways import ON_FAILURE

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.machine import Machine
    from airflow_workflow_provider.plan.nodes import Node, Plan

POSITION: Final = "workflow_position"
"""Key of Airflow's XCom in which a task leaves it."""

Positions = Mapping[str, int]
"""The positions that tasks have left, by the ids of the tasks."""


def is_behind(machine: Machine, plan: Plan, positions: Positions) -> bool:
    """Return whether a state is older than what tasks have left; they have to be read before the state."""
    if any(machine.state.sequence < position for position in positions.values()):
        return True
    nodes = [node for node in plan.nodes if node.task_id in positions]
    return any(_runs_since(machine, node, positions[node.task_id]) for node in nodes)


def _runs_since(machine: Machine, node: Node, position: int) -> bool:
    """Return whether what a task stands for still runs, and was activated before the task left its position."""
    if node.nodes:
        return is_inside(machine, node) and machine.scope(node.path).activation.sequence <= position
    current = None if node.step_id is None else machine.state.live_step(node.path, node.step_id)
    if current is None or not current.is_step or (node.starts and current.phase is Phase.REGION):
        return False
    return current.sequence <= position


def is_inside(machine: Machine, node: Node) -> bool:
    """Return whether the path is in a region that runs in one task."""
    scope = machine.find_scope(node.path)
    if machine.is_over or scope is None or not scope.is_running or scope.current is None:
        return False
    return (scope.current.step_id if scope.current.is_step else ON_FAILURE) in node.nodes


def position_in(value: object) -> int | None:
    """Return the position that an XCom holds; None where it is something else."""
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
