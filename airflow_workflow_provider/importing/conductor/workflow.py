"""A whole workflow of Conductor as a definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from airflow_workflow_provider.importing.conductor import regions, tasks
from airflow_workflow_provider.importing.conductor.flow import Context, Task, in_list, next_of, walk, without_unreached
from airflow_workflow_provider.importing.conductor.references import References
from airflow_workflow_provider.importing.draft import Draft, Json, Place, file_identifier, short_name, transform
from airflow_workflow_provider.importing.jsonata import failing
from airflow_workflow_provider.importing.jsonpath import NotTranslatable, jmespath_name
from airflow_workflow_provider.importing.report import Conversion, NotImportable
from airflow_workflow_provider.importing.shapes import require
from airflow_workflow_provider.model.diagnostics import pointer_of
from airflow_workflow_provider.model.fields import MAX_COUNT
from airflow_workflow_provider.model.words import shown

SCHEMA_VERSION: Final = 2
MOST_WORKFLOWS: Final = 100
"""Workflows that are written inside of one."""

_LIST: Final = {"type": ["array", "null"], "items": {"$ref": "#/$defs/task"}}
_TASK: Final = {
    "type": "object",
    "required": ["taskReferenceName"],
    "properties": {
        "taskReferenceName": {"type": "string", "minLength": 1},
        "type": {"type": "string"},
        "inputParameters": {"type": ["object", "null"]},
        "decisionCases": {"type": ["object", "null"], "additionalProperties": _LIST},
        "defaultCase": _LIST,
        "loopOver": _LIST,
        "forkTasks": {"type": ["array", "null"], "items": _LIST},
        "joinOn": {"type": ["array", "null"], "items": {"type": "string"}},
        "defaultExclusiveJoinTask": {"type": ["array", "null"], "items": {"type": "string"}},
        "subWorkflowParam": {"type": ["object", "null"]},
    },
    "if": {"properties": {"type": {"const": "DO_WHILE"}}, "required": ["type"]},
    "then": {"required": ["loopOver"], "properties": {"loopOver": {"type": "array", "minItems": 1}}},
}
_SHAPE: Final[Json] = {
    "type": "object",
    "required": ["name", "tasks"],
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "tasks": {"type": "array", "items": {"$ref": "#/$defs/task"}, "minItems": 1},
        "inputParameters": {"type": ["array", "null"]},
        "inputTemplate": {"type": ["object", "null"]},
        "outputParameters": {"type": ["object", "null"]},
        "variables": {"type": ["object", "null"]},
        "failureWorkflow": {"type": ["string", "null"]},
    },
    "$defs": {"task": _TASK},
}

_SIMPLE: Final[dict[str, Callable[[Task, str | None], list[Json]]]] = {
    "SET_VARIABLE": tasks.set_variable,
    "NOOP": tasks.noop,
    "INLINE": tasks.inline,
    "LAMBDA": tasks.inline,
    "JSON_JQ_TRANSFORM": tasks.jq_transform,
    "WAIT": tasks.wait,
    "HUMAN": tasks.human,
    "EVENT": tasks.event,
    "SUB_WORKFLOW": tasks.sub_workflow,
    "TERMINATE": tasks.terminate,
    "JOIN": regions.join,
    "EXCLUSIVE_JOIN": regions.exclusive_join,
    "FORK_JOIN_DYNAMIC": regions.dynamic_fork,
    "DYNAMIC": regions.dynamic,
}
_WITH_TASKS: Final = {
    "SWITCH": regions.switch,
    "DECISION": regions.switch,
    "DO_WHILE": regions.do_while,
    "FORK_JOIN": regions.fork,
    "FORK": regions.fork,
}
_IGNORED: Final = frozenset(
    {
        "name", "description", "version", "tasks", "inputParameters", "inputTemplate", "outputParameters", "variables",
        "failureWorkflow", "timeoutSeconds", "timeoutPolicy", "schemaVersion", "ownerEmail", "ownerApp", "createTime",
        "updateTime", "createdBy", "updatedBy", "restartable", "workflowStatusListenerEnabled",
        "workflowStatusListenerSink", "metadata", "maskedFields", "accessPolicy", "enforceSchema",
    }
)  # fmt: skip
"""Fields that the conversion reads, or that say nothing about the run."""


def convert(source: Json, name: str, workflow_id: str) -> Conversion:
    """Return the definitions of a workflow and of those that are written inside of it.

    :raises NotImportable: it is no valid workflow, or of an unknown version
    """
    main, further = _workflow(source, workflow_id, (), name)
    number = 0
    while number < len(further):
        child, inside, place = further[number]
        number += 1
        if number > MOST_WORKFLOWS:
            message = f"There are more than {MOST_WORKFLOWS} workflows inside of it"
            raise NotImportable(message, pointer_of(place))
        found, more = _workflow(inside, child, place, child)
        main.workflows += found.workflows
        main.tasks |= found.tasks
        main.entries += found.entries
        further += more
    return main


def _workflow(
    source: Json, workflow_id: str, place: Place, name: str
) -> tuple[Conversion, list[tuple[str, Json, Place]]]:
    try:
        require(_SHAPE, source)
    except NotImportable as error:
        raise NotImportable(error.message, pointer_of(place) + (error.pointer or "")) from error
    version = source.get("schemaVersion", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        message = f"The schema version {shown(version)} is unknown; known is {SCHEMA_VERSION}"
        raise NotImportable(message, pointer_of((*place, "schemaVersion")))
    draft = Draft(workflow_id)
    start = draft.step_id("start") if source.get("variables") else None
    context = Context(draft, _references(draft, source, place))
    steps = in_list(context, source["tasks"], (*place, "tasks"), None, _task)
    steps = without_unreached(context, steps, (*place, "tasks"))
    if start is not None:
        assign = {
            key: transform(context.references.value(value), "jmespath") for key, value in source["variables"].items()
        }
        steps = [{"stepId": start, "taskId": "noop", "assign": assign, "next": next_of(steps[0]["stepId"])}, *steps]
        draft.note(
            "exact", "variables", (*place, "variables"), "an added step assigns them", step=start, at=("assign",)
        )
    document: Json = {
        "workflowId": workflow_id,
        "name": short_name(str(source["name"])) or workflow_id,
        "description": source.get("description") if isinstance(source.get("description"), str) else "",
        "version": _version(source.get("version")),
        **_input_schema(draft, source, place),
        **_settings(draft, source, place),
        **_masked(draft, source, place),
        **_failure(draft, source, place, steps),
        "steps": steps,
        **_output(context, source, place),
    }
    for text in sorted(context.references.missing):
        message = f"${{{text}}} names nothing in this workflow, and is null"
        draft.note("detour", "Reference", (*place, "tasks"), message, at=("steps",))
    for field in source.keys() - _IGNORED:
        draft.note("todo", field, (*place, field), "it has no counterpart")
    if any(task.get("operator") == "fail" for task in draft.tasks.values()):
        message = "retries, timeouts and limits of task definitions that are registered elsewhere are not in this file"
        draft.note("detour", "Task definitions", (*place, "tasks"), message, at=("steps",))
    return draft.conversion(document, name), context.further


def _references(draft: Draft, source: Json, place: Place) -> References:
    steps: dict[str, str] = {}
    inputs: dict[str, Any] = {}
    for task, at in walk(source["tasks"], (*place, "tasks")):
        ref = str(task["taskReferenceName"])
        if ref in steps:
            message = f"The taskReferenceName {shown(ref)} is used twice"
            raise NotImportable(message, pointer_of((*at, "taskReferenceName")), "rename one of them")
        steps[ref] = draft.step_id(ref)
        inputs[ref] = task.get("inputParameters") or {}
    return References(steps, inputs)


def _task(task: Task, after: str | None) -> list[Json]:
    delay = task.value.get("startDelay")
    found = (
        _WITH_TASKS[task.kind](task, after, _task)
        if task.kind in _WITH_TASKS
        else _SIMPLE.get(task.kind, tasks.called)(task, after)
    )
    if isinstance(delay, int) and 0 < delay < MAX_COUNT:
        step = task.draft.step_id(f"{task.step}-delay")
        task.note("a step that waits before it", "startDelay", construct="startDelay", exact=False)
        wait = {"stepId": step, "taskId": "wait", "arguments": {"duration": f"PT{delay}S"}}
        return [{**wait, "next": next_of(found[0]["stepId"])}, *found]
    return found


def _version(value: Any) -> str:
    return (
        f"{value}.0.0" if isinstance(value, int) and not isinstance(value, bool) and 0 < value < MAX_COUNT else "1.0.0"
    )


def _input_schema(draft: Draft, source: Json, place: Place) -> Json:
    defaults = source.get("inputTemplate") or {}
    names = [name for name in source.get("inputParameters") or () if isinstance(name, str)]
    if not names and not defaults:
        return {}
    properties: Json = {name: {} for name in names}
    properties |= {name: {"default": value} for name, value in defaults.items()}
    field = "inputTemplate" if defaults else "inputParameters"
    draft.note(
        "exact", field, (*place, field), "properties of the input's schema, with their defaults", at=("inputSchema",)
    )
    return {"inputSchema": {"type": "object", "properties": properties}}


def _settings(draft: Draft, source: Json, place: Place) -> Json:
    seconds = source.get("timeoutSeconds")
    if not isinstance(seconds, int) or not 0 < seconds < MAX_COUNT * 1000:
        return {}
    alerts = source.get("timeoutPolicy", "TIME_OUT_WF") == "ALERT_ONLY"
    message = "the instance's timeout, which only alerts" if alerts else "the instance's timeout"
    draft.note("exact", "timeoutSeconds", (*place, "timeoutSeconds"), message, at=("settings", "timeout"))
    return {"settings": {"timeout": f"PT{seconds}S", **({"onTimeout": "alert"} if alerts else {})}}


def _masked(draft: Draft, source: Json, place: Place) -> Json:
    names = [name for name in source.get("maskedFields") or () if isinstance(name, str) and name.isidentifier()]
    if not names:
        return {}
    message = "masked wherever they are"
    draft.note("exact", "maskedFields", (*place, "maskedFields"), message, at=("executionLog", "redact"))
    return {"executionLog": {"redact": [f"**.{name}" for name in names]}}


def _failure(draft: Draft, source: Json, place: Place, steps: list[Json]) -> Json:
    name = source.get("failureWorkflow")
    if not name:
        return {}
    step = draft.step_id("failure-workflow")
    child = file_identifier(name)
    given = transform("{workflowId: workflow.instanceId, reason: error.message, failureStatus: 'FAILED'}", "jmespath")
    steps.append({"stepId": step, "taskId": f"workflow:{child}", "input": given, "next": []})
    message = f"a handler of the workflow runs {child} with workflowId, reason and failureStatus"
    draft.note("detour", "failureWorkflow", (*place, "failureWorkflow"), message, step=step)
    return {"onFailure": {"nextStepId": step}}


def _output(context: Context, source: Json, place: Place) -> Json:
    """Return the definition's output: that of a task which has ended the workflow, else the output parameters."""
    given = source.get("outputParameters") or {}
    try:
        code = context.references.value(given) if given else None
    except NotTranslatable as error:
        message = f"translate it: {error}"
        context.draft.note("todo", "outputParameters", (*place, "outputParameters"), message, at=("output",))
        return {"output": failing(f"the output was not imported: {error}")}
    if given:
        message = "the definition's output"
        context.draft.note("exact", "outputParameters", (*place, "outputParameters"), message, at=("output",))
    ends = [f"steps.{jmespath_name(step)}.output" for step in context.ends]
    if not ends:
        return {} if code is None else {"output": transform(code, "jmespath")}
    return {"output": transform(f"not_null({', '.join([*ends, code or 'output'])})", "jmespath")}
