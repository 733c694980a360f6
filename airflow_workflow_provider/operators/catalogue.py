"""Finds the Airflow operator of a task definition (rules K2, K3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import BaseOperator

from airflow_workflow_provider.bounded.doors import behind
from airflow_workflow_provider.engine.bindings import is_transform
from airflow_workflow_provider.engine.keys import item_indexes
from airflow_workflow_provider.errors import InvalidDefinition, StepFailure
from airflow_workflow_provider.instances.session import own_limits
from airflow_workflow_provider.model.reach import BASE_ARGUMENTS, Policy
from airflow_workflow_provider.model.references import is_child_workflow
from airflow_workflow_provider.model.task import TaskDefinition
from airflow_workflow_provider.model.templates import is_template
from airflow_workflow_provider.operators import builtin
from airflow_workflow_provider.operators.child import ChildWorkflowOperator
from airflow_workflow_provider.operators.reach import NOT_ALLOWED, check_operator, taken_arguments
from airflow_workflow_provider.operators.unrendered import unrendered
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.tasks.builtin import BUILTINS
from airflow_workflow_provider.tasks.calls import (
    CORRELATION_ID,
    arguments_of,
    child_correlation_id,
    task_of,
)
from airflow_workflow_provider.tasks.registry import StepContext
from airflow_workflow_provider.vocabulary import ErrorType

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.calls import Call
    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.model.grants import Grants
    from airflow_workflow_provider.tasks.templates import RunNames

COMPUTED: Final = "(computed when the step runs)"
"""Stands in an operator of a DAG for what only a run knows."""

DANGEROUS: Final = frozenset(
    [
        "dag",
        "default_args",
        "depends_on_past",
        "do_xcom_push",
        "execution_timeout",
        "executor",
        "executor_config",
        "inlets",
        "map_index_template",
        "max_retry_delay",
        "multiple_outputs",
        "on_execute_callback",
        "on_failure_callback",
        "on_retry_callback",
        "on_skipped_callback",
        "on_success_callback",
        "outlets",
        "post_execute",
        "pre_execute",
        "render_template_as_native_obj",
        "retries",
        "retry_delay",
        "retry_exponential_backoff",
        "retry_policy",
        "run_as_user",
        "start_from_trigger",
        "start_trigger_args",
        "task_group",
        "task_id",
        "trigger_rule",
        "wait_for_downstream",
    ]
)
"""Arguments of ``BaseOperator`` that no version may set, however old it is."""

FORMER_OPERATORS: Final = ("airflow.providers.http.operators.**", "airflow.providers.common.sql.operators.**")
"""What ``allowed_operators`` allowed by default before versions recorded their grants; older versions keep it."""


def operator_class(task: TaskDefinition, policy: Policy, *, older: bool = False) -> type[BaseOperator]:
    """Return the operator behind a task definition.

    :param policy: what authors may reach
    :param older: whether the version was published before versions recorded their grants
    :raises InvalidDefinition: the path, or the module in which its class is defined, is not allowed; or it names no
        operator
    """
    if task.operator == ChildWorkflowOperator.name:
        return ChildWorkflowOperator
    if task.operator in BUILTINS:
        return builtin.built_in_operator(task.operator)
    rules = replace(policy, operators=(*policy.operators, *FORMER_OPERATORS)) if older else policy
    former = older and any(fnmatchcase(task.operator, pattern) for pattern in rules.operators)
    if not (former or rules.allows_operator(task.operator)):
        raise _not_allowed(task, task.operator, policy)
    found = _imported(task.operator)
    # A module may offer what it has imported from elsewhere.
    defined = f"{found.__module__}.{found.__qualname__}"
    if not (former or rules.allows_operator(defined)):
        raise _not_allowed(task, defined, policy)
    return found


def _is_built_in(task: TaskDefinition) -> bool:
    return task.operator in BUILTINS or task.operator == ChildWorkflowOperator.name


def _not_allowed(task: TaskDefinition, path: str, policy: Policy) -> InvalidDefinition:
    allowed = ", ".join(policy.operators) or "no pattern"
    message = f"Task {task.task_id!r}: operator {path!r} is not allowed; [workflows] allowed_operators has {allowed}"
    return InvalidDefinition(message)


@lru_cache(maxsize=256)
def _imported(path: str) -> type[BaseOperator]:
    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        message = f"Operator {path!r} cannot be imported: {error}"
        raise InvalidDefinition(message) from error
    if not (isinstance(found, type) and issubclass(found, BaseOperator)):
        message = f"{path!r} is not an Airflow operator"
        raise InvalidDefinition(message)
    return found


def constructor_arguments(
    operator: type[BaseOperator], task: TaskDefinition, given: Mapping[str, Any], policy: Policy, *, older: bool = False
) -> dict[str, Any]:
    """Return what an operator is constructed with when the DAG is built; for what is not known yet stands a text.

    Whatever looks like a template is replaced, so that nothing of Airflow's can ever render it with all of its context.

    :param given: the step's ``arguments``
    :param policy: what authors may reach
    :param older: whether the version was published before versions recorded their grants
    :raises InvalidDefinition: an argument is not the workflow's to set, or needs a value of the run where the
        operator takes none
    """
    planned = {key: _planned(value) for key, value in {**task.arguments, **given}.items()}
    if _is_built_in(task):
        return {"arguments": planned}
    check_names(task, operator, planned, policy, older=older)
    dynamic = {key for key, value in task.arguments.items() if key not in given and _has_template(value)}
    dynamic |= {key for key, value in given.items() if _has_transform(value)}
    fixed = sorted(dynamic - set(operator.template_fields))
    if fixed:
        msg = (
            f"Task {task.task_id!r}: arguments {fixed} of {operator.__name__} must be literals; "
            f"values of the run can be given to {sorted(operator.template_fields)}"
        )
        raise InvalidDefinition(msg)
    literal = {key: value for key, value in given.items() if key not in operator.template_fields}
    return {**planned, **literal}


def check_names(
    task: TaskDefinition, operator: type[BaseOperator], names: Iterable[str], policy: Policy, *, older: bool
) -> None:
    """Refuse arguments that are not the author's to set: those of every Airflow operator.

    :param older: whether the version was published before versions recorded their grants
    :raises InvalidDefinition: an argument is not taken
    """
    refused = [policy.argument_problem(task.operator, name) for name in sorted(names)]
    problem = next((each for each in refused if each is not None), None)
    if older and problem is not None and not DANGEROUS.intersection(names):
        problem = None
    if problem is not None:
        message = f"Task {task.task_id!r}: {problem.message}; {problem.suggestion}"
        raise InvalidDefinition(message)
    strange = sorted(set(names) - taken_arguments(operator) - BASE_ARGUMENTS)
    if strange:
        message = (
            f"Task {task.task_id!r}: {operator.__name__} does not take its arguments: {', '.join(map(repr, strange))} "
            f"is none of {', '.join(sorted(taken_arguments(operator) - BASE_ARGUMENTS))}"
        )
        raise InvalidDefinition(message)


def check_step(task: TaskDefinition | None, given: Mapping[str, Any], policy: Policy, *, older: bool) -> None:
    """Refuse a step whose operator may not be used, or not with these arguments, wherever it runs.

    :param task: what is behind the step; null for another workflow
    :param given: the step's ``arguments``
    :raises InvalidDefinition: as :func:`operator_class` and :func:`check_names`
    """
    if task is None:
        return
    operator = operator_class(task, policy, older=older)
    if not _is_built_in(task):
        check_names(task, operator, {**task.arguments, **given}, policy, older=older)


def prepared(graph: Graph, call: Call, run: RunNames) -> tuple[TaskDefinition, dict[str, Any]]:
    """Return the task of a call, and the arguments that it runs with.

    :param run: what templates know of the DAG run
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
    with behind(own_limits()):
        return task, arguments_of(task, call, run)


def set_arguments(operator: BaseOperator, task: TaskDefinition, arguments: Mapping[str, Any], grants: Grants) -> None:
    """Give an operator that was built with the DAG the values of the run, so that Airflow shows them as rendered.

    :param grants: what the publisher of the version was allowed
    :raises StepFailure: the operator reaches for what it may not
    """
    if _is_built_in(task):
        operator.arguments = dict(arguments)
        return
    for key, value in arguments.items():
        if key in operator.template_fields:
            setattr(operator, key, value)
    check_operator(operator, task.operator, arguments, older=grants.older)


def runtime_operator(task: TaskDefinition, arguments: Mapping[str, Any], task_id: str, grants: Grants) -> BaseOperator:
    """Return an operator for one call inside another task, constructed with the values of the run.

    :param grants: what the publisher of the version was allowed
    :raises StepFailure: the operator cannot be used, or reaches for what it may not
    """
    policy, older = Policy.of(load_settings()), grants.older
    try:
        operator = unrendered(operator_class(task, policy, older=older))
        if _is_built_in(task):
            return authorized(operator(task_id=task_id, arguments=arguments), grants)
        check_names(task, operator, arguments, policy, older=older)
    except InvalidDefinition as error:
        raise StepFailure(error.message, type=ErrorType.VALIDATION_ERROR, code=NOT_ALLOWED) from error
    made = operator(task_id=task_id, **arguments)
    check_operator(made, task.operator, arguments, older=older)
    return made


def authorized(operator: BaseOperator, grants: Grants) -> BaseOperator:
    """Give a built-in operator the version for which it runs; any other is left as it is."""
    if isinstance(operator, builtin.BuiltInOperator):
        operator.grants = grants
    return operator


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


def _planned(value: Any) -> Any:
    """Return a value with nothing in it that is computed or that looks like a template."""
    if is_transform(value) or is_template(value):
        return COMPUTED
    if isinstance(value, dict):
        return {key: _planned(item) for key, item in value.items()}
    return [_planned(item) for item in value] if isinstance(value, list) else value


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
