"""The built-in tasks: their names, how their arguments are checked, and those that need no outside world.

A built-in reads its ``arguments`` only (rule K3). ``noop``, ``set``, ``fail`` and ``wait`` touch nothing outside and
are run here, for every host alike; the others have an Airflow operator each. ``docs/tasks.md`` is their handbook.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow_workflow_provider.errors import Misuse, StepFailure
from airflow_workflow_provider.model.durations import parse_duration
from airflow_workflow_provider.model.json_schema.validation import schema_findings
from airflow_workflow_provider.tasks.schemas import ARGUMENT_SCHEMAS

if TYPE_CHECKING:
    from airflow_workflow_provider.model.task import TaskDefinition

WORKFLOW_PREFIX = "workflow:"
"""A task id that starts so runs another workflow (rule P5)."""

DEFAULT_MAX_ROWS = 1000

BUILTINS = frozenset(ARGUMENT_SCHEMAS)
PURE = frozenset({"noop", "set", "fail", "wait"})

_SUMMARIES = {
    "noop": ("No operation", "Does nothing and returns an empty object."),
    "set": ("Set", "Returns its arguments."),
    "fail": ("Fail", "Fails with the error that its arguments describe."),
    "wait": ("Wait", "Waits for a duration or until a point in time without holding a worker."),
    "python": ("Python function", "Calls a function registered with @workflow_task."),
    "http": ("HTTP request", "Sends one request through an Airflow HTTP connection."),
    "sql": ("SQL statement", "Runs one statement through an Airflow SQL connection."),
    "receive": ("Receive an event", "Waits for an event that matches, without holding a worker, and returns it."),
    "event": ("Publish an event", "Publishes a CloudEvent that starts workflows and reaches steps that wait for it."),
    "approval": ("Approval", "Asks people for a decision and waits for it without holding a worker."),
    "form": ("Form", "Asks people to fill in a form and waits for it without holding a worker."),
}


@cache
def builtin_task(task_id: str) -> TaskDefinition:
    """Return the task definition behind a built-in name.

    :param task_id: one of :data:`BUILTINS`
    :raises KeyError: there is no such built-in
    """
    from airflow_workflow_provider.model.task import TaskDefinition

    name, description = _SUMMARIES[task_id]
    return TaskDefinition.model_validate(
        {"taskId": task_id, "name": name, "description": description, "operator": task_id}
    )


def check_arguments(task_id: str, arguments: Mapping[str, Any]) -> None:
    """Check a built-in's arguments as they are when it runs, all transforms evaluated.

    :param task_id: one of :data:`BUILTINS`
    :param arguments: what the task is about to get
    :raises StepFailure: of type ``ValidationError``, with every finding in ``details.errors``
    """
    findings = schema_findings(ARGUMENT_SCHEMAS[task_id], dict(arguments))
    if not findings:
        return
    first = findings[0]
    where = f" at {first['pointer']}" if first["pointer"] else ""
    message = f"The arguments of task {task_id!r} are invalid{where}: {first['message']}"
    raise StepFailure(message, type="ValidationError", details={"errors": findings})


def wait_until(arguments: Mapping[str, Any], now: datetime) -> datetime:
    """Return the moment at which a ``wait`` ends; it may lie in the past.

    :param arguments: ``duration`` or ``until``
    :param now: the present, with a time zone
    :raises StepFailure: of type ``ValidationError``: not exactly one of the two, or a bad value
    """
    check_arguments("wait", arguments)
    try:
        if "duration" in arguments:
            return now + parse_duration(arguments["duration"])
        return _parse_rfc3339(arguments["until"])
    except (ValueError, OverflowError) as error:
        value = arguments.get("duration", arguments.get("until"))
        message = f"Task 'wait' cannot wait for {value!r}: {error}"
        raise StepFailure(message, type="ValidationError") from error


def _parse_rfc3339(text: str) -> datetime:
    # datetime reads six digits of a fraction at most, and no lower-case letters
    upper = re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", text.upper())
    moment = datetime.fromisoformat(upper)
    if moment.utcoffset() is None or abs(moment.utcoffset() or timedelta()) >= timedelta(days=1):
        message = "a time without offset"
        raise ValueError(message)
    return moment


def run_pure(task_id: str, arguments: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Run a built-in that touches nothing outside, and return its raw result.

    ``wait`` returns at once here: the caller waits until :func:`wait_until`.

    :param task_id: one of :data:`PURE`
    :param arguments: its arguments, all transforms evaluated
    :param now: the present, with a time zone
    :raises StepFailure: what ``fail`` was asked for, or ``ValidationError`` for bad arguments
    """
    if task_id not in PURE:
        message = f"Task {task_id!r} cannot run without Airflow; tasks that can are {sorted(PURE)}"
        raise Misuse(message)
    if task_id == "wait":
        wait_until(arguments, now)
        return {}
    check_arguments(task_id, arguments)
    if task_id == "fail":
        raise StepFailure(
            arguments.get("message", "The workflow asked for this failure"),
            type=arguments.get("type", "WorkflowFailed"),
            code=arguments.get("code"),
            details=arguments.get("details"),
        )
    return dict(arguments) if task_id == "set" else {}
