"""The tasks of Conductor without tasks inside, as steps."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from airflow_workflow_provider.importing.conductor import regions
from airflow_workflow_provider.importing.conductor.flow import Task, next_of
from airflow_workflow_provider.importing.conductor.script import as_jsonata
from airflow_workflow_provider.importing.conductor.settings import settings_of
from airflow_workflow_provider.importing.draft import Json, file_identifier, transform
from airflow_workflow_provider.importing.jq import as_jsonata as jq
from airflow_workflow_provider.importing.jsonata import Script, built, member
from airflow_workflow_provider.importing.jsonpath import NotTranslatable
from airflow_workflow_provider.model.words import shown

_UNITS: Final = {"d": "D", "h": "H", "m": "M", "s": "S"}
_DURATION: Final = re.compile(
    r"^\s*(?:(\d+)\s*d(?:ays?)?)?\s*(?:(\d+)\s*h(?:(?:ou)?rs?)?)?\s*(?:(\d+)\s*m(?:in(?:ute)?s?)?)?\s*"
    r"(?:(\d+)\s*s(?:ecs?|econds?)?)?\s*$",
    re.IGNORECASE,
)


def called(task: Task, after: str | None) -> list[Json]:
    """Return the step of a task whose work is done outside."""
    name = str(task.value.get("name") or task.ref) if task.kind in {"SIMPLE", "USER_TASK"} else task.kind.lower()
    task_id = task.draft.task(name, name, f"Conductor task {name}, type {task.kind}.")
    task.note(f"the task {task_id}", at=("taskId",))
    given = task.attempt(lambda: task.input(task.given), "input", "inputParameters")
    return [{**task.heading, "taskId": task_id, **given, **settings_of(task), "next": next_of(after)}]


def set_variable(task: Task, after: str | None) -> list[Json]:
    """Return the step of a SET_VARIABLE task."""
    task.note("the step assigns the variables", at=("assign",))

    def assign() -> Json:
        value = task.context.references.value
        return {"assign": {key: transform(value(part), "jmespath") for key, part in task.given.items()}}

    fields = task.attempt(assign, "output", "inputParameters")
    return [{**task.heading, "taskId": "noop", **fields, **settings_of(task), "next": next_of(after)}]


def noop(task: Task, after: str | None) -> list[Json]:
    """Return the step of a NOOP task."""
    task.note("the task noop")
    return [{**task.heading, "taskId": "noop", **settings_of(task), "next": next_of(after)}]


def inline(task: Task, after: str | None) -> list[Json]:
    """Return the step of an INLINE or LAMBDA task, whose script becomes JSONata."""
    source = str(task.given.get("expression") or task.given.get("scriptExpression") or "")
    given = {
        key: value
        for key, value in task.given.items()
        if key not in {"expression", "scriptExpression", "evaluatorType"}
    }
    return _computed(
        task, after, given, lambda script: as_jsonata(source, lambda name: f"output{member(name)}", script)
    )


def jq_transform(task: Task, after: str | None) -> list[Json]:
    """Return the step of a JSON_JQ_TRANSFORM task, whose query becomes JSONata."""
    query = str(task.given.get("queryExpression") or "")
    given = {key: value for key, value in task.given.items() if key != "queryExpression"}
    return _computed(task, after, given, lambda script: jq(query, "output", script))


def _computed(task: Task, after: str | None, given: Json, write: Callable[[Script], str]) -> list[Json]:
    fields = task.attempt(lambda: task.arguments(given), "arguments", "inputParameters")

    def output() -> Json:
        script = Script()
        code = write(script)
        task.note("the step's output computes it in JSONata, which converts no types", exact=False, at=("output",))
        return {"output": script.transform(built({"result": code}))}

    kept = task.attempt(output, "output", "inputParameters")
    return [{**task.heading, "taskId": "set", **fields, **kept, **settings_of(task), "next": next_of(after)}]


def wait(task: Task, after: str | None) -> list[Json]:
    """Return the step of a WAIT task: for a time, or until somebody completes it."""
    duration, until = task.given.get("duration"), task.given.get("until")
    if duration is None and until is None:
        return _completed_outside(task, after)
    fields = task.attempt(lambda: _time(task, duration, until), "arguments", "inputParameters")
    if "value" in fields["arguments"]:
        fields = {"arguments": {"duration": fields["arguments"]["value"]}}
    else:
        task.note("the task wait, which holds no worker", at=("arguments",))
    return [{**task.heading, "taskId": "wait", **fields, **settings_of(task), "next": next_of(after)}]


def _time(task: Task, duration: object, until: object) -> Json:
    if duration is None:
        if isinstance(until, str) and "${" in until:
            return task.arguments({"until": until})
        message = f"write {shown(until)} as RFC 3339 with an offset"
        raise NotTranslatable(message)
    found = _DURATION.match(str(duration))
    if found is None or not any(found.groups()):
        message = f"the duration {shown(duration)} as ISO 8601"
        raise NotTranslatable(message)
    days, *rest = found.groups()
    clock = "".join(f"{number}{unit}" for number, unit in zip(rest, "HMS", strict=True) if number)
    return {"arguments": {"duration": f"P{f'{days}D' if days else ''}{f'T{clock}' if clock else ''}"}}


def _completed_outside(task: Task, after: str | None) -> list[Json]:
    event = f"conductor.{task.step}"
    arguments = {
        "eventPattern": event,
        "correlation": {"workflowId": transform("workflow.instanceId", "jmespath")},
    }
    message = f"a step that waits for an event of the type {event} with the data {{workflowId, output}}"
    task.note(message, exact=False, at=("arguments",))
    kept = {"output": transform("output.data.output", "jmespath")}
    step = {**task.heading, "taskId": "receive", "arguments": arguments, **kept}
    return [{**step, **settings_of(task), "next": next_of(after)}]


def human(task: Task, after: str | None) -> list[Json]:
    """Return the step of a HUMAN task."""
    arguments = {"subject": str(task.value.get("name") or task.ref)[:200], "schema": {"type": "object"}}
    task.note(
        "a form that everybody may fill in who may answer; its values are the output", exact=False, at=("arguments",)
    )
    kept = {"output": transform("output.form", "jmespath")}
    step = {**task.heading, "taskId": "form", "arguments": arguments, **kept}
    return [{**step, **settings_of(task), "next": next_of(after)}]


def event(task: Task, after: str | None) -> list[Json]:
    """Return the step of an EVENT task."""
    sink = str(task.value.get("sink") or "")
    kind = ".".join(filter(None, re.split(r"[^A-Za-z0-9_-]+", sink))) or "event"
    task.note(f"an event of the type {kind}; no queue {sink} is written", exact=False, at=("arguments",))

    def arguments() -> Json:
        return {"arguments": {"type": kind, "data": transform(task.context.references.value(task.given), "jmespath")}}

    fields = task.attempt(arguments, "input", "inputParameters")
    if "arguments" not in fields:
        fields["arguments"] = {"type": kind}
    return [{**task.heading, "taskId": "event", **fields, **settings_of(task), "next": next_of(after)}]


def sub_workflow(task: Task, after: str | None) -> list[Json]:
    """Return the step of a SUB_WORKFLOW task."""
    given = task.value.get("subWorkflowParam") or {}
    inside = given.get("workflowDefinition")
    name = str(given.get("name") or (inside.get("name") if isinstance(inside, dict) else "") or "")
    child = file_identifier(name)
    task_id: Json | str = f"workflow:{child}"
    if "${" in name or not name:
        task.todo("the workflows that can be selected: list them in oneOf", "subWorkflowParam")
        if name:
            task_id = regions.selecting(task, f"workflow:{child}", name, "join('', ['workflow:', to_string({})])")
    if isinstance(inside, dict):
        task.context.further.append((child, inside, (*task.place, "subWorkflowParam", "workflowDefinition")))
    exact = given.get("version") is None
    message = f"the workflow {child}" + ("" if exact else ", in its newest version")
    task.note(message, "subWorkflowParam", exact=exact, at=("taskId",))
    fields = task.attempt(lambda: task.input(task.given), "input", "inputParameters")
    return [{**task.heading, "taskId": task_id, **fields, **settings_of(task), "next": next_of(after)}]


def terminate(task: Task, after: str | None) -> list[Json]:
    """Return the step of a TERMINATE task."""
    del after
    status = task.given.get("terminationStatus", "COMPLETED")
    if status != "COMPLETED":
        task.note("the task fail", at=("arguments",))
        reason = task.given.get("terminationReason")
        fields = {} if reason is None else task.attempt(lambda: task.arguments({"message": reason}), "arguments")
        if "value" in fields.get("arguments", {}):
            fields = {"arguments": {"message": fields["arguments"]["value"]}}
        return [{**task.heading, "taskId": "fail", **fields, "next": []}]
    if task.region:
        task.todo("it ends the branch, not the workflow")
    given = task.given.get("workflowOutput")
    task.note("a step after which nothing follows", at=("next",))
    if given is None:
        return [{**task.heading, "taskId": "noop", "next": []}]
    task.context.ends.append(task.step)
    kept = task.attempt(
        lambda: {"output": transform(task.context.references.value(given), "jmespath")}, "output", "inputParameters"
    )
    return [{**task.heading, "taskId": "noop", **kept, "next": []}]
