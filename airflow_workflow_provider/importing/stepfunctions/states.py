"""The states without states inside, as steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from airflow_workflow_provider.importing.draft import Json, Place, short_name, targets, transform
from airflow_workflow_provider.importing.jsonata import Script, built, failing, literal, member
from airflow_workflow_provider.importing.jsonpath import NotTranslatable
from airflow_workflow_provider.importing.stepfunctions.choices import condition
from airflow_workflow_provider.importing.stepfunctions.data import (
    effective_input,
    filtered,
    new_data,
    note_fields,
    output,
    template,
)
from airflow_workflow_provider.importing.stepfunctions.failures import (
    catchers,
    fail_step,
    retry_policies,
    seconds,
    timeouts,
)
from airflow_workflow_provider.importing.stepfunctions.resources import called_workflow, is_callback, task_name
from airflow_workflow_provider.importing.stepfunctions.scope import Here, is_expression
from airflow_workflow_provider.model.expressions.cel import SOURCE_LIMIT
from airflow_workflow_provider.model.words import shown

UNWRITTEN: Final = 'int("this condition was not imported") == 0'
"""A condition that fails, in the place of one that a person has to write."""

Target = Callable[[Any, Place], str]
"""Gives the step of a state's name; it refuses a name that is no state."""


def following(here: Here, target: Target) -> list[Json]:
    """Return what comes after a state."""
    if here.value.get("End") is True or here.value.get("Type") == "Succeed":
        return []
    return targets(target(here.value.get("Next"), (*here.place, "Next")))


def heading(here: Here) -> Json:
    """Return the id, name and description of a step."""
    found: Json = {"stepId": here.step}
    if here.name != here.step:
        found["name"] = short_name(here.name) or here.step
    comment = here.value.get("Comment")
    if isinstance(comment, str) and comment:
        found["description"] = comment
    return found


def attempt(here: Here, construct: str, make: Callable[[], Json], field: str = "output") -> Json:
    """Return the fields that ``make`` gives.

    Where an expression cannot be translated, that is reported, and an expression that fails stands in its place.

    :param field: the field that it makes
    """
    try:
        return make()
    except NotTranslatable as error:
        here.todo(construct, f"translate it: {error}", *([construct] if construct in here.value else []))
        instead = failing(f"{construct} of {here.name} was not imported: {error}")
        if field == "arguments":
            return {"arguments": {"message" if here.value["Type"] == "Fail" else "duration": instead}}
        return {field: instead}


def pass_state(here: Here, target: Target) -> list[Json]:
    """Return the steps of a Pass state."""
    note_fields(here)

    def kept() -> Json:
        script = Script()
        result = effective_input(here, script)
        if here.jsonata:
            result = here.scope.data
        elif "Result" in here.value:
            result = literal(here.value["Result"])
        return output(
            here, new_data(here, result, script), script, assign=here.value.get("Assign"), result=here.scope.data
        )

    fields = attempt(here, "Pass", kept)
    here.draft.note("exact", "Pass", here.place, "a step that only keeps new data", step=here.step)
    return [{**heading(here), "taskId": "noop", **fields, "next": following(here, target)}]


def _passing(here: Here, fields: Json, message: str, target: Target) -> list[Json]:
    """Return the step of a state whose result is its input."""
    note_fields(here)
    construct = str(here.value["Type"])

    def kept() -> Json:
        script = Script()
        data = filtered(here, "InputPath", here.scope.data, script) if not here.jsonata else here.scope.data
        data = new_data(here, data, script)
        assign = here.value.get("Assign")
        if data == here.scope.data and not assign:
            return {}
        return output(here, data, script, assign=assign, result=here.scope.data)

    kept_fields = attempt(here, construct, kept)
    here.draft.note("exact", construct, here.place, message, step=here.step)
    return [{**heading(here), **fields, **kept_fields, "next": following(here, target)}]


def succeed_state(here: Here, target: Target) -> list[Json]:
    """Return the step of a Succeed state."""
    return _passing(here, {"taskId": "noop"}, "a step after which its list ends", target)


_WAITS: Final = {"Seconds": "duration", "SecondsPath": "duration", "Timestamp": "until", "TimestampPath": "until"}


def wait_state(here: Here, target: Target) -> list[Json]:
    """Return the step of a Wait state."""

    def arguments() -> Json:
        field = next((name for name in _WAITS if name in here.value), None)
        if field is None:
            message = "it has neither Seconds nor Timestamp"
            raise NotTranslatable(message)
        value, argument = here.value[field], _WAITS[field]
        given: Any = value
        if field.endswith("Path") or is_expression(value):
            script = Script()
            code = here.path(value, script) if field.endswith("Path") else here.expression(value, script)
            given = script.transform(code if argument == "until" else f'"PT" & {code} & "S"')
        elif argument == "duration":
            duration = seconds(value)
            if duration is None:
                message = f"Seconds is not a number of seconds but {shown(value)}"
                raise NotTranslatable(message)
            given = duration
        return {"arguments": {argument: given}}

    fields = {"taskId": "wait", **attempt(here, "Wait", arguments, "arguments")}
    return _passing(here, fields, "the task wait, which holds no worker", target)


def fail_state(here: Here, target: Target) -> list[Json]:
    """Return the step of a Fail state."""
    del target
    if "Error" in here.value or "ErrorPath" in here.value:
        here.draft.note("exact", "Fail", here.place, "the task fail", step=here.step)
    return [
        {
            **heading(here),
            **({"taskId": "fail"} | attempt(here, "Fail", lambda: fail_step(here), "arguments")),
            "next": [],
        }
    ]


def choice_state(here: Here, target: Target) -> list[Json]:
    """Return the steps of a Choice state."""
    rules = here.value["Choices"]
    between: list[Json] = []
    step = {**heading(here), "taskId": "noop"}
    choosing: list[Json] = []
    if here.jsonata:
        step |= attempt(here, "Choices", lambda: _computed(here, rules))
        message = "JSONata conditions are computed by the step's output; next compares their number"
        here.draft.note("detour", "Choices", (*here.place, "Choices"), message, step=here.step, at=("output",))
    else:
        # What it assigns is assigned where no rule matches.
        plain = replace(here, value={key: value for key, value in here.value.items() if key != "Assign"})
        step |= _passing(plain, {}, "a step with conditions", lambda *_: here.step)[0] | step
        if here.value.get("OutputPath", "$") != "$":
            step |= attempt(here, "OutputPath", lambda: _asked(here))
            here = replace(here, asked="output.asked")
    for number, rule in enumerate(rules):
        place = ("Choices", number)
        to = _after_choice(here, rule, place, target(rule.get("Next"), (*here.place, *place, "Next")), between)
        guard = f"output.choice == {number}" if here.jsonata else _guard(here, rule, number)
        choosing.append({"nextStepId": to, "condition": guard})
        if not here.jsonata and guard != UNWRITTEN:
            at = ("next", number, "condition")
            here.draft.note(
                "exact", "Choice Rule", (*here.place, *place), f"the condition {guard}", step=here.step, at=at
            )
    if "Default" in here.value:
        otherwise = target(here.value["Default"], (*here.place, "Default"))
        own: Json = {key: here.value[key] for key in ("Assign", "Output") if key in here.value}
        choosing.append({"nextStepId": _after_choice(here, own, ("Default",), otherwise, between)})
    return [{**step, "next": choosing}, *between]


def _asked(here: Here) -> Json:
    """Return an output with the data that the rules compare beside what ``OutputPath`` lets through after them."""
    script = Script()
    asked = filtered(here, "InputPath", here.scope.data, script)
    members = {here.scope.key: filtered(here, "OutputPath", f"({asked})", script), "asked": asked}
    return {"output": script.transform(built(members))}


def _guard(here: Here, rule: Json, number: int) -> str:
    try:
        guard = condition(here, rule)
    except (NotTranslatable, TypeError, AttributeError) as error:
        here.todo("Choice Rule", f"write this condition: {error}", "Choices", number)
        return UNWRITTEN
    if len(guard) > SOURCE_LIMIT:
        message = f"the condition has {len(guard)} characters, at most {SOURCE_LIMIT} are allowed: divide it"
        here.todo("Choice Rule", message, "Choices", number)
        return UNWRITTEN
    return guard.removeprefix("(").removesuffix(")") if _is_wrapped(guard) else guard


def _is_wrapped(text: str) -> bool:
    """Return whether the first bracket closes with the last one; quotes make it unsure, which is no."""
    if not (text.startswith("(") and text.endswith(")")) or '"' in text:
        return False
    depth = 0
    for at, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0 and at < len(text) - 1:
            return False
    return True


def _computed(here: Here, rules: list[Json]) -> Json:
    script = Script()
    chosen = "-1"
    for number, rule in reversed(list(enumerate(rules))):
        asked = rule.get("Condition")
        code = here.expression(str(asked), script) if is_expression(asked) else literal(asked)
        chosen = f"{script.use('decided')}({code}, {literal(f'condition {number + 1}')}) ? {number} : {chosen}"
    members = {here.scope.key: here.scope.data, "choice": f"({chosen})"}
    return {"output": script.transform(built(members))}


def _after_choice(here: Here, rule: Json, place: Place, to: str, between: list[Json]) -> str:
    """Return the step that a rule leads to: its own where it sets data."""
    if not rule.get("Assign") and "Output" not in rule:
        return to

    def kept() -> Json:
        script = Script()
        data = template(here, rule["Output"], script) if "Output" in rule else here.scope.data
        return output(here, data, script, assign=rule.get("Assign"), result=here.scope.data)

    step = here.draft.step_id(f"{here.step}-chosen")
    between.append({"stepId": step, "taskId": "noop", **attempt(here, str(place[0]), kept), "next": targets(to)})
    message = "a step of its own assigns before the choice's target"
    here.draft.note("detour", "Choice Rule", (*here.place, *place), message, step=step)
    return step


def task_state(here: Here, target: Target) -> list[Json]:
    """Return the steps of a Task state."""
    resource = str(here.value.get("Resource", ""))
    given = here.value.get("Arguments" if here.jsonata else "Parameters")
    note_fields(here)
    if "Credentials" in here.value:
        here.todo("Credentials", "Airflow connections hold credentials: choose the task's connection", "Credentials")
    child = called_workflow(resource, given)
    task = f"workflow:{child}" if child is not None else _task(here, resource, given)
    step: Json = {**heading(here), "taskId": task}
    if child is None:
        step |= attempt(here, "Parameters", lambda: _task_input(here), "input")
        result = "output"
    else:
        step |= attempt(here, "Parameters", lambda: _child_input(here, given), "input")
        result = '{"Output": output, "Status": "SUCCEEDED"}'
        message = f"the workflow {child!r}, which has to be imported too; of the result only Output and Status are kept"
        here.draft.note("detour", "Resource", (*here.place, "Resource"), message, step=here.step, at=("taskId",))
    step |= retry_policies(here) | timeouts(here)
    handlers, caught = catchers(here, target)
    step |= handlers
    after = following(here, target)
    if is_callback(resource):
        step, result = _callback(here, step), "output.branches.callback.data.output"
    kept = attempt(here, "ResultPath", lambda: _kept(here, result))
    return [{**step, **kept, "next": after}, *caught]


def _task(here: Here, resource: str, given: Any) -> str:
    name = task_name(resource, given)
    task = here.draft.task(name, name, f"Step Functions resource {resource}.")
    here.draft.note("exact", "Resource", (*here.place, "Resource"), f"the task {task}", step=here.step, at=("taskId",))
    return task


def _task_input(here: Here) -> Json:
    script = Script()
    code = effective_input(here, script)
    return {"input": transform(code, "jmespath") if code == here.scope.data else script.transform(code)}


def _child_input(here: Here, given: Any) -> Json:
    script = Script()
    asked = {key: value for key, value in given.items() if key in {"Input", "Input.$"}} or {"Input": {}}
    data = here.scope.data if here.jsonata else filtered(here, "InputPath", here.scope.data, script)
    code = template(here, asked, script, data=data)
    return {"input": script.transform(f"{code}.Input")}


def _kept(here: Here, result: str) -> Json:
    script = Script()
    data = new_data(here, result, script, raw=result)
    return output(here, data, script, assign=here.value.get("Assign"), result=result)


def _callback(here: Here, step: Json) -> Json:
    """Return a region in which a task passes a token on, and a step waits for the event that brings it back.

    The region as a whole is retried, bounded and caught.
    """
    work, waiting, failed = (here.draft.step_id(f"{here.step}-{part}") for part in ("request", "callback", "failed"))
    inner: Json = {key: step.pop(key) for key in ("taskId", "input") if key in step}
    event = f"taskToken.{here.step}"
    message = (
        f"a branch in which the task receives the token, and {waiting} waits for an event of the type {event} with the "
        "data {taskToken, output} or {taskToken, error, cause}"
    )
    here.draft.note("detour", "waitForTaskToken", (*here.place, "Resource"), message, step=here.step)
    answer = f"steps{member(waiting)}.output.data"
    error = {
        "type": transform(f"{answer}.error"),
        "message": transform(f'$string({answer}.cause ? {answer}.cause : "")'),
    }
    steps: list[Json] = [
        {"stepId": work, **inner, "next": targets(waiting)},
        {
            "stepId": waiting,
            "taskId": "receive",
            "arguments": {"eventPattern": event, "correlation": {"taskToken": transform(here.token)}},
            "next": [{"nextStepId": failed, "condition": "has(output.data.error)"}, {"nextStepId": "end"}],
        },
        {"stepId": failed, "taskId": "fail", "arguments": error, "next": []},
    ]
    return {**step, "taskId": "noop", "parallelBranches": [{"branchId": "callback", "steps": steps}]}
