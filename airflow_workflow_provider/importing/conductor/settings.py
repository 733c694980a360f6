"""Retries, timeouts and other settings of Conductor's tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.model.fields import MAX_COUNT

if TYPE_CHECKING:
    from airflow_workflow_provider.importing.conductor.flow import Task
    from airflow_workflow_provider.importing.draft import Json

_DELAY: Final = 60
"""Seconds between attempts of a registered task that names no delay."""

_STRATEGIES: Final = {"FIXED": None, "LINEAR_BACKOFF": "linear", "EXPONENTIAL_BACKOFF": "exponential"}
_NO_EFFECT: Final = frozenset(
    {
        "name", "taskReferenceName", "type", "description", "inputParameters", "startDelay", "optional",
        "asyncComplete", "decisionCases", "defaultCase", "forkTasks", "joinOn", "loopOver", "loopCondition",
        "evaluatorType", "expression", "caseValueParam", "caseExpression", "subWorkflowParam", "sink",
        "retryCount", "taskDefinition", "joinMode", "defaultExclusiveJoinTask", "dynamicForkTasksParam",
        "dynamicForkTasksInputParamName", "dynamicTaskNameParam", "dynamicForkJoinTasksParam", "onStateChange",
        "permissive", "callbackFromWorker", "rateLimited", "cacheConfig", "workflowTaskType",
        "scriptExpression", "forkTaskName", "forkTaskInputs",
    }
)  # fmt: skip
"""Fields that the conversion of some type of task reads, or that say nothing about the run."""


def settings_of(task: Task) -> Json:
    """Return the retry policy, timeout and failure handling of a step; report what cannot be said."""
    own = task.value.get("taskDefinition")
    definition: Json = own if isinstance(own, dict) else {}
    found = {**_retries(task, definition), **_timeout(task, definition)}
    if task.value.get("optional") is True:
        found["onFailure"] = {"action": "continue"}
        task.note("a failure continues with the next step", "optional", construct="optional", at=("onFailure",))
    for name in ("onStateChange", "cacheConfig"):
        if task.value.get(name):
            task.todo("it has no counterpart", name, construct=name)
    if task.value.get("asyncComplete") is True:
        task.todo("let a receive step wait for the event that completes it", "asyncComplete", construct="asyncComplete")
    for name in ("concurrentExecLimit", "rateLimitPerFrequency"):
        if definition.get(name):
            task.todo("limit it with an Airflow pool", "taskDefinition", name, construct=name)
    for name in task.value.keys() - _NO_EFFECT:
        task.todo("a field that is unknown", name, construct=name)
    return found


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < MAX_COUNT else 0


def _retries(task: Task, definition: Json) -> Json:
    count = _number(task.value.get("retryCount")) or _number(definition.get("retryCount"))
    if not count:
        return {}
    policy: Json = {"maxAttempts": count + 1, **_delays(task, definition)}
    task.note("the step's retry policy", "retryCount", construct="retryCount", at=("retryPolicy",))
    return {"retryPolicy": policy}


def _delays(task: Task, definition: Json) -> Json:
    """Return the delays between attempts; a task whose definition is not in the file has none."""
    logic = definition.get("retryLogic", "FIXED")
    if not isinstance(logic, str) or logic not in _STRATEGIES:
        message = f"{logic!r}: choose fixed, linear or exponential delays"
        task.todo(message, "taskDefinition", "retryLogic", construct="retryLogic")
        logic = "FIXED"
    delay = _number(definition.get("retryDelaySeconds", _DELAY if definition else 0))
    if logic == "LINEAR_BACKOFF":
        scale = definition.get("backoffScaleFactor", 1)
        if not _number(scale):
            message = "not a whole number above 0: choose the delay"
            task.todo(message, "taskDefinition", "backoffScaleFactor", construct="backoffScaleFactor")
        delay *= _number(scale) or 1
    if not delay:
        return {}
    strategy, longest = _STRATEGIES[logic], _number(definition.get("maxRetryDelaySeconds"))
    if definition.get("backoffJitterMs"):
        message = "the jitter of a delay is a share of it, not a fixed time: choose a share"
        task.todo(message, "taskDefinition", "backoffJitterMs", construct="backoffJitterMs")
    return {
        "delay": f"PT{delay}S",
        **({"strategy": strategy} if strategy else {}),
        **({"maxDelay": f"PT{longest}S"} if longest else {}),
    }


def _timeout(task: Task, definition: Json) -> Json:
    seconds = _number(definition.get("timeoutSeconds"))
    if not seconds:
        return {}
    policy = definition.get("timeoutPolicy", "TIME_OUT_WF")
    if policy == "ALERT_ONLY":
        message = "a timeout of the step that only alerts"
        task.note(message, "taskDefinition", "timeoutPolicy", construct="timeoutPolicy", at=("onTimeout",))
        return {"timeout": f"PT{seconds}S", "onTimeout": "alert"}
    exact = policy == "RETRY" or not _number(definition.get("retryCount"))
    message = "the step's timeout" if exact else "the step's timeout, which is retried as other failures are"
    task.note(message, "taskDefinition", "timeoutSeconds", construct="timeoutSeconds", at=("timeout",), exact=exact)
    return {"timeout": f"PT{seconds}S"}
