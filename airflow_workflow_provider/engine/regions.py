"""Steps with branches or items: fork, and what a failure or an end inside means (rules P1 to P4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_workflow_provider.engine.bindings import bindings_of
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.items import at_once, items_of, tolerated
from airflow_workflow_provider.engine.keys import ROOT
from airflow_workflow_provider.engine.phases import UNFINISHED, ListStatus, StepStatus, Trigger
from airflow_workflow_provider.engine.records import CompletedVisit, ListState, Stopped
from airflow_workflow_provider.engine.region_records import Items, ListFailure, Region
from airflow_workflow_provider.engine.turn import RegionChanged, RegionDone, RegionFailed
from airflow_workflow_provider.engine.values import json_object, same
from airflow_workflow_provider.vocabulary import ErrorType, LogEvent

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.documents import Json
    from airflow_workflow_provider.engine.records import Activation
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
    :raises StepFailure: ``items`` gave no array, or a bound no usable number; nothing was kept, but for compensation
        the own task was done
    """
    current = scope.activation
    note_completed(turn, scope, step, own)
    region = Region(own)
    if step.for_each is not None:
        bindings = bindings_of(scope, attempt=current.attempt, output=own)
        bindings["data"] = {**bindings["data"], **own, **bindings["variables"]}
        region.items = items_of(turn, scope, step.for_each, bindings)
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
    elif not failed and step.join is not None and _completed(turn.state, current.region) >= step.join.at_least:
        cancel_live(turn, scope, keep=True)
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
        aggregate["items"] = [_output_of(items, index) for index in range(len(items.values))]
    else:
        _show_steps(scope)
        named = {key.rsplit("/", 1)[1]: turn.state.lists[key] for key in region.children}
        # Only with a join there are others, which failed or were stopped.
        done = {name: child for name, child in named.items() if child.status is ListStatus.COMPLETED}
        aggregate["branches"] = {name: child.output if name in done else None for name, child in named.items()}
        children = list(done.values())
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


def _fill(turn: Turn, scope: Scope, step: Step, for_each: ForEach) -> None:
    """Start items up to ``maxConcurrency``, unless too many have failed."""
    region = scope.region
    items = region.items
    while (
        items is not None
        and items.started < len(items.values)
        and len(region.children) < at_once(items, for_each)
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
    index = child.key.rsplit("[", 1)[1].rstrip("]")
    if control.status is ListStatus.COMPLETED:
        items.results[index] = {"output": control.output}
    elif control.failure is not None:
        items.results[index] = control.failure
        items.failed += 1
    _keep_visits(child)
    region.children.remove(child.key)
    _forget(child.state, child.key)


def _output_of(items: Items, index: int) -> Json | None:
    result = items.results[str(index)]
    return None if isinstance(result, ListFailure) else result.get("output")


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
        results = sorted(region.items.results.items(), key=lambda each: int(each[0]))
        return {index: result for index, result in results if isinstance(result, ListFailure)}
    named = {key.rsplit("/", 1)[1]: state.lists[key].failure for key in region.children}
    return {name: failure for name, failure in named.items() if failure is not None}


def _too_many_failures(state: State, region: Region, step: Step) -> bool:
    if step.for_each is None or region.items is None:
        needed = len(region.children) if step.join is None else step.join.at_least
        return len(_failures(state, region)) > len(region.children) - needed
    return region.items.failed > tolerated(region.items, step.for_each)


def _completed(state: State, region: Region) -> int:
    return sum(state.lists[key].status is ListStatus.COMPLETED for key in region.children)


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
