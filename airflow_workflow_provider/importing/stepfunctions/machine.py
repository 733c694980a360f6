"""A whole state machine as a definition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from airflow_workflow_provider.importing.draft import Draft, Json, Place, short_name, targets, transform
from airflow_workflow_provider.importing.jsonata import built
from airflow_workflow_provider.importing.report import Conversion, NotImportable
from airflow_workflow_provider.importing.shapes import require
from airflow_workflow_provider.importing.stepfunctions.failures import seconds
from airflow_workflow_provider.importing.stepfunctions.regions import map_state, parallel_state
from airflow_workflow_provider.importing.stepfunctions.scope import Here, Scope
from airflow_workflow_provider.importing.stepfunctions.shape import SHAPE
from airflow_workflow_provider.importing.stepfunctions.states import (
    Target,
    choice_state,
    fail_state,
    pass_state,
    succeed_state,
    task_state,
    wait_state,
)
from airflow_workflow_provider.model.diagnostics import pointer_of
from airflow_workflow_provider.model.words import did_you_mean, listed, shown

VERSIONS: Final = ("1.0",)
LANGUAGES: Final = ("JSONPath", "JSONata")
DEEPEST: Final = 30
"""Regions inside each other."""

_SIMPLE: Final = {
    "Pass": pass_state,
    "Task": task_state,
    "Choice": choice_state,
    "Wait": wait_state,
    "Succeed": succeed_state,
    "Fail": fail_state,
}
_COMMON: Final = frozenset({"Type", "Comment", "QueryLanguage", "InputPath", "OutputPath", "Output", "Assign"})
_LEADING_ON: Final = frozenset({"Next", "End"})
_FAILING: Final = frozenset({"Retry", "Catch"})
_MAKING: Final = frozenset({"Parameters", "Arguments", "ResultSelector", "ResultPath"})
_FIELDS: Final[dict[str, frozenset[str]]] = {
    "Pass": _COMMON | _LEADING_ON | {"Result", "Parameters", "ResultPath"},
    "Task": _COMMON | _LEADING_ON | _FAILING | _MAKING
    | {"Resource", "TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath", "Credentials"},
    "Choice": _COMMON | {"Choices", "Default"},
    "Wait": _COMMON | _LEADING_ON | {"Seconds", "SecondsPath", "Timestamp", "TimestampPath"},
    "Succeed": _COMMON,
    "Fail": _COMMON | {"Error", "Cause", "ErrorPath", "CausePath"},
    "Parallel": _COMMON | _LEADING_ON | _FAILING | _MAKING | {"Branches"},
    "Map": _COMMON | _LEADING_ON | _FAILING | _MAKING | {
        "Iterator", "ItemProcessor", "ItemsPath", "Items", "ItemSelector", "ItemReader", "ItemBatcher", "ResultWriter",
        "MaxConcurrency", "MaxConcurrencyPath", "ToleratedFailureCount", "ToleratedFailureCountPath",
        "ToleratedFailurePercentage", "ToleratedFailurePercentagePath", "Label",
    },
}  # fmt: skip


def convert(source: Json, name: str, workflow_id: str) -> Conversion:
    """Return the definition of a state machine.

    :param source: the machine
    :param name: what the source is called in messages
    :param workflow_id: the id of the definition
    :raises NotImportable: it is no valid state machine, or of an unknown version
    """
    version = source.get("Version", "1.0")
    if version not in VERSIONS:
        message = f"The Amazon States Language {shown(version)} is unknown; known are {listed(VERSIONS)}"
        raise NotImportable(message, "/Version")
    require(SHAPE, source)
    draft = Draft(workflow_id)
    scope = Scope(draft, jsonata=_language(source, ()) == "JSONata", variables=frozenset(_variables(source)))
    start = {"stepId": draft.step_id("start"), "taskId": "noop", "output": transform("{state: input}", "jmespath")}
    steps = _states(source, (), scope, start)
    settings = {}
    timeout = seconds(source.get("TimeoutSeconds"))
    if timeout is not None:
        settings["timeout"] = timeout
        draft.note(
            "exact", "TimeoutSeconds", ("TimeoutSeconds",), "the timeout of the instance", at=("settings", "timeout")
        )
    elif "TimeoutSeconds" in source:
        draft.note("todo", "TimeoutSeconds", ("TimeoutSeconds",), "not a number of seconds", at=())
    document: Json = {
        "workflowId": workflow_id,
        "name": short_name(name) or workflow_id,
        "description": source.get("Comment") if isinstance(source.get("Comment"), str) else "",
        "version": "1.0.0",
        **({"settings": settings} if settings else {}),
        "steps": steps,
        "output": transform(scope.data, "jmespath"),
    }
    draft.note(
        "exact", "StartAt", ("StartAt",), "the input becomes data.state, on which the states work", at=("steps", 0)
    )
    if any(each.get("operator") == "fail" for each in draft.tasks.values()):
        message = 'a task\'s result that is no object is kept as {"value": …}, and null as {}'
        draft.note("detour", "Task results", ("States",), message, at=("steps",))
    return draft.conversion(document, name)


def _language(value: Json, place: Place, default: str = "JSONPath") -> str:
    language = value.get("QueryLanguage", default)
    if language not in LANGUAGES:
        message = f"The query language {shown(language)} is unknown; known are {listed(LANGUAGES)}"
        raise NotImportable(message, pointer_of((*place, "QueryLanguage")))
    return str(language)


def _variables(value: Any) -> Iterator[str]:
    """Yield the names that are assigned anywhere in a machine."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            assign = part.get("Assign")
            if isinstance(assign, dict):
                yield from (str(name).removesuffix(".$") for name in assign)
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def _states(value: Json, place: Place, scope: Scope, first: Json) -> list[Json]:
    """Return the steps of a list of states, after its first step."""
    if scope.depth > DEEPEST:
        message = f"Regions are nested deeper than {DEEPEST}"
        raise NotImportable(message, pointer_of(place))
    states = value["States"]
    ids = {name: scope.draft.step_id(name) for name in states}

    def target(name: Any, at: Place) -> str:
        if name not in ids:
            message = f"There is no state {shown(name)} here" if name is not None else "A state without Next and End"
            suggestion = did_you_mean(name, ids) if isinstance(name, str) else None
            raise NotImportable(message, pointer_of(at), suggestion)
        return ids[name]

    start = target(value.get("StartAt"), (*place, "StartAt"))
    _refuse_unreachable(states, value["StartAt"], (*place, "States"))
    steps = [{**first, "next": targets(start)}]
    for name in _in_order(states, value["StartAt"]):
        here = Here(scope, name, ids[name], (*place, "States", name), states[name])
        steps += _ending(here, _state(here, target))
    return steps


def _state(here: Here, target: Target) -> list[Json]:
    kind = here.value["Type"]
    if kind not in _FIELDS:
        message = f"The state type {shown(kind)} is unknown; known are {listed(_FIELDS)}"
        raise NotImportable(message, pointer_of((*here.place, "Type")))
    _language(here.value, here.place)
    for field in here.value.keys() - _FIELDS[kind]:
        here.todo(field, f"a field that {kind} states do not have", field)
    if kind == "Parallel":
        return parallel_state(here, target, _states)
    return map_state(here, target, _states) if kind == "Map" else _SIMPLE[kind](here, target)


def _ending(here: Here, steps: list[Json]) -> list[Json]:
    """Return the steps, those that end a region with the data as their output."""
    if here.scope.depth:
        for step in steps:
            if step["next"] == [] and "output" not in step:
                step["output"] = transform(built({here.scope.key: here.scope.data}))
    return steps


def _in_order(states: Json, first: str) -> list[str]:
    return [first, *(name for name in states if name != first)]


def _refuse_unreachable(states: Json, first: str, place: Place) -> None:
    reached, waiting = {first}, [first]
    while waiting:
        for name in _leads_to(states[waiting.pop()]):
            if name in states and name not in reached:
                reached.add(name)
                waiting.append(name)
    left = [name for name in states if name not in reached]
    if left:
        message = f"Nothing leads to the states {listed(left)}"
        raise NotImportable(message, pointer_of((*place, left[0])), "remove them, or lead to them")


def _leads_to(state: Json) -> Iterator[str]:
    rules = [*(state.get("Choices") or ()), *(state.get("Catch") or ())]
    for name in (
        state.get("Next"),
        state.get("Default"),
        *(each.get("Next") for each in rules if isinstance(each, dict)),
    ):
        if isinstance(name, str):
            yield name
