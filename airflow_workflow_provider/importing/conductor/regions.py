"""The tasks of Conductor with tasks inside: choices, loops, forks and joins."""

from __future__ import annotations

from typing import Any

from airflow_workflow_provider.importing.conductor.flow import Steps, Task, in_list, next_of, without_unreached
from airflow_workflow_provider.importing.conductor.script import as_jsonata
from airflow_workflow_provider.importing.conductor.settings import settings_of
from airflow_workflow_provider.importing.draft import Json, identifier, transform
from airflow_workflow_provider.importing.jsonata import Script, built, member
from airflow_workflow_provider.importing.jsonpath import NotTranslatable, cel_literal, jmespath_name

VALUE_PARAM = "value-param"


def switch(task: Task, after: str | None, convert: Steps) -> list[Json]:
    """Return the steps of a SWITCH or DECISION task and of its cases."""
    around = {"region": task.region, "loop": task.loop}
    choices: list[Json] = []
    inside: list[Json] = []
    for name, tasks in (task.value.get("decisionCases") or {}).items():
        steps = in_list(task.context, tasks, (*task.place, "decisionCases", name), after, convert, **around)
        inside += steps
        to = steps[0]["stepId"] if steps else after or "end"
        choices.append({"nextStepId": to, "condition": f"output.selectedCase == {cel_literal(name)}"})
    default = task.value.get("defaultCase") or []
    steps = in_list(task.context, default, (*task.place, "defaultCase"), after, convert, **around)
    choices.append({"nextStepId": steps[0]["stepId"] if steps else after or "end"})
    fields = task.attempt(lambda: _selected(task), "output", "expression")
    step = {**task.heading, **{"taskId": "noop", **fields}, **settings_of(task), "next": choices}
    return [step, *inside, *steps]


def _selected(task: Task) -> Json:
    """Return the fields of a step that computes the selected case."""
    written = task.value.get("expression")
    parameter = written if task.value.get("evaluatorType", VALUE_PARAM) == VALUE_PARAM and written else None
    parameter = parameter or task.value.get("caseValueParam")
    source = task.value.get("caseExpression") or written
    if parameter is not None:
        if parameter not in task.given:
            message = f"there is no input parameter {parameter!r}"
            raise NotTranslatable(message)
        value = task.context.references.value(task.given[parameter])
        task.note("a step with a condition for each case", at=("next",))
        return {"output": transform(f"{{selectedCase: to_string({value})}}", "jmespath")}
    script = Script()
    code = as_jsonata(str(source or ""), lambda name: f"output{member(name)}", script)
    task.note("the step's output computes the case in JSONata, which converts no types", exact=False, at=("output",))
    return {
        "taskId": "set",
        **task.arguments(task.given),
        "output": script.transform(built({"selectedCase": f"$string({code})"})),
    }


def do_while(task: Task, after: str | None, convert: Steps) -> list[Json]:
    """Return the steps of a DO_WHILE task: one that counts, the tasks, and one that asks whether to go back."""
    again = task.draft.step_id(f"{task.step}-again")
    place = (*task.place, "loopOver")
    inside = in_list(task.context, task.value["loopOver"], place, again, convert, region=task.region, loop=True)
    visit = f"steps.{jmespath_name(task.step)}.visit"
    first: list[Json] = []
    count = transform(f"{{iteration: {visit}}}", "jmespath")
    if task.loop:
        # An outer loop comes here again; its visits before do not count.
        start, base = task.draft.step_id(f"{task.step}-start"), f"{identifier(task.ref)}_before"
        before = f"steps{member(task.step)}.visit"
        assign = {base: transform(f"$exists({before}) ? {before} : 0")}
        first = [{"stepId": start, "taskId": "noop", "assign": assign, "next": next_of(task.step)}]
        count = transform(f'{{"iteration": {before} - variables{member(base)}}}')
    to = inside[0]["stepId"] if inside else again
    head = {**task.heading, "taskId": "noop", "output": count, "next": next_of(to)}
    asked = task.attempt(lambda: _condition(task), "output", "loopCondition")
    leave = [{"nextStepId": task.step, "condition": "output.again == true"}, {"nextStepId": after or "end"}]
    task.note(
        "a loop of the steps, with a transition back; outputs of earlier iterations are in the log",
        at=("next",),
        exact=False,
    )
    return [*first, head, *inside, {"stepId": again, **{"taskId": "noop", **asked}, **settings_of(task), "next": leave}]


def _condition(task: Task) -> Json:
    script = Script()
    steps = task.context.references.steps

    def root(name: str) -> str:
        if name in task.given or name not in steps:
            return f"output{member(name)}"
        return f"steps{member(steps[name])}.output"

    code = as_jsonata(str(task.value.get("loopCondition") or ""), root, script)
    kept = script.transform(built({"again": f"({code} ? true : false)"}))
    return {"taskId": "set", **task.arguments(task.given), "output": kept}


def fork(task: Task, after: str | None, convert: Steps) -> list[Json]:
    """Return the step of a FORK_JOIN task with its branches; the join is the task that follows."""
    branches = []
    for number, tasks in enumerate(task.value.get("forkTasks") or ()):
        place = (*task.place, "forkTasks", number)
        steps = in_list(task.context, tasks, place, None, convert, region=True, loop=task.loop)
        steps = without_unreached(task.context, steps, place)
        branches.append({"branchId": f"branch-{number + 1}", "steps": steps})
    task.note("a step with branches, of which a failure stops the others", at=("parallelBranches",))
    step: Json = {**task.heading, "taskId": "noop", **settings_of(task), "next": next_of(after)}
    return [{**step, "parallelBranches": branches, "failFast": True} if branches else step]


def join(task: Task, after: str | None) -> list[Json]:
    """Return the step of a JOIN task, whose output has the outputs of the tasks that it joins."""
    steps = task.context.references.steps
    names = [str(name) for name in task.value.get("joinOn") or () if name in steps]
    members = ", ".join(f"{jmespath_name(name)}: steps.{jmespath_name(steps[name])}.output" for name in names)
    task.note("the region before it has joined all of its branches", exact=False, at=("output",))
    kept = {"output": transform(f"{{{members}}}", "jmespath")} if members else {}
    return [{**task.heading, "taskId": "noop", **kept, **settings_of(task), "next": next_of(after)}]


def exclusive_join(task: Task, after: str | None) -> list[Json]:
    """Return the step of an EXCLUSIVE_JOIN task, whose output is that of the first task that there is."""
    steps = task.context.references.steps
    given = [*(task.value.get("joinOn") or ()), *(task.value.get("defaultExclusiveJoinTask") or ())]
    names = [f"steps.{jmespath_name(steps[name])}.output" for name in given if name in steps]
    task.note("the output of the first of the tasks that ran", at=("output",))
    kept = {"output": transform(f"not_null({', '.join(names)})", "jmespath")} if names else {}
    return [{**task.heading, "taskId": "noop", **kept, **settings_of(task), "next": next_of(after)}]


def dynamic_fork(task: Task, after: str | None) -> list[Json]:
    """Return the step of a FORK_JOIN_DYNAMIC task that runs one task for many inputs; others are left to do."""
    name: Any = task.given.get("forkTaskName") or task.value.get("forkTaskName")
    inputs: Any = task.given.get("forkTaskInputs") or task.value.get("forkTaskInputs")
    step: Json = {**task.heading, "taskId": "noop", **settings_of(task), "next": next_of(after)}
    if not isinstance(name, str) or "${" in name or inputs is None:
        task.todo("tasks that are chosen at run time: write an item's steps with a condition for each")
        name, inputs = f"{task.ref}.chosen", []
    work = task.draft.task(name, name, f"Conductor task {name}, run for each input.")
    item: Json = {
        "stepId": task.draft.step_id(f"{task.step}-item"),
        "taskId": work,
        "input": transform("item", "jmespath"),
    }
    items = task.attempt(lambda: {"items": transform(task.context.references.value(inputs), "jmespath")}, "items")
    task.note("a step with items", at=("forEach",))
    return [{**step, "forEach": {**items, "steps": [{**item, "next": []}]}, "failFast": True}]


def dynamic(task: Task, after: str | None) -> list[Json]:
    """Return the step of a DYNAMIC task, which selects its task; which tasks there are is left to do."""
    name = task.given.get(str(task.value.get("dynamicTaskNameParam")))
    task.todo("the tasks that can be selected: list them in oneOf")
    work = task.draft.task(f"{task.ref}.chosen", task.ref, "Conductor task that is selected at run time.")
    chosen = work if name is None else selecting(task, work, name, "{}")
    fields = task.attempt(lambda: task.input(task.given), "input", "inputParameters")
    return [{**task.heading, "taskId": chosen, **fields, **settings_of(task), "next": next_of(after)}]


def selecting(task: Task, task_id: str, name: Any, expression: str) -> Json | str:
    """Return the ``taskId`` of a step that selects its task, with one of the tasks that it can select.

    :param name: what the source selects it by
    :param expression: in JMESPath, what gives the ``taskId``, with ``{}`` for that name
    """
    try:
        select = transform(expression.replace("{}", task.context.references.value(name)), "jmespath")
    except NotTranslatable as error:
        task.todo(f"translate what selects it: {error}")
        return task_id
    return {"oneOf": [task_id], "select": select}
