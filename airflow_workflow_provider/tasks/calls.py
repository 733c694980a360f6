"""Finds the task of a step's call: its definition and its arguments (rules K1 to K4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.engine.failure import limits_as
from airflow_workflow_provider.engine.instance_records import MAX_CORRELATION_ID
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.grants import task_references
from airflow_workflow_provider.tasks.templates import RunNames, rendered, template_values
from airflow_workflow_provider.vocabulary import ErrorType

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.engine.machine import Call
    from airflow_workflow_provider.model.definition import WorkflowDefinition
    from airflow_workflow_provider.model.task import TaskDefinition
    from airflow_workflow_provider.tasks.catalogue import Catalogue

CORRELATION_ID: Final = "correlationId"
"""The argument of a step ``workflow:…`` that gives the child instance a correlation id of its own."""


def task_ids(definition: WorkflowDefinition) -> tuple[str, ...]:
    """Return every task id that a definition names, compensations included, each once."""
    return tuple(dict.fromkeys(task_id for _, task_id in task_references(definition)))


def tasks_of(definition: WorkflowDefinition, catalogue: Catalogue) -> dict[str, TaskDefinition]:
    """Return the task definitions that a definition names; ids without one are left out."""
    found = {task_id: catalogue.get(task_id) for task_id in task_ids(definition)}
    return {task_id: task for task_id, task in found.items() if task is not None}


def task_of(graph: Graph, task_id: str) -> TaskDefinition:
    """Return the task definition that a call names.

    :raises StepFailure: of type ``TaskNotFound``
    """
    task = graph.tasks.get(task_id)
    if task is None:
        msg = f"Task {task_id!r} is unknown; known tasks are {sorted(graph.tasks)}"
        raise StepFailure(msg, type=ErrorType.TASK_NOT_FOUND)
    return task


def arguments_of(task: TaskDefinition, call: Call, run: RunNames | None = None) -> dict[str, Any]:
    """Return the arguments that a task runs with: its own templates rendered, the step's own over them (rule K3).

    :param run: what templates know of the DAG run; None where there is none
    :raises StepFailure: of type ``ExpressionError``
    """
    values = {**vars(run or RunNames.simulated(call)), **template_values(call)}
    own = {key: value for key, value in task.arguments.items() if key not in call.arguments}
    with limits_as(ErrorType.EXPRESSION_ERROR, "arguments"):
        return {**rendered(own, values), **call.arguments}


def child_correlation_id(call: Call) -> str | None:
    """Return the correlation id of the child instance that a call starts: its own, else its parent's (rule P5).

    :raises StepFailure: of type ``ValidationError``: the step's argument ``correlationId`` is none
    """
    given = call.arguments.get(CORRELATION_ID)
    if given is None:
        inherited: str | None = call.bindings["workflow"]["correlationId"]
        return inherited
    if not isinstance(given, str) or not 1 <= len(given) <= MAX_CORRELATION_ID or "\x00" in given:
        message = (
            f"Argument {CORRELATION_ID!r} of {call.task_id!r} must be a text of 1 to {MAX_CORRELATION_ID} characters"
        )
        raise StepFailure(message, type=ErrorType.VALIDATION_ERROR)
    return given
