"""Tasks that Airflow started before a decision led to them.

Airflow starts what follows a failure when the task before it has failed. As a rule that task has stored the failure and
skipped what was not chosen. Where its process was killed for good, or a person marked it, nothing of that was done: all
that may follow starts. The first one settles what was lost; one that was not chosen skips itself, or waits as long as
the path may still come to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.phases import Phase
from airflow_workflow_provider.model.ways import ON_FAILURE
from airflow_workflow_provider.operators.task_protocol import GIVEN_UP, LOST, task_failed
from airflow_workflow_provider.vocabulary import ErrorType

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_workflow_provider.engine.machine import Machine
    from airflow_workflow_provider.plan.nodes import Node, Plan

States = Mapping[str, str | None]
ENDED: Final = frozenset({"success", "failed", "upstream_failed", "skipped", "removed"})
"""The states of tasks that do not run any more, as Airflow spells them."""


def asked(machine: Machine, plan: Plan, node: Node) -> list[str]:
    """Return the tasks whose states say what became of a task that no decision led to."""
    before = [each.task_id for each in plan.deciders(node.task_id) if each.failing]
    return sorted({*before, *(each.task_id for each in _live(machine, plan, node))})


def settle(machine: Machine, plan: Plan, node: Node, states: States, now: datetime) -> bool:
    """Fail the steps before and around a task that Airflow counts as failed, though the state does not.

    :param states: of the tasks that :func:`asked` names
    :returns: whether anything has changed
    """
    before = machine.state.to_json()
    found = {each.task_id: each for each in (*plan.deciders(node.task_id), *_live(machine, plan, node))}
    machine.expire(now)
    for task_id, each in found.items():
        if states.get(task_id) == "failed":
            task_failed(machine, each, Failure(ErrorType.WORKER_LOST, LOST), now, stored=False)
            task_failed(machine, each, Failure(ErrorType.WORKER_LOST, GIVEN_UP), now)
    return machine.state.to_json() != before


def may_come(machine: Machine, plan: Plan, node: Node, states: States) -> bool:
    """Return whether the path may still come to a task: what is live before it runs, or is to run, in Airflow."""
    return any(
        states.get(live.task_id) not in ENDED and node.task_id in plan.after(live.task_id)
        for live in _live(machine, plan, node)
    )


def _live(machine: Machine, plan: Plan, node: Node) -> Iterator[Node]:
    """Yield the node of what is live in a task's step list, or while that has not begun in the list around it."""
    path: str | None = node.path
    while path is not None and not machine.is_over:
        scope, owner = machine.find_scope(path), machine.graph.lists[path].owner
        if scope is not None:
            current = scope.current if scope.is_running else None
            if current is None:
                return
            name = current.step_id if current.is_step else ON_FAILURE
            if name in plan.task_of:
                is_forked = current.phase is Phase.REGION
                if path == node.path or not is_forked:
                    yield plan.exit_of(name) if is_forked else plan.node(plan.task_of[name])
            return
        path = None if owner is None else machine.graph.home(owner.step_id).path
