"""From a task definition to the Airflow operator that does it (rules K2, K3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import BaseOperator

from airflow_workflow_provider.engine.bindings import is_transform
from airflow_workflow_provider.engine.state import item_indexes
from airflow_workflow_provider.errors import InvalidDefinition
from airflow_workflow_provider.model.task import TaskDefinition
from airflow_workflow_provider.operators import builtin, events, people
from airflow_workflow_provider.operators.child import ChildWorkflowOperator
from airflow_workflow_provider.tasks.calls import (
    CORRELATION_ID,
    arguments_of,
    child_correlation_id,
    is_child_workflow,
    task_of,
)
from airflow_workflow_provider.tasks.registry import StepContext
from airflow_workflow_provider.tasks.templates import is_template

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.calls import Call
    from airflow_workflow_provider.engine.graph import Graph

BUILT_IN_OPERATORS: Final[Mapping[str, type[builtin.BuiltInOperator]]] = {
    **builtin.BUILT_IN_OPERATORS,
    **events.EVENT_OPERATORS,
    **people.PEOPLE_OPERATORS,
    ChildWorkflowOperator.name: ChildWorkflowOperator,
}
"""The operator of each built-in task."""

RESERVED: Final = frozenset(
    {
        "dag",
        "depends_on_past",
        "do_xcom_push",
        "execution_timeout",
        "max_retry_delay",
        "multiple_outputs",
        "on_execute_callback",
        "on_failure_callback",
        "on_retry_callback",
        "on_skipped_callback",
        "on_success_callback",
        "post_execute",
        "pre_execute",
        "retries",
        "retry_delay",
        "retry_exponential_backoff",
        "retry_policy",
        "task_group",
        "task_id",
        "trigger_rule",
        "wait_for_downstream",
    }
)
"""Arguments of every operator that the workflow decides."""


def operator_class(task: TaskDefinition, allowed: Sequence[str]) -> type[BaseOperator]:
    """Return the operator behind a task definition.

    :param allowed: patterns of the dotted paths that may be used (``[workflows] allowed_operators``)
    :raises InvalidDefinition: the path is not allowed, or names no operator
    """
    built_in = BUILT_IN_OPERATORS.get(task.operator)
    if built_in is not None:
        return built_in
    if not any(fnmatchcase(task.operator, pattern) for pattern in allowed):
        msg = (
            f"Task {task.task_id!r}: operator {task.operator!r} is not allowed; "
            f"[workflows] allowed_operators has {', '.join(allowed) or 'no pattern'}"
        )
        raise InvalidDefinition(msg)
    return _imported(task.operator)


@lru_cache(maxsize=256)
def _imported(path: str) -> type[BaseOperator]:
    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        message = f"Operator {path!r} cannot be imported: {error}"
        raise InvalidDefinition(message) from error
    if not (isinstance(found, type) and issubclass(found, BaseOperator)):
        message = f"{path!r} is no Airflow operator"
        raise InvalidDefinition(message)
    return found


def constructor_arguments(
    operator: type[BaseOperator], task: TaskDefinition, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what an operator is constructed with when the DAG is built; what is not known yet stands as a template.

    :param given: the step's ``arguments``
    :raises InvalidDefinition: an argument is not the workflow's to set, or needs a value of the run where the
        operator takes none
    """
    planned = {**task.arguments, **{key: _placeholder(key, value) for key, value in given.items()}}
    if task.operator in BUILT_IN_OPERATORS:
        return {"arguments": planned}
    check_names(task, planned)
    dynamic = {key for key, value in task.arguments.items() if key not in given and _has_template(value)}
    dynamic |= {key for key, value in given.items() if _has_transform(value)}
    fixed = sorted(dynamic - set(operator.template_fields))
    if fixed:
        msg = (
            f"Task {task.task_id!r}: arguments {fixed} of {operator.__name__} must be literals; "
            f"values of the run can be given to {sorted(operator.template_fields)}"
        )
        raise InvalidDefinition(msg)
    return planned


def check_names(task: TaskDefinition, arguments: Mapping[str, Any]) -> None:
    """Refuse arguments that the workflow decides itself.

    :raises InvalidDefinition: one of :data:`RESERVED`
    """
    refused = sorted(RESERVED & set(arguments))
    if refused:
        message = f"Task {task.task_id!r}: arguments {refused} are set by the workflow, not by a task definition"
        raise InvalidDefinition(message)


def prepared(graph: Graph, call: Call, more: Mapping[str, Any]) -> tuple[TaskDefinition, dict[str, Any]]:
    """Return the task of a call, and the arguments that it runs with.

    :param more: further names that templates may use, such as Airflow's context
    :raises StepFailure: there is no such task, or its arguments cannot be computed
    """
    if is_child_workflow(call.task_id):
        child = TaskDefinition(task_id=call.task_id, name=call.task_id, operator=ChildWorkflowOperator.name)
        return child, {
            "workflow": call.task_id,
            "input": call.input,
            CORRELATION_ID: child_correlation_id(call),
        }
    task = task_of(graph, call.task_id)
    return task, arguments_of(task, call, more)


def set_arguments(operator: BaseOperator, task: TaskDefinition, arguments: Mapping[str, Any]) -> None:
    """Give an operator that was built with the DAG the values of the run, so that Airflow shows them as rendered."""
    if task.operator in BUILT_IN_OPERATORS:
        operator.arguments = dict(arguments)
        return
    for key, value in arguments.items():
        if key in operator.template_fields:
            setattr(operator, key, value)


def runtime_operator(
    task: TaskDefinition, arguments: Mapping[str, Any], task_id: str, allowed: Sequence[str]
) -> BaseOperator:
    """Return an operator for one call inside another task, constructed with the values of the run.

    :raises InvalidDefinition: as :func:`operator_class` and :func:`check_names`
    """
    operator = operator_class(task, allowed)
    if task.operator in BUILT_IN_OPERATORS:
        return operator(task_id=task_id, arguments=arguments)
    check_names(task, arguments)
    return operator(task_id=task_id, **arguments)


def step_context_of(call: Call) -> StepContext:
    """Return what a Python task may know about the call that it runs for."""
    about = call.bindings["workflow"]
    items = item_indexes(call.scope)
    return StepContext(
        instance_id=about["instanceId"],
        step_id=call.step_id,
        visit=call.visit,
        attempt=call.attempt,
        idempotency_key=call.idempotency_key,
        correlation_id=about["correlationId"],
        workflow_id=about["id"],
        workflow_version=about["version"],
        item_index=items[-1] if items else None,
    )


def _placeholder(key: str, value: Any) -> Any:
    return f"{{{{ workflow.arguments[{key!r}] }}}}" if _has_transform(value) else value


def _has_transform(value: Any) -> bool:
    if is_transform(value):
        return True
    if isinstance(value, dict):
        return any(map(_has_transform, value.values()))
    return isinstance(value, list) and any(map(_has_transform, value))


def _has_template(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_template, value.values()))
    if isinstance(value, list):
        return any(map(_has_template, value))
    return is_template(value)
