"""Lists of tasks, and the tasks with tasks inside: Do, For, Fork, Switch and Try."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from airflow_workflow_provider.importing.draft import Json, Place, reached, targets, transform
from airflow_workflow_provider.importing.jsonata import Script, built, listed, literal, member
from airflow_workflow_provider.importing.jsonpath import NotTranslatable
from airflow_workflow_provider.importing.openworkflow import simple
from airflow_workflow_provider.importing.openworkflow.task import STATE, Document, Task, duration
from airflow_workflow_provider.importing.report import NotImportable
from airflow_workflow_provider.model.diagnostics import pointer_of
from airflow_workflow_provider.model.fields import MAX_COUNT
from airflow_workflow_provider.model.words import did_you_mean, shown
from airflow_workflow_provider.model.words import listed as named

DEEPEST: Final = 30

UNCAUGHT: Final = "an error that nothing catches ends the instance as BranchFailed, with the error as its cause"
"""What differs where tasks became branches of a step."""

_SIMPLE: Final[dict[str, Callable[[Task, str | None], list[Json]]]] = {
    "set": simple.set_task,
    "wait": simple.wait_task,
    "emit": simple.emit_task,
    "raise": simple.raise_task,
    "call": simple.call_task,
    "run": simple.run_task,
    "listen": simple.listen_task,
}


@dataclass(frozen=True)
class Around:
    """What is around a list of tasks.

    :param document: what all tasks share
    :param after: the step that follows the list; None for the end of the path
    :param region: whether a branch is around it
    :param variables: expressions of variables by name
    :param depth: how many lists are around it
    """

    document: Document
    after: str | None = None
    region: bool = False
    variables: Mapping[str, str] | None = None
    depth: int = 0


def tasks_of(value: Any, place: Place) -> list[tuple[str, Json]]:
    """Return the names and definitions of a list of tasks.

    :raises NotImportable: it is no list of tasks
    """
    if not isinstance(value, list) or not value:
        message = "A list of tasks is an array of objects with one name each"
        raise NotImportable(message, pointer_of(place))
    found: list[tuple[str, Json]] = []
    for number, each in enumerate(value):
        if not isinstance(each, dict) or len(each) != 1 or not isinstance(next(iter(each.values())), dict):
            message = "A task is an object with its name as the only key"
            raise NotImportable(message, pointer_of((*place, number)))
        found += each.items()
    names = [name for name, _ in found]
    for name in names:
        if names.count(name) > 1:
            message = f"The task {shown(name)} is there twice"
            raise NotImportable(message, pointer_of(place), "rename one of them")
    return found


def in_list(value: Any, place: Place, around: Around) -> list[Json]:
    """Return the steps of a list of tasks, the first being the entry; those that nothing leads to are left out."""
    if around.depth > DEEPEST:
        message = f"Tasks are nested deeper than {DEEPEST}"
        raise NotImportable(message, pointer_of(place))
    found = tasks_of(value, place)
    draft = around.document.draft
    steps = {name: draft.step_id(name) for name, _ in found}
    entries = dict(steps)
    tasks = []
    for number, (name, each) in enumerate(found):
        at = (*place, number, name)
        tasks.append(Task(around.document, name, each, at, steps[name], around.region, dict(around.variables or {})))
        if "if" in each:
            entries[name] = draft.step_id(f"{steps[name]}-if")
    written: list[Json] = []
    for number, task in enumerate(tasks):
        following = entries[tasks[number + 1].name] if number + 1 < len(tasks) else around.after
        after = _directed(task, following, around, entries, task.value.get("then", "continue"), "then")
        here = _converted(task, after, around, partial(_directed, task, following, around, entries))
        written += _guarded(task, entries[task.name], here, following)
    left, never = reached(written)
    for step in never:
        draft.note("exact", "Unreachable task", place, f"{step} is left out: it can never run")
    return left


def _directed(
    task: Task, following: str | None, around: Around, entries: Mapping[str, str], wanted: Any, *at: str | int
) -> str | None:
    """Return the step to which a flow directive leads; None for the end of the path."""
    if wanted == "continue":
        return following
    if wanted == "exit":
        return around.after
    if wanted == "end":
        if around.region:
            task.todo("then", "it ends the branch, not the workflow", *at)
        return None
    if wanted not in entries:
        message = f"There is no task {shown(wanted)} here; there are {named(entries)}"
        raise NotImportable(message, pointer_of((*task.place, *at)), did_you_mean(str(wanted), entries))
    return entries[str(wanted)]


def _converted(task: Task, after: str | None, around: Around, directed: Callable[..., str | None]) -> list[Json]:
    kinds = [name for name in (*_SIMPLE, "switch", "fork", "try", "for", "do") if name in task.value]
    for name in ("input", "output", "export"):
        if "schema" in (task.value.get(name) or {}):
            task.todo("schema", "check it by the inputSchema or outputSchema of a task definition", name, "schema")
    if not kinds:
        message = f"The task has none of the kinds {named(_SIMPLE)}, switch, fork, try, for and do"
        raise NotImportable(message, pointer_of(task.place))
    inner = replace(around, depth=around.depth + 1, variables=task.variables)
    if kinds[0] in _SIMPLE:
        return _SIMPLE[kinds[0]](task, after)
    if kinds[0] == "switch":
        return [_switch(task, directed)]
    if kinds[0] == "fork":
        return [_fork(task, after, inner)]
    if kinds[0] == "try":
        return _try(task, after, inner)
    return _for(task, after, inner) if kinds[0] == "for" else _do(task, after, inner)


def _guarded(task: Task, entry: str, steps: list[Json], following: str | None) -> list[Json]:
    """Return the steps after a step that skips them, where the task has a condition."""
    if "if" not in task.value:
        return steps

    def asked() -> Json:
        script = Script()
        code = task.condition(task.value["if"], script)
        return {"output": script.transform(built({"run": code}))}

    task.note("if", "a step before it decides", "if", exact=False)
    fields = task.attempt(asked, "output", "if")
    choice = [{"nextStepId": steps[0]["stepId"], "condition": "output.run == true"}, {"nextStepId": following or "end"}]
    return [{"stepId": entry, "taskId": "noop", **fields, "next": choice}, *steps]


def _switch(task: Task, directed: Callable[..., str | None]) -> Json:
    cases = tasks_of(task.value["switch"], (*task.place, "switch"))
    choices: list[Json] = []
    default: list[Json] = []
    for number, (name, case) in enumerate(cases):
        to = directed(case.get("then", "continue"), "switch", number, name, "then") or "end"
        if "when" in case:
            choices.append({"nextStepId": to, "condition": f"output.choice == {number}"})
        elif not default:
            default = [{"nextStepId": to}]
    if not default:
        default = [{"nextStepId": directed("continue") or "end"}]

    def chosen() -> Json:
        script = Script()
        code = "-1"
        for number, (_, case) in reversed(list(enumerate(cases))):
            if "when" in case:
                code = f"{task.condition(case['when'], script)} ? {number} : {code}"
        return {"output": script.transform(built({"choice": f"({code})"}))}

    task.note("switch", "the step's output computes the case, and next compares it", exact=False, at=("next",))
    return {**task.heading, "taskId": "noop", **task.attempt(chosen, "output", "switch"), "next": [*choices, *default]}


def _do(task: Task, after: str | None, inner: Around) -> list[Json]:
    if task.changes_data or "timeout" in task.value or "from" in (task.value.get("input") or {}):
        return [_bounded(task, after, inner, task.value["do"], "do")]
    task.note("do", "a step before its tasks, which are part of the same list")
    steps = in_list(task.value["do"], (*task.place, "do"), replace(inner, after=after))
    return [{**task.heading, "taskId": "noop", "next": targets(steps[0]["stepId"])}, *steps]


def _bounded(task: Task, after: str | None, inner: Around, value: Any, field: str) -> Json:
    """Return a region with one branch, whose timeout and output are those of all of its tasks."""
    steps = in_list(value, (*task.place, field), replace(inner, after=None, region=True))
    first = _entered(task, steps)
    uncaught = "" if field == "try" else f"; {UNCAUGHT}"
    task.note(field, f"a step with one branch{uncaught}", exact=not uncaught, at=("parallelBranches",))
    step: Json = {**task.heading, "taskId": "noop", "parallelBranches": [{"branchId": field, "steps": first}]}
    kept = task.attempt(lambda: task.kept(STATE), "output", "output") if task.changes_data else {}
    return {**step, **task.timeout(), **kept, "next": targets(after)}


def _entered(task: Task, steps: list[Json]) -> list[Json]:
    """Return the steps of a branch after one that selects their input, where there is a filter."""
    if "from" not in (task.value.get("input") or {}):
        return steps

    def kept() -> Json:
        script = Script()
        return {"output": script.transform(built({"state": task.received(script)}))}

    first = {
        "stepId": task.draft.step_id(f"{task.step}-input"),
        "taskId": "noop",
        **task.attempt(kept, "output", "input"),
    }
    return [{**first, "next": targets(steps[0]["stepId"])}, *steps]


def _fork(task: Task, after: str | None, inner: Around) -> Json:
    fork = task.value["fork"] or {}
    branches = []
    for number, (name, each) in enumerate(tasks_of(fork.get("branches"), (*task.place, "fork", "branches"))):
        place = (*task.place, "fork", "branches")
        steps = in_list([{name: each}], place, replace(inner, after=None, region=True))
        branches.append(
            {"branchId": f"branch-{number + 1}", "steps": [_state_kept(step) for step in _entered(task, steps)]}
        )
    ids = listed(literal(each["branchId"]) for each in branches)
    result = f'$map({ids}, function($b) {{ $lookup($lookup(output.branches, $b), "state") }})[]'
    step: Json = {**task.heading, "taskId": "noop", "parallelBranches": branches, "failFast": True, **task.timeout()}
    if fork.get("compete") is True and branches:
        step["join"] = {"atLeast": 1}
        won = f"$filter({ids}, function($b) {{ $lookup(output.branches, $b) != null }})[0]"
        result = f'$lookup($lookup(output.branches, {won}), "state")'
        message = "a step that continues with the first branch that completes; one that fails does not win"
        task.note("fork", message, "fork", "compete", exact=False, at=("join",))
    else:
        message = f"a step with branches, of which a failure stops the others; {UNCAUGHT}"
        task.note("fork", message, exact=False, at=("parallelBranches",))
    return {**step, **task.attempt(lambda: task.kept(result), "output", "output"), "next": targets(after)}


def _state_kept(step: Json) -> Json:
    """Return a step whose output has the data, where it ends a branch."""
    if step["next"] == [] and "output" not in step and step["taskId"] != "fail":
        return {**step, "output": transform(f"{{state: {STATE}}}", "jmespath")}
    return step


def _for(task: Task, after: str | None, inner: Around) -> list[Json]:
    """Return the steps of a loop: one that evaluates the collection, one that takes the next item, and the tasks."""
    loop = task.value["for"] or {}
    each, at = str(loop.get("each") or "item"), str(loop.get("at") or "index")
    name = task.step.replace("-", "_")
    items, index = f"variables{member(f'{name}_items')}", f"variables{member(f'{name}_index')}"
    step = task.draft.step_id(f"{task.step}-next")
    variables = {**task.variables, each: f"variables{member(f'{name}_item')}", at: index}
    inside = in_list(task.value.get("do"), (*task.place, "do"), replace(inner, after=step, variables=variables))

    def started() -> Json:
        script = Script()
        return {
            f"{name}_items": script.transform(f"[{task.expression(loop.get('in'), script)}]"),
            f"{name}_index": transform("-1"),
        }

    def taken() -> Json:
        script = Script()
        script.bound |= {"at": f"{index} + 1", "item": f"{items}[$at]"}
        more = f"$at < $count({items})"
        if "while" in task.value:
            asked = task.with_variables(**{each: "$item", at: "$at"})
            more = f"({more} and {asked.condition(task.value['while'], script)})"
        return {
            "output": script.transform(built({"more": f"({more} ? true : false)", "item": "$item", "index": "$at"}))
        }

    assign = {
        f"{name}_item": transform("output.item", "jmespath"),
        f"{name}_index": transform("output.index", "jmespath"),
    }
    task.note("for", "a loop over the items with a transition back", exact=False)
    if task.changes_data or "timeout" in task.value:
        task.todo("for", "its output, export and timeout: put them on a task after it")
    head: Json
    try:
        head = {**task.heading, "taskId": "noop", "assign": started()}
    except NotTranslatable as error:
        task.todo("in", f"translate it: {error}", "for", "in")
        head = {**task.heading, "taskId": "fail", "arguments": {"message": "the items were not imported"}}
    choice = [{"nextStepId": inside[0]["stepId"], "condition": "output.more == true"}, {"nextStepId": after or "end"}]
    again = {
        "stepId": step,
        "taskId": "noop",
        **task.attempt(taken, "output", "while"),
        "assign": assign,
        "next": choice,
    }
    return [{**head, "next": targets(step)}, again, *inside]


def _try(task: Task, after: str | None, inner: Around) -> list[Json]:
    """Return a region that is retried and caught as a whole, and the steps of its handler."""
    step = _bounded(task, after, inner, task.value["try"], "try")
    catch = task.value.get("catch") or {}
    wanted = (catch.get("errors") or {}).get("with") or {}
    matched: Json = {}
    if "type" in wanted:
        matched["errorType"] = simple.error_type(str(wanted["type"]))
    if "status" in wanted:
        matched["errorCode"] = str(wanted["status"])
    for name in sorted(wanted.keys() - {"type", "status"}):
        task.todo("errors", "an error handler matches type and status only", "catch", "errors", "with", name)
    for name in ("when", "exceptWhen"):
        if name in catch:
            task.todo(name, "write it as the first condition of the handler's path", "catch", name)
    step |= _retry(task, catch.get("retry"), matched)
    to, handler = after or "end", []
    if catch.get("do"):
        variables = {**task.variables, str(catch.get("as") or "error"): simple.CAUGHT_ERROR}
        around = replace(inner, after=after, variables=variables)
        handler = in_list(catch["do"], (*task.place, "catch", "do"), around)
        to = handler[0]["stepId"]
    condition = {**(matched or {"errorType": "*"}), "nextStepId": to}
    step["onFailure"] = {"errorHandler": {"conditions": [condition]}}
    task.note("catch", f"an error handler; {UNCAUGHT}", "catch", exact=False, at=("onFailure",))
    return [step, *handler]


def _retry(task: Task, given: Any, matched: Json) -> Json:
    if isinstance(given, str):
        given = task.document.reusable("retries", given)
    if not isinstance(given, dict):
        return {}
    place = ("catch", "retry")
    count = ((given.get("limit") or {}).get("attempt") or {}).get("count")
    if not isinstance(count, int) or not 0 < count < MAX_COUNT:
        task.todo("retry", "say how many attempts there are", *place)
        return {}
    policy: Json = {"maxAttempts": count + 1}
    delay = duration(given["delay"]) if "delay" in given else None
    if delay is not None:
        policy["delay"] = delay
    backoff = given.get("backoff") or {}
    strategy = next((each for each in ("exponential", "linear") if each in backoff), None)
    if strategy is not None and delay is not None:
        policy["strategy"] = strategy
    for name in sorted(given.keys() - {"limit", "delay", "backoff"}):
        task.todo("retry", "it has no counterpart in a policy", *place, name)
    if "errorType" in matched:
        policy["retryOn"] = [matched["errorType"]]
    task.note(
        "retry",
        "the policy of the region, which counts attempts after the first",
        *place,
        exact=False,
        at=("retryPolicy",),
    )
    return {"retryPolicy": policy}
