"""Steps with branches or items: fork, join, and what a failure inside means (rules P1 to P4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_workflow_provider.engine import attempts, closing
from airflow_workflow_provider.engine.bindings import Occasion, apply_transform, bindings_of, names_in
from airflow_workflow_provider.engine.calls import Decision
from airflow_workflow_provider.engine.failure import (
    BRANCH_FAILED,
    CANCELLED,
    EXPRESSION_ERROR,
    Failure,
    timestamp,
)
from airflow_workflow_provider.engine.state import ROOT, Json, Scope, new_scope
from airflow_workflow_provider.engine.values import json_object, same
from airflow_workflow_provider.errors import StepFailure

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_workflow_provider.engine.machine import Machine
    from airflow_workflow_provider.model.definition import ForEach, Step

MAX_LISTED_CAUSES = 100


def fork(machine: Machine, scope: Scope, step: Step, own: Json, now: datetime) -> Decision:
    """Keep a region's own result and start its branches or items.

    :param own: the result of the region's own task
    :raises StepFailure: ``items`` gave no array; nothing was kept, but for compensation the own task was done
    """

    current = scope.control["current"]
    closing.note_completed(machine, scope, step, own)
    region: Json = {"own": own, "children": []}
    if step.for_each is not None:
        bindings = bindings_of(scope, attempt=current["attempt"], output=own)
        bindings["data"] = {**bindings["data"], **own, **bindings["variables"]}
        region.update(_items(scope, step.for_each, bindings, machine.occasion(scope, current, now)))
    region["busy"] = True
    current.update(phase="region", region=region)
    if step.for_each is None:
        # Kept with the record, so that a step of a branch can be run again after the region has ended.
        scope.record(step.step_id)["region"] = {"own": own, "children": region["children"], "busy": False}
    machine.log.step("info", "region.started", now, scope.key, current, data={"output": own})
    for branch in step.parallel_branches or ():
        key = f"{_prefix(scope)}{step.step_id}/{branch.branch_id}"  # rerun.reopen reads the owner out of it
        region["children"].append(key)
        _open(machine, scope, key, branch.steps, {}, now)
    return settle(machine, scope, now)


def child_ended(machine: Machine, child: Scope, now: datetime) -> None:
    """Note that a branch or item has ended, and end its region when it was the last."""
    parent = child.parent
    if parent is None or parent.current is None or parent.current["region"] is None:
        msg = "a branch ends inside a region that runs"
        raise AssertionError(msg)
    if child.control["names"]:
        _keep_item(parent.current["region"], child)
    # While the region starts its branches, or stops them, whoever does that settles it once.
    if not parent.current["region"].get("busy"):
        settle(machine, parent, now)


def settle(machine: Machine, scope: Scope, now: datetime) -> Decision:
    """Start the items that may start now; join or fail the region when nothing in it runs any more."""

    step = machine.graph.step(scope.control["current"]["stepId"])
    region = scope.control["current"]["region"]
    region["busy"] = True
    failed = _too_many_failures(scope, step)
    if failed and step.fail_fast:
        cancel_live(machine, scope, now, keep=True)
    elif not failed and step.for_each is not None:
        _fill(machine, scope, step, step.for_each, now)
        failed = _too_many_failures(scope, step)
    region["busy"] = False
    if any(_runs(machine, key) for key in region["children"]):
        return Decision("region")
    if failed:
        failure = _branch_failed(scope, step)
        _show_steps(machine, scope)
        if step.for_each is not None:
            drop_children(machine, scope)
        return attempts.attempt_failed(machine, scope, failure, now)
    return _join(machine, scope, step, now)


def drop_children(machine: Machine, scope: Scope) -> None:
    """Forget the branches or items of a region."""
    region = scope.control["current"]["region"]
    for key in region["children"] if region else ():
        _forget(machine.state, key)


def forget_items(machine: Machine, scope: Scope, step_id: str) -> None:
    """Forget the items of a step that were stopped."""
    head = f"{_prefix(scope)}{step_id}["
    for key in [key for key in machine.state["scopes"] if key.startswith(head)]:
        del machine.state["scopes"][key]


def cancel_live(machine: Machine, scope: Scope, now: datetime, *, keep: bool = False) -> None:
    """Stop whatever runs in a list: steps that were begun fail with Cancelled, the others never start.

    :param keep: keep the list's own live activation; stop only what runs inside its region
    """
    current = scope.control["current"]
    if current is None:
        return
    for key in current["region"]["children"] if current["region"] else ():
        if _runs(machine, key):
            child = machine.scope(key)
            cancel_live(machine, child, now)
            child.control.update(status="cancelled", current=None)
            _keep_visits(child)
    _show_steps(machine, scope)
    if keep or current["kind"] != "step":
        return
    handling = scope.key == ROOT and machine.state["failure"] is not None
    scope.control["stopped"] = {"stepId": current["stepId"], "handling": handling}
    record = scope.values["steps"].get(current["stepId"])
    if record is not None and record["status"] in ("running", "waiting"):
        error = Failure(CANCELLED, "Stopped because the work around it ended").error_object(
            current["stepId"], current["attempt"], timestamp(now)
        )
        record.update(status="failed", error=error, completedAt=timestamp(now))
        machine.log.step("info", "step.cancelled", now, scope.key, current, data={"error": error})


def _prefix(scope: Scope) -> str:
    return f"{scope.key}/" if scope.key else ""


def _open(machine: Machine, parent: Scope, key: str, steps: tuple[Step, ...], names: Json, now: datetime) -> Scope:
    control = new_scope(parent.key, names)
    control.update(steps={}, variables={}, data={}, error=parent.error)
    machine.state["scopes"][key] = control
    child: Scope = machine.scope(key)
    if steps:
        machine.activate(child, steps[0].step_id, now)
    else:
        control.update(status="completed", output={})
    return child


def _items(scope: Scope, for_each: ForEach, bindings: Json, occasion: Occasion) -> Json:
    items = apply_transform(for_each.items, names_in(scope), bindings, occasion, "forEach/items")
    if not isinstance(items, list):
        hint = " JSONata returns a single match bare: write [expression]." if for_each.items.type == "jsonata" else ""
        msg = f"forEach/items must give an array, not {_kind(items)}.{hint}"
        raise StepFailure(
            msg,
            type=EXPRESSION_ERROR,
            details={"expression": for_each.items.expression[:1_000], "at": "forEach/items"},
        )
    return {"items": items, "started": 0, "failed": 0, "results": {}, "visits": dict(scope.numbering)}


def _kind(value: Any) -> str:
    names = {type(None): "null", bool: "a boolean", str: "a string", dict: "an object"}
    return names.get(type(value), "a number")


def _fill(machine: Machine, scope: Scope, step: Step, for_each: ForEach, now: datetime) -> None:
    """Start items up to ``maxConcurrency``, unless too many have failed."""
    region = scope.control["current"]["region"]
    while (
        region["started"] < len(region["items"])
        and len(region["children"]) < for_each.max_concurrency
        and not _too_many_failures(scope, step)
    ):
        index = region["started"]
        region["started"] += 1
        key = f"{_prefix(scope)}{step.step_id}[{index}]"
        region["children"].append(key)
        names = {for_each.as_: region["items"][index], f"{for_each.as_}Index": index}
        child = _open(machine, scope, key, (), names, now)
        child.control["visits"] = dict(region["visits"])
        if not for_each.steps:
            _keep_item(region, child)
            continue
        child.control.update(status="running", output=None)
        machine.activate(child, for_each.steps[0].step_id, now)


def _keep_item(region: Json, child: Scope) -> None:
    """Keep an item's result and forget the rest: items merge nothing (rule X1)."""
    index = child.key.rsplit("[", 1)[1].rstrip("]")
    control = child.control
    if control["status"] == "completed":
        region["results"][index] = {"output": control["output"]}
    elif control["status"] == "failed":
        region["results"][index] = {"failure": control["failure"]}
        region["failed"] += 1
    _keep_visits(child)
    region["children"].remove(child.key)
    _forget(child.state, child.key)


def _keep_visits(child: Scope) -> None:
    """Let the numbers of an item's visits count, so that none is given twice (rule F7)."""
    numbering = Scope(child.state, child.control["parent"]).numbering
    for step_id, visits in child.control["visits"].items():
        numbering[step_id] = max(visits, numbering.get(step_id, 0))


def _failures(scope: Scope) -> dict[str, Json]:
    """Return what failed in a region, by branch or item, in definition order."""
    region = scope.control["current"]["region"]
    if "items" in region:
        failed = {key: result["failure"] for key, result in region["results"].items() if "failure" in result}
        return dict(sorted(failed.items(), key=lambda entry: int(entry[0])))
    controls = {key.rsplit("/", 1)[1]: scope.state["scopes"][key] for key in region["children"]}
    return {name: control["failure"] for name, control in controls.items() if control["status"] == "failed"}


def _too_many_failures(scope: Scope, step: Step) -> bool:
    if step.for_each is None:
        return bool(_failures(scope))
    return int(scope.control["current"]["region"]["failed"]) > step.for_each.tolerated_failures


def _branch_failed(scope: Scope, step: Step) -> Failure:
    failures = _failures(scope)
    what = "item" if step.for_each is not None else "branch"
    total = len(scope.control["current"]["region"].get("items", scope.control["current"]["region"]["children"]))
    name, first = next(iter(failures.items()))
    plural = what if total == 1 else ("branches" if what == "branch" else "items")
    listed = dict(list(failures.items())[:MAX_LISTED_CAUSES])
    return Failure(
        BRANCH_FAILED,
        f"{len(failures)} of {total} {plural} failed; {what} {name}: {first['type']}: {first['message']}",
        details={"causes": {key: failure["error"] for key, failure in listed.items()}},
        causes=tuple(Failure.from_json(failure) for failure in failures.values()),
    )


def _runs(machine: Machine, key: str) -> bool:
    control = machine.state["scopes"].get(key)
    return control is not None and control["status"] == "running"


def _show_steps(machine: Machine, scope: Scope) -> None:
    """Let what follows a region see its steps (rule X1)."""
    region = scope.control["current"]["region"]
    if region is not None and "items" not in region:
        for key in region["children"]:
            scope.values["steps"].update(machine.state["scopes"][key]["steps"])


def _join(machine: Machine, scope: Scope, step: Step, now: datetime) -> Decision:
    """Merge the branches in definition order, then shape and keep the aggregate (rules X1, P1, P4)."""
    current = scope.control["current"]
    region = current["region"]
    before = {key: dict(scope.values[key]) for key in ("data", "variables")}
    aggregate: Json = {"task": region["own"]}
    scope.values["data"].update(region["own"])
    if "items" in region:
        results = (region["results"][str(index)] for index in range(len(region["items"])))
        aggregate["items"] = [result.get("output") for result in results]
    else:
        _show_steps(machine, scope)
        children = [machine.state["scopes"][key] for key in region["children"]]
        aggregate["branches"] = {
            key.rsplit("/", 1)[1]: c["output"] for key, c in zip(region["children"], children, strict=True)
        }
        outer = scope.variables
        changed: Json = {}
        for child in children:
            scope.values["data"].update(child["data"])
            changed.update({k: v for k, v in child["variables"].items() if k not in outer or not same(outer[k], v)})
        scope.values["variables"].update(changed)
    try:
        bound = machine.options.max_output_bytes
        output = aggregate if step.output is not None else json_object(aggregate, max_bytes=bound)
        return attempts.complete(machine, scope, step, output, now, shaped_only=True)
    except StepFailure as exc:
        scope.values["data"].clear()
        scope.values["data"].update(before["data"])
        scope.values["variables"].clear()
        scope.values["variables"].update(before["variables"])
        return attempts.attempt_failed(machine, scope, Failure.from_exception(exc), now)


def _forget(state: Json, key: str) -> None:
    """Forget a list that ran, and those inside it."""
    for found in [found for found in state["scopes"] if found == key or found.startswith(f"{key}/")]:
        del state["scopes"][found]
