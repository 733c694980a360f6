"""Failing the step whose task a person has marked as failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow_workflow_provider.airflow_db.lookups import run_state
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.errors import NotFound
from airflow_workflow_provider.instances.graphs import graph_at
from airflow_workflow_provider.instances.session import InstanceSession, Run
from airflow_workflow_provider.listeners.noted import reached
from airflow_workflow_provider.operations.agreement import ENDED_RUN
from airflow_workflow_provider.operators.task_protocol import task_failed
from airflow_workflow_provider.plan.plan import plan_of
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.instances import Instances, instance_id
from airflow_workflow_provider.store.tasks import Tasks
from airflow_workflow_provider.vocabulary import ErrorType

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.machine import Machine
    from airflow_workflow_provider.listeners.marked import MarkedTask
    from airflow_workflow_provider.store.database import Database

STEPS = frozenset({"whole", "step", "inline", "loop", "on_failure"})
"""The kinds of tasks that stand for steps, or compensations."""


def fail_marked(marked: MarkedTask) -> bool:
    """Fail the step of a marked task in the configured database."""
    with reached("a mark of a task") as found:
        return fail_step(marked, found, run_continues=run_continues)


def run_continues(marked: MarkedTask) -> bool:
    """Return whether the run of a task has not ended: what follows from a mark runs in it."""
    return run_state(marked.dag_id, marked.run_id) not in ENDED_RUN


def fail_step(
    marked: MarkedTask, database: Database, *, run_continues: Callable[[MarkedTask], bool] = lambda _: True
) -> bool:
    """Fail the step that a marked task stands for, as far as it runs, or has ended and nothing behind it has begun.

    :param run_continues: returns whether the run has not ended; asked while nobody else can change the instance
    :returns: whether anything had to be changed; False for the task of a DAG that is no workflow's
    """
    instances = Instances(database)
    try:
        found = instances.get(instance_id(marked.dag_id, marked.run_id))
        graph = graph_at(Definitions(database), Tasks(database), found.workflow_id, found.revision)
    except NotFound:
        return False
    node = next((node for node in plan_of(graph).nodes if node.task_id == marked.task_id), None)
    if node is None or node.kind not in STEPS:
        return False
    session = InstanceSession(graph, found.revision, Run(marked.dag_id, marked.run_id), instances=instances)
    name = node.step_id or node.task_id
    failure = Failure(ErrorType.MARKED_FAILED, f"A user marked the task of {name!r} as failed in Airflow")

    def fail(machine: Machine) -> bool:
        # Nothing follows the only task of an inline workflow, so its run may have ended with the mark.
        if node.kind != "whole" and not run_continues(marked):
            return False
        before = machine.state.to_json()
        task_failed(machine, node, failure, session.clock())
        return machine.state.to_json() != before

    return session.change(fail, create=False)
