"""Whether an instance can continue with the newest version of its workflow (rule I5)."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from airflow_workflow_provider.engine.keys import list_path
from airflow_workflow_provider.errors import Conflict
from airflow_workflow_provider.operations.loading import Loading
from airflow_workflow_provider.plan.nodes import Plan, task_in
from airflow_workflow_provider.plan.plan import plan_of
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.engine.machine import Machine
    from airflow_workflow_provider.engine.recovery import Place
    from airflow_workflow_provider.store.definitions import Definitions
    from airflow_workflow_provider.store.tasks import Tasks


def newest_revision(definitions: Definitions, tasks: Tasks, workflow_id: str) -> int:
    """Return the revision of a workflow that a run would get now.

    :raises Conflict: Airflow cannot run the workflow, or has not loaded the newest version yet
    """
    loading = Loading(definitions, tasks)
    wanted = loading.wanted(workflow_id)
    return (loading.loaded(workflow_id) if wanted is None else loading.ready(wanted)).revision


def fits(machine: Machine, graph: Graph, places: Collection[Place]) -> None:
    """Check that an instance can continue at some steps in another version of its workflow.

    They must be where they were, in regions with the same branches, and behind the step that led to them. The steps
    that are done already would count as tasks that have run, or the other way round, where the execution is another.

    :raises Conflict: ``version-incompatible``, with the steps that are not
    """
    if places and graph.runs_inline != machine.graph.runs_inline:
        message = f"The newest version runs {'inline' if graph.runs_inline else 'as tasks'}, this instance does not"
        raise Conflict(
            message,
            code=ProblemCode.VERSION_INCOMPATIBLE,
            suggestion="restart it from the start, or continue on the same version",
        )
    plan = plan_of(graph)
    wrong = sorted({step_id for place in places for step_id in _misfits(machine, graph, plan, *place)})
    if wrong:
        message = f"These steps are not where the instance has to continue in the newest version: {wrong}"
        raise Conflict(
            message,
            code=ProblemCode.VERSION_INCOMPATIBLE,
            suggestion="restart it from the start, or continue on the same version",
        )


def _misfits(machine: Machine, graph: Graph, plan: Plan, key: str, step_id: str) -> list[str]:
    old, path = machine.graph, list_path(key)
    if step_id not in graph.step_ids or graph.home(step_id).path != path:
        return [step_id]
    wrong = []
    found = old.lists[path].owner
    while found is not None:
        around = found.step_id
        if around not in graph.step_ids or _branches(graph, around) != _branches(old, around):
            wrong.append(around)
        found = old.home(around).owner
    if not wrong and not _is_led_to(machine, graph, plan, key, step_id):
        wrong.append(step_id)
    return wrong


def _branches(graph: Graph, step_id: str) -> tuple[str, bool, list[str]]:
    step = graph.step(step_id)
    names = sorted(branch.branch_id for branch in step.parallel_branches or ())
    return graph.home(step_id).path, graph.must_run_inline(step), names


def _is_led_to(machine: Machine, graph: Graph, plan: Plan, key: str, step_id: str) -> bool:
    """Return whether the task that led to a step in the instance is directly upstream of it in the other version."""
    task_id = task_in(graph, plan, step_id)
    steps = machine.scope(key).values.steps
    before = [name for name, record in steps.items() if record.next == step_id]
    if not before:
        return graph.lists[list_path(key)].entry == step_id
    last = max(before, key=lambda name: steps[name].completed_at or "")
    if last not in graph.step_ids:
        return False
    leading = task_in(graph, plan, last)
    deciders = {node.task_id for node in plan.deciders(task_id)}
    return leading == task_id or not deciders.isdisjoint({leading, f"{leading}.join"})
