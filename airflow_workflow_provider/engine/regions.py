"""Steps with branches or items: fork, and what a failure or an end inside means (rules P1 to P4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_workflow_provider.engine.bindings import apply_transform, bindings_of, names_in
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.keys import ROOT
from airflow_workflow_provider.engine.phases import UNFINISHED, ListStatus, StepStatus, Trigger
from airflow_workflow_provider.engine.records import CompletedVisit, ListState, Stopped
from airflow_workflow_provider.engine.region_records import ItemResult, Items, Region
from airflow_workflow_provider.engine.turn import RegionChanged, RegionDone, RegionFailed
from airflow_workflow_provider.engine.values import json_object, same
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.vocabulary import ErrorType, LogEvent

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.documents import Json, JsonValue
    from airflow_workflow_provider.engine.records import Activation
    from airflow_workflow_provider.engine.region_records import ListFailure
    from airflow_workflow_provider.engine.scope import Scope
    from airflow_workflow_provider.engine.state import State
    from airflow_workflow_provider.engine.turn import Turn
    from airflow_workflow_provider.model.definition import ForEach, Step

MAX_LISTED_CAUSES = 100


def note_completed(turn: Turn, scope: Scope, step: Step, output: Json) -> None:
    """Note a visit whose own task was done, for compensation (rule F7)."""
    if step.compensation is not None:
        visit = CompletedVisit(scope.key, step.step_id, scope.activation.visit, scope.names, output)
        turn.state.completed.append(visit)


def fork(turn: Turn, scope: Scope, step: Step, own: Json) -> None:
    """Keep a region's own result and start its branches or items.

    :param own: the result of the region's own task
    :raises StepFailure: ``items`` gave no array; nothing was kept, but for compensation the own task was done
    """
    current = scope.activation
    note_completed(turn, scope, step, own)
    region = Region(own)
    if step.for_each is not None:
        bindings = bindings_of(scope, attempt=current.attempt, output=own)
        bindings["data"] = {**bindings["data"], **own, **bindings["variables"]}
        region.items = _items(turn, scope, step.for_each, bindings)
    current.move(Trigger.FORK)
    current.region = region
    turn.log.step("info", LogEvent.REGION_STARTED, turn.now, scope.key, current, data={"output": own})
    for branch in step.parallel_branches or ():
        key = f"{scope.prefix}{step.step_id}/{branch.branch_id}"  # rerun.reopen reads the owner out of it
        region.children.append(key)
        child = _open(turn, scope, key, {})
        if branch.steps:
            turn.activate(child, branch.steps[0].step_id)
        else:
            child.control.status, child.control.output = ListStatus.COMPLETED, {}
    if step.for_each is None:
        # Kept with the record, so that a step of a branch can be run again after the region has ended.
        scope.record(step.step_id).region = Region(own, list(region.children))
    turn.then(RegionChanged(scope.key, step.step_id, current.visit))


def child_ended(turn: Turn, child: Scope) -> None:
    """Note that a branch or item has ended."""
    parent = child.parent
    if parent is None:
        message = "a branch ends inside a region"
        raise AssertionError(message)
    current = parent.activation
    if child.control.names:
        _keep_item(parent.region, child)
    turn.then(RegionChanged(parent.key, current.step_id, current.visit))


def settle(turn: Turn, changed: RegionChanged) -> None:
    """Start the items that may start now; end the region when nothing in it runs any more."""
    current = turn.state.live_step(changed.key, changed.step_id)
    if current is None or current.region is None or current.visit != changed.visit:
        return  # it was settled by an occurrence before this one
    scope, step = turn.scope(changed.key), turn.graph.step(changed.step_id)
    failed = _too_many_failures(turn.state, current.region, step)
    if failed and step.fail_fast:
        cancel_live(turn, scope, keep=True)
    elif not failed and step.for_each is not None:
        _fill(turn, scope, step, step.for_each)
        failed = _too_many_failures(turn.state, current.region, step)
    if any(_runs(turn.state, key) for key in current.region.children):
        return
    if failed:
        failure = _branch_failed(turn.state, current.region, step)
        _show_steps(scope)
        if step.for_each is not None:
            drop_children(turn.state, current)
        turn.then(RegionFailed(scope.key, failure))
    else:
        turn.then(RegionDone(scope.key))


def merge(turn: Turn, scope: Scope, step: Step) -> Json:
    """Merge the branches of a region that has ended, in definition order; return the aggregate (rules X1, P1, P4).

    :raises StepFailure: the aggregate is too large
    """
    region = scope.region
    aggregate: Json = {"task": region.own}
    scope.values.data.update(region.own)
    if region.items is not None:
        items = region.items
        aggregate["items"] = [items.results[index].output for index in range(len(items.values))]
    else:
        _show_steps(scope)
        children = [turn.state.lists[key] for key in region.children]
        aggregate["branches"] = {
            key.rsplit("/", 1)[1]: child.output for key, child in zip(region.children, children, strict=True)
        }
        outer = scope.variables
        changed: Json = {}
        for child in children:
            scope.values.data.update(child.data)
            changed.update({k: v for k, v in child.variables.items() if k not in outer or not same(outer[k], v)})
        scope.values.variables.update(changed)
    if step.output is not None:
        return aggregate
    return json_object(aggregate, max_bytes=turn.options.max_output_bytes)


def drop_children(state: State, current: Activation) -> None:
    """Forget the branches or items of an activation."""
    for key in current.region.children if current.region is not None else ():
        _forget(state, key)


def forget_items(state: State, scope: Scope, step_id: str) -> None:
    """Forget the items of a step that were stopped."""
    head = f"{scope.prefix}{step_id}["
    for key in [key for key in state.lists if key.startswith(head)]:
        del state.lists[key]


def cancel_live(turn: Turn, scope: Scope, *, keep: bool = False) -> None:
    """Stop whatever runs in a list: steps that were begun fail with Cancelled, the others never start.

    :param keep: keep the list's own live activation; stop only what runs inside its region
    """
    current = scope.current
    if current is None:
        return
    for key in current.region.children if current.region is not None else ():
        if _runs(turn.state, key):
            child = turn.scope(key)
            cancel_live(turn, child)
            child.control.status, child.control.current = ListStatus.CANCELLED, None
            _keep_visits(child)
    _show_steps(scope)
    if keep or not current.is_step:
        return
    handling = scope.key == ROOT and turn.state.failure is not None
    scope.control.stopped = Stopped(current.step_id, handling)
    record = scope.values.steps.get(current.step_id)
    if record is not None and record.status in UNFINISHED:
        failure = Failure(ErrorType.CANCELLED, "Stopped because the work around it ended")
        record.status, record.completed_at = StepStatus.FAILED, turn.timestamp
        record.error = turn.error(failure, current.step_id, current.attempt)
        turn.log.step("info", LogEvent.STEP_CANCELLED, turn.now, scope.key, current, data={"error": record.error})


def _open(turn: Turn, parent: Scope, key: str, names: Json) -> Scope:
    turn.state.lists[key] = ListState(parent.key, names, error=parent.error)
    return turn.scope(key)


def _items(turn: Turn, scope: Scope, for_each: ForEach, bindings: Json) -> Items:
    occasion = turn.occasion(scope, scope.activation)
    items = apply_transform(for_each.items, names_in(scope), bindings, occasion, "forEach/items")
    if not isinstance(items, list):
        hint = " JSONata returns a single match bare: write [expression]." if for_each.items.type == "jsonata" else ""
        message = f"forEach/items must give an array, not {_kind(items)}.{hint}"
        details = {"expression": for_each.items.expression[:1_000], "at": "forEach/items"}
        raise StepFailure(message, type=ErrorType.EXPRESSION_ERROR, details=details)
    return Items(items, visits=dict(scope.numbering))


def _kind(value: JsonValue) -> str:
    names = {type(None): "null", bool: "a boolean", str: "a string", dict: "an object"}
    return names.get(type(value), "a number")


def _fill(turn: Turn, scope: Scope, step: Step, for_each: ForEach) -> None:
    """Start items up to ``maxConcurrency``, unless too many have failed."""
    region = scope.region
    items = region.items
    while (
        items is not None
        and items.started < len(items.values)
        and len(region.children) < for_each.max_concurrency
        and not _too_many_failures(turn.state, region, step)
    ):
        index = items.started
        items.started += 1
        key = f"{scope.prefix}{step.step_id}[{index}]"
        region.children.append(key)
        child = _open(turn, scope, key, {for_each.as_: items.values[index], f"{for_each.as_}Index": index})
        child.control.visits = dict(items.visits)
        if for_each.steps:
            turn.activate(child, for_each.steps[0].step_id)
            continue
        child.control.status, child.control.output = ListStatus.COMPLETED, {}
        _keep_item(region, child)


def _keep_item(region: Region, child: Scope) -> None:
    """Keep an item's result and forget the rest: items merge nothing (rule X1)."""
    control, items = child.control, region.items
    if items is None:
        message = "an item belongs to a forEach"
        raise AssertionError(message)
    index = int(child.key.rsplit("[", 1)[1].rstrip("]"))
    if control.status is ListStatus.COMPLETED:
        items.results[index] = ItemResult(output=control.output)
    elif control.status is ListStatus.FAILED:
        items.results[index] = ItemResult(failure=control.failure)
        items.failed += 1
    _keep_visits(child)
    region.children.remove(child.key)
    _forget(child.state, child.key)


def _keep_visits(child: Scope) -> None:
    """Let the numbers of an item's visits count, so that none is given twice (rule F7)."""
    parent = child.parent
    if parent is None:
        return
    numbering = parent.numbering
    for step_id, visits in child.control.visits.items():
        numbering[step_id] = max(visits, numbering.get(step_id, 0))


def _failures(state: State, region: Region) -> dict[str, ListFailure]:
    """Return what failed in a region, by branch or item, in definition order."""
    if region.items is not None:
        results = sorted(region.items.results.items())
        return {str(index): result.failure for index, result in results if result.failure is not None}
    named = {key.rsplit("/", 1)[1]: state.lists[key].failure for key in region.children}
    return {name: failure for name, failure in named.items() if failure is not None}


def _too_many_failures(state: State, region: Region, step: Step) -> bool:
    if step.for_each is None or region.items is None:
        return bool(_failures(state, region))
    return region.items.failed > step.for_each.tolerated_failures


def _branch_failed(state: State, region: Region, step: Step) -> Failure:
    failures = _failures(state, region)
    what = "item" if step.for_each is not None else "branch"
    total = len(region.children if region.items is None else region.items.values)
    name, first = next(iter(failures.items()))
    plural = what if total == 1 else ("branches" if what == "branch" else "items")
    listed = dict(list(failures.items())[:MAX_LISTED_CAUSES])
    return Failure(
        ErrorType.BRANCH_FAILED,
        f"{len(failures)} of {total} {plural} failed; {what} {name}: {first.failure.type}: {first.failure.message}",
        details={"causes": {key: each.error for key, each in listed.items()}},
        causes=tuple(each.failure for each in failures.values()),
    )


def _runs(state: State, key: str) -> bool:
    found = state.lists.get(key)
    return found is not None and found.is_running


def _show_steps(scope: Scope) -> None:
    """Let what follows a region see its steps (rule X1)."""
    region = scope.activation.region
    if region is not None and region.items is None:
        for key in region.children:
            scope.values.steps.update(scope.state.lists[key].steps)


def _forget(state: State, key: str) -> None:
    """Forget a list that ran, and those inside it."""
    for found in [found for found in state.lists if found == key or found.startswith(f"{key}/")]:
        del state.lists[found]
