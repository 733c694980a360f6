"""Retry, Catch, timeouts and Fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.importing.jsonata import Script
from airflow_workflow_provider.importing.jsonpath import NotTranslatable
from airflow_workflow_provider.importing.stepfunctions.data import at_result_path, filtered, output, selected, template
from airflow_workflow_provider.importing.stepfunctions.scope import Here, is_expression
from airflow_workflow_provider.model.fields import MAX_COUNT
from airflow_workflow_provider.model.words import shown
from airflow_workflow_provider.vocabulary import ErrorType

if TYPE_CHECKING:
    from airflow_workflow_provider.importing.draft import Json

ERRORS: Final[dict[str, str]] = {
    "States.ALL": "*",
    "States.TaskFailed": "TaskError",
    "States.Timeout": ErrorType.TIMEOUT_ERROR,
    "States.BranchFailed": ErrorType.BRANCH_FAILED,
    "States.NoChoiceMatched": ErrorType.NO_TRANSITION_MATCHED,
    "States.ParameterPathFailure": ErrorType.EXPRESSION_ERROR,
    "States.ResultPathMatchFailure": ErrorType.EXPRESSION_ERROR,
    "States.IntrinsicFailure": ErrorType.EXPRESSION_ERROR,
    "States.QueryEvaluationError": ErrorType.EXPRESSION_ERROR,
    "States.Runtime": ErrorType.EXPRESSION_ERROR,
    "States.DataLimitExceeded": ErrorType.OUTPUT_TOO_LARGE,
    "States.ExceedToleratedFailureThreshold": ErrorType.BRANCH_FAILED,
}
"""Our types of the errors that the language itself raises."""

_OURS: Final = frozenset(str(each) for each in ErrorType)


def error_types(names: Iterable[Any]) -> list[str]:
    """Return the error types that stand for names of errors, each once."""
    return list(dict.fromkeys(str(ERRORS.get(str(name), name)) for name in names))


def seconds(value: Any) -> str | None:
    """Return a number of seconds as a duration; None where it is not a usable number."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_COUNT * 1000:
        return None
    return f"PT{value}S"


def retry_policies(here: Here) -> Json:
    """Return the retry policy of a state."""
    retriers = here.value.get("Retry") or []
    policies = []
    for number, retrier in enumerate(retriers):
        place = ("Retry", number)
        attempts = retrier.get("MaxAttempts", 3)
        rate = retrier.get("BackoffRate", 2.0)
        delay = seconds(retrier.get("IntervalSeconds", 1))
        if not isinstance(attempts, int) or not 0 <= attempts < MAX_COUNT or delay is None:
            here.todo("Retry", "the numbers of this retrier are out of range", *place)
            continue
        policy: Json = {"retryOn": error_types(retrier.get("ErrorEquals", ())), "maxAttempts": attempts + 1}
        if attempts:
            policy["delay"] = delay
        if attempts and rate != 1:
            policy |= {"strategy": "exponential"} if rate == 2 else {"strategy": "exponential", "multiplier": rate}  # noqa: PLR2004 - our default
            longest = seconds(retrier.get("MaxDelaySeconds"))
            policy |= {"maxDelay": longest} if longest else {}
        if attempts and retrier.get("JitterStrategy") == "FULL":
            policy["jitter"] = 1
            here.draft.note(
                "detour", "JitterStrategy", (*here.place, *place, "JitterStrategy"),
                "jitter 1 spreads a delay from 0 to twice its length, not from 0 to its length",
                step=here.step, at=("retryPolicy", number),
            )  # fmt: skip
        policies.append(policy)
    if not policies:
        return {}
    here.note("Retry", "one policy for each retrier, each with its own count", ("retryPolicy",))
    return {"retryPolicy": policies}


def timeouts(here: Here) -> Json:
    """Return the timeout of a state; report what cannot be said."""
    found: Json = {}
    timeout = number_of(here, "TimeoutSeconds", seconds, lambda code: f'"PT" & {code} & "S"')
    if timeout is not None:
        found["timeout"] = timeout
        here.note(given_as(here, "TimeoutSeconds"), "the step's timeout, for each attempt", ("timeout",))
    for field in ("HeartbeatSeconds", "HeartbeatSecondsPath"):
        if field in here.value:
            here.todo(field, "there is no heartbeat: a lost worker is noticed by Airflow, or set a timeout", field)
    return found


def given_as(here: Here, field: str) -> str:
    """Return the name of a field as a state has it: its value may be written, or found by a path."""
    return f"{field}Path" if f"{field}Path" in here.value else field


def number_of(here: Here, field: str, written: Callable[[Any], Any], computed: Callable[[str], str]) -> Any:
    """Return what a number of a state becomes, or the expression of one from its data; report what cannot be said.

    :param written: what a number that is written becomes; None for one that cannot be used
    :param computed: the JSONata of one that the given JSONata computes
    :returns: None where the state has no such number, or none that can be used
    """
    given = given_as(here, field)
    if given not in here.value:
        return None
    value = here.value[given]
    script = Script()
    try:
        if given != field:
            data = filtered(here, "InputPath", here.scope.data, script)
            return script.transform(computed(here.path(value, script, data=data)))
        if is_expression(value):
            return script.transform(computed(here.expression(value, script)))
    except NotTranslatable as error:
        here.todo(given, f"translate it: {error}", given)
        return None
    found = written(value)
    if found is None:
        here.todo(given, f"{shown(value)} is not a number that it can be: choose one", given)
    return found


def catchers(here: Here, target: Any) -> tuple[Json, list[Json]]:
    """Return the error handlers of a state, and the steps that they lead to first.

    :param target: gives the step of a state's name
    """
    conditions: list[Json] = []
    steps: list[Json] = []
    for number, catcher in enumerate(here.value.get("Catch") or []):
        place = ("Catch", number)
        to = target(catcher.get("Next"), (*here.place, *place, "Next"))
        try:
            first = _caught(here, catcher, to)
        except NotTranslatable as error:
            here.todo("Catch", f"the data after it: {error}", *place)
            first = None
        if first is not None:
            steps.append(first)
            to = first["stepId"]
        message = f"an error handler that leads to {to!r}"
        at = ("onFailure", "errorHandler", "conditions", len(conditions))
        conditions += [{"errorType": name, "nextStepId": to} for name in error_types(catcher.get("ErrorEquals", ()))]
        result = "exact" if first is None else "detour"
        message += "" if first is None else ", which puts the error into the data"
        here.draft.note(result, "Catch", (*here.place, *place), message, step=here.step, at=at)  # type: ignore[arg-type]
    return ({"onFailure": {"errorHandler": {"conditions": conditions}}} if conditions else {}), steps


def _caught(here: Here, catcher: Json, to: str) -> Json | None:
    assign = catcher.get("Assign")
    if here.jsonata:
        if "Output" not in catcher and not assign:
            catcher = {"Output": "{% $states.errorOutput %}", **catcher}
    elif catcher.get("ResultPath", "$") is None and not assign:
        return None
    script = Script()
    if here.jsonata:
        data = template(here, catcher.get("Output", "{% $states.errorOutput %}"), script)
        result = None
    else:
        result = f"{script.use('failure')}(error)"
        data = at_result_path(here, catcher.get("ResultPath", "$"), result)
    step = here.draft.step_id(f"{here.step}-caught")
    kept = output(here, data, script, assign=assign, result=result)
    return {"stepId": step, "taskId": "noop", **kept, "next": [{"nextStepId": to}]}


def fail_step(here: Here) -> Json:
    """Return the fields of the step of a Fail state.

    :raises NotTranslatable: an expression has no counterpart
    """
    script = Script()
    arguments: Json = {}
    for field, argument in (("Error", "type"), ("Cause", "message")):
        value = here.value.get(field)
        path = here.value.get(f"{field}Path")
        if path is not None:
            arguments[argument] = script.transform(selected(here, path, script))
        elif is_expression(value):
            arguments[argument] = script.transform(here.expression(str(value), script))
        elif value is not None:
            arguments[argument] = value
    name = arguments.get("type")
    if isinstance(name, str) and name in _OURS and name != ErrorType.WORKFLOW_FAILED:
        arguments |= {"type": str(ErrorType.WORKFLOW_FAILED), "code": name}
        here.note("Error", f"{name} is an error type of the engine's own: it became the code", exact=False)
    elif name is None:
        message = f"an error without a name has the type {ErrorType.WORKFLOW_FAILED}"
        here.draft.note("detour", "Fail", here.place, message, step=here.step, at=("taskId",))
    elif isinstance(name, str) and name.startswith("States."):
        here.note("Error", "kept as the error's type", ("arguments", "type"))
    return {"taskId": "fail", **({"arguments": arguments} if arguments else {})}
