"""Parallel and Map states: steps with branches, and with items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from airflow_workflow_provider.importing.draft import Json, Place
from airflow_workflow_provider.importing.jsonata import Script, built, kept_list, listed, literal
from airflow_workflow_provider.importing.jsonpath import NotTranslatable
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
    given_as,
    number_of,
    retry_policies,
    timeouts,
)
from airflow_workflow_provider.importing.stepfunctions.resources import task_name
from airflow_workflow_provider.importing.stepfunctions.scope import Here, Scope, is_expression
from airflow_workflow_provider.importing.stepfunctions.states import Target, attempt, following, heading
from airflow_workflow_provider.model.fields import MAX_COUNT

States = Callable[[Any, Place, Scope, Json], list[Json]]
"""Converts the states inside of a region, after a step that is given."""

_PARTS: Final = {
    "ItemsPath": "items",
    "Items": "items",
    "ItemSelector": "steps",
}
"""Fields of a Map state, and where they are below ``forEach``."""

MOST_AT_ONCE: Final = 40
"""Items that Step Functions runs at a time where nothing else is said."""


def parallel_state(here: Here, target: Target, states: States) -> list[Json]:
    """Return the steps of a Parallel state."""
    note_fields(here)
    inner = here.scope.inner(item=False)
    branches = []
    for number, branch in enumerate(here.value.get("Branches") or []):
        branch_id = f"branch-{number + 1}"
        first = _entry(here, f"{here.step}-{number + 1}", inner, lambda script: effective_input(here, script))
        steps = states(branch, (*here.place, "Branches", number), inner, first)
        branches.append({"branchId": branch_id, "steps": steps})
    script = Script()
    ids = listed(literal(each["branchId"]) for each in branches)
    # A constructor around the results would join those that are lists themselves.
    looked_up = f"$lookup($lookup(output.branches, $b), {literal(inner.key)})"
    code = kept_list(f"$map({ids}, function($b) {{ {looked_up} }})")
    step = _region(here, target, code, script)
    message = "a step with branches, of which a failure stops the others"
    here.draft.note("exact", "Parallel", here.place, message, step=here.step, at=("parallelBranches",))
    first_step, *caught = step
    return [{**first_step, "parallelBranches": branches, "failFast": True}, *caught]


def map_state(here: Here, target: Target, states: States) -> list[Json]:
    """Return the steps of a Map state."""
    note_fields(here)
    field = "ItemProcessor" if "ItemProcessor" in here.value else "Iterator"
    inner = here.scope.inner(item=True)
    reading = _reader(here)
    selecting = replace(here, scope=replace(here.scope, item=inner.item))
    batched = isinstance(here.value.get("ItemBatcher"), dict)
    first = _entry(
        here, f"{here.step}-item", inner, lambda script: str(inner.item) if batched else _item(selecting, script)
    )
    steps = states(here.value.get(field), (*here.place, field), inner, first)
    each: Json = {
        **attempt(here, "ItemsPath", lambda: {"items": _items(here)}, "items"),
        "as": inner.item,
        "maxConcurrency": _at_once(here),
        **_tolerated(here),
    }
    _note_map(here, field)
    script = Script()
    code = f"{script.use('each')}(output.items, {literal(inner.key)})"
    first_step, *caught = _region(here, target, code, script)
    return [{**first_step, **reading, "forEach": {**each, "steps": steps}, "failFast": True}, *caught]


def _region(here: Here, target: Target, code: str, script: Script) -> list[Json]:
    step: Json = {**heading(here), "taskId": "noop", **retry_policies(here), **timeouts(here)}
    handlers, caught = catchers(here, target)

    def kept() -> Json:
        data = new_data(here, code, script, raw=code)
        return output(here, data, script, assign=here.value.get("Assign"), result=code)

    return [{**step, **handlers, **attempt(here, "ResultPath", kept), "next": following(here, target)}, *caught]


def _entry(here: Here, name: str, inner: Scope, data: Callable[[Script], str]) -> Json:
    """Return the step with which a branch or an item begins: it sets the data of the states inside."""

    def kept() -> Json:
        script = Script()
        return {"output": script.transform(built({inner.key: data(script)}))}

    return {"stepId": here.draft.step_id(name), "taskId": "noop", **attempt(here, "Parameters", kept)}


def _item(here: Here, script: Script) -> str:
    field = "ItemSelector" if "ItemSelector" in here.value else "Parameters"
    selector = here.value.get(field)
    if selector is None:
        return str(here.scope.item)
    data = here.scope.data if here.jsonata else filtered(here, "InputPath", here.scope.data, script)
    return template(here, selector, script, data=data)


def _items(here: Here) -> Json:
    script = Script()
    given = here.value.get("Items")
    if "ItemReader" in here.value:
        code = "data.items"
    elif here.jsonata and given is not None:
        code = here.expression(given, script) if is_expression(given) else template(here, given, script)
    elif here.jsonata:
        code = here.scope.data
    else:
        data = filtered(here, "InputPath", here.scope.data, script)
        code = here.path(here.value.get("ItemsPath", "$"), script, data=data)
    if isinstance(here.value.get("ItemBatcher"), dict):
        code = _batches(here, code, script)
    return script.transform(code)


def _batches(here: Here, items: str, script: Script) -> str:
    """Return the items in batches, each as ``{"BatchInput", "Items"}``.

    :raises NotTranslatable: the batches are limited by bytes only
    """
    batch = here.value["ItemBatcher"]
    if _selects(here):
        # The items of a batch are selected before there are steps that could do it.
        inside = replace(here, scope=replace(here.scope, item="$item"))
        items = kept_list(f"$map({items}, function($item, $itemIndex) {{ {_item(inside, script)} }})")
    size = batch.get("MaxItemsPerBatch")
    if "MaxItemsPerBatchPath" in batch:
        count = here.path(batch["MaxItemsPerBatchPath"], script)
    elif is_expression(size):
        count = here.expression(size, script)
    elif isinstance(size, int) and size > 0:
        count = str(size)
    else:
        message = "batches that only their bytes limit"
        raise NotTranslatable(message)
    message = "the items are divided in JSONata; bytes do not limit a batch"
    here.note("ItemBatcher", message, ("forEach", "items"), exact=False)
    parts = f"{script.use('partition')}({items}, {count})"
    more = template(here, batch["BatchInput"], script) if "BatchInput" in batch else None
    return f"{script.use('batches')}({parts}{'' if more is None else f', {more}'})"


def _selects(here: Here) -> bool:
    return "ItemSelector" in here.value or "Parameters" in here.value


def _reader(here: Here) -> Json:
    """Return the fields of a step whose own task reads the items from outside."""
    reader = here.value.get("ItemReader")
    if not isinstance(reader, dict):
        return {}
    resource = str(reader.get("Resource", ""))
    name = f"{task_name(resource, reader.get('Parameters'))}.items"
    task = here.draft.task(name, name, f"Step Functions item reader {resource}. It returns the list as items.")
    message = (
        f"the task {task} returns all items at once, as items; more than an output may contain are read in batches, "
        "by a loop with the task read"
    )
    here.todo("ItemReader", message, "ItemReader")

    parameters = reader.get("Arguments" if here.jsonata else "Parameters", {})

    def given() -> Json:
        script = Script()
        return {"input": script.transform(template(here, parameters, script))}

    return {"taskId": task, **attempt(here, "ItemReader", given, "input")}


def _at_once(here: Here) -> Any:
    """Return how many items run at the same time; 0 stands for the most."""
    found = number_of(here, "MaxConcurrency", _count, lambda code: f"($n := {code}; $n = 0 ? {MOST_AT_ONCE} : $n)")
    if found is not None:
        here.note(given_as(here, "MaxConcurrency"), "part of forEach", ("forEach", "maxConcurrency"))
    return found or MOST_AT_ONCE


def _tolerated(here: Here) -> Json:
    """Return how many items may fail, as a number, a share, or both."""
    found: Json = {}
    for field, key, written in (
        ("ToleratedFailureCount", "toleratedFailures", _count),
        ("ToleratedFailurePercentage", "toleratedFailurePercentage", _percentage),
    ):
        bound = number_of(here, field, written, str)
        if bound is not None:
            found[key] = bound
            message = "the result of a tolerated failure is null"
            here.note(given_as(here, field), message, ("forEach", key), exact=False)
    return found


def _count(value: Any) -> int | None:
    usable = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_COUNT
    return value if usable else None


def _percentage(value: Any) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100  # noqa: PLR2004
    return value if usable else None


def _note_map(here: Here, field: str) -> None:
    here.draft.note("exact", "Map", here.place, "a step with items", step=here.step, at=("forEach",))
    for name, part in _PARTS.items():
        if name in here.value:
            here.note(name, "part of forEach", ("forEach", part))
    if "ResultWriter" in here.value:
        here.todo(
            "ResultWriter", "the results stay in the step's output: write them in a step of the items", "ResultWriter"
        )
    processor = here.value.get(field)
    config = processor.get("ProcessorConfig") if isinstance(processor, dict) else None
    if isinstance(config, dict) and config.get("Mode") == "DISTRIBUTED":
        message = "items are part of the same instance, not workflows of their own"
        config_place = (*here.place, field, "ProcessorConfig")
        here.draft.note("detour", "DISTRIBUTED", config_place, message, step=here.step, at=("forEach",))
