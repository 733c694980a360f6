"""Task documents (rule K2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.model.checks.base import Catalogue, Path, finding
from airflow_workflow_provider.model.checks.failure import idle_fields
from airflow_workflow_provider.model.checks.reach import reach_findings
from airflow_workflow_provider.model.checks.schemas import schema_findings
from airflow_workflow_provider.model.checks.tasks import argument_findings, is_dotted
from airflow_workflow_provider.model.checks.times import fixed_length, policies_at, policy_durations
from airflow_workflow_provider.model.references import is_child_workflow
from airflow_workflow_provider.model.task import BUILTIN_TASKS, TASK_ID_PATTERN, TaskDefinition
from airflow_workflow_provider.model.words import did_you_mean, listed, shown

if TYPE_CHECKING:
    from airflow_workflow_provider.model.diagnostics import Diagnostic
    from airflow_workflow_provider.model.reach import Policy

_TASK_ID: Final = re.compile(TASK_ID_PATTERN.rstrip("$"))
_ABOUT_SEVERAL: Final = ("required", "oneOf", "anyOf", "allOf", "not", "minProperties", "dependentRequired")


def task_findings(task: TaskDefinition, policy: Policy, catalogue: Catalogue | None) -> Iterator[Diagnostic]:
    """What is wrong with a task definition.

    :param task: the definition
    :param policy: what it may reach
    :param catalogue: knows the arguments of the built-in tasks
    """
    yield from form_findings(task)
    yield from _operator(task, policy, catalogue)
    yield from reach_findings(("arguments",), task.operator, task.arguments, policy, whole=False)


def form_findings(task: TaskDefinition) -> Iterator[Diagnostic]:
    """What is wrong with a task definition whatever may be reached.

    :param task: the definition
    """
    yield from _identity(task)
    if task.operator not in BUILTIN_TASKS and not is_dotted(task.operator):
        message = f"{shown(task.operator)} is neither a built-in ({listed(BUILTIN_TASKS)}) nor a dotted path"
        yield finding("WF404", ("operator",), message, did_you_mean(task.operator, BUILTIN_TASKS))
    yield from policy_durations((), task.retry_policy)
    for place, policy in policies_at((), task.retry_policy):
        yield from idle_fields(place, policy)
    yield from fixed_length(("timeout",), task.timeout, above_zero=True)
    yield from schema_findings(("inputSchema",), task.input_schema)
    yield from schema_findings(("outputSchema",), task.output_schema)


def _identity(task: TaskDefinition) -> Iterator[Diagnostic]:
    path: Path = ("taskId",)
    if task.task_id in BUILTIN_TASKS or is_child_workflow(task.task_id):
        message = f"taskId {shown(task.task_id)} is reserved for the built-in task"
        yield finding("WF121", path, message, "choose another name")
    elif not _TASK_ID.fullmatch(task.task_id):
        message = f"taskId {shown(task.task_id)} is not 1 to 200 of the characters A-Z a-z 0-9 _ . -"
        yield finding("WF120", path, message)


def _operator(task: TaskDefinition, policy: Policy, catalogue: Catalogue | None) -> Iterator[Diagnostic]:
    path: Path = ("operator",)
    if task.operator in BUILTIN_TASKS:
        if catalogue is None:
            return
        if catalogue.get(task.operator) is None:
            yield finding("WF401", path, f"There is no task {shown(task.operator)}")
            return
        schema = catalogue.argument_schema(task.operator)
        if schema is not None:
            # A step may give the rest, so only what is here is looked at.
            given: dict[str, Any] = {key: value for key, value in schema.items() if key not in _ABOUT_SEVERAL}
            yield from argument_findings(("arguments",), task.arguments, given, f"Operator {shown(task.operator)}")
    elif is_dotted(task.operator) and not policy.allows_operator(task.operator):
        message = f"The operator {shown(task.operator)} is not allowed"
        yield finding("WF404", path, message, policy.operator_advice())
