"""What a Task state calls: the task definition, or the workflow, that stands for it."""

from __future__ import annotations

import re
from typing import Any, Final

from airflow_workflow_provider.importing.draft import file_identifier

_FUNCTION: Final = re.compile(r"^arn:[\w-]*:lambda:[^:]*:[^:]*:function:(?P<name>[^:]+)")
_SERVICE: Final = re.compile(
    r"^arn:[\w-]*:states:[^:]*:[^:]*:(?P<service>.+?)(?P<pattern>\.sync(?::2)?|\.waitForTaskToken)?$"
)
_ACTIVITY: Final = re.compile(r"^arn:[\w-]*:states:[^:]*:[^:]*:activity:(?P<name>[^:]+)$")
_PLACEHOLDER: Final = re.compile(r"^\$\{(?P<name>[^}]+?)(?:\.Arn|Arn)?\}$")
_MACHINE: Final = re.compile(r"^(?:arn:[\w-]*:states:[^:]*:[^:]*:stateMachine:)?(?P<name>[^:]+)")
CALLBACK: Final = ".waitForTaskToken"


def task_name(resource: str, parameters: Any) -> str:
    """Return the name of the task that stands for a resource; what receives or gives something else is another task.

    A function that is called directly receives its input and gives its result, ``lambda:invoke`` receives and gives an
    object with the ``Payload``; what waits for the end of a job (``.sync``) gives more than what only starts it.
    """
    for pattern, prefix in ((_FUNCTION, "lambda."), (_ACTIVITY, "activity."), (_PLACEHOLDER, "")):
        found = pattern.match(resource)
        if found is not None:
            return prefix + found["name"]
    service = _SERVICE.match(resource)
    if service is None:
        return resource
    waits = service["pattern"] or ""
    name = service["service"].replace(":", ".") + ("" if waits == CALLBACK else waits.replace(":", "-"))
    given = parameters if isinstance(parameters, dict) else {}
    function = given.get("FunctionName")
    if name == "lambda.invoke" and isinstance(function, str) and not function.startswith(("{%", "$.")):
        return f"lambda.invoke.{_called(function)}"
    return name


def _called(function: str) -> str:
    for pattern in (_FUNCTION, _PLACEHOLDER):
        found = pattern.match(function)
        if found is not None:
            return found["name"]
    return function.partition(":")[0]


def is_callback(resource: str) -> bool:
    """Return whether the state waits until somebody gives its token back."""
    return resource.endswith(CALLBACK)


def called_workflow(resource: str, parameters: Any) -> str | None:
    """Return the id of the workflow that a state runs and waits for; None where it does something else."""
    service = _SERVICE.match(resource)
    if service is None or service["service"] != "states:startExecution" or not service["pattern"]:
        return None
    machine = parameters.get("StateMachineArn") if isinstance(parameters, dict) else None
    if service["pattern"] == CALLBACK or not isinstance(machine, str) or machine.startswith("{%"):
        return None
    found = _PLACEHOLDER.match(machine) or _MACHINE.match(machine)
    return None if found is None else file_identifier(found["name"])
