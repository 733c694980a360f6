"""Continuing after an end: retry what failed or was stopped, restart from a step, skip a failed step (rule I5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.engine import attempts, regions, timing
from airflow_workflow_provider.engine.keys import ROOT
from airflow_workflow_provider.engine.manual_override import MANUAL_RUNNER
from airflow_workflow_provider.engine.phases import ListStatus, Phase, StepStatus
from airflow_workflow_provider.engine.rerun import reopen
from airflow_workflow_provider.engine.schemas import check_against
from airflow_workflow_provider.engine.values import json_object, same
from airflow_workflow_provider.errors import Conflict, NotFound, StepFailure
from airflow_workflow_provider.vocabulary import LogEvent, ProblemCode

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from airflow_workflow_provider.engine.calls import ActivationRef, Call
    from airflow_workflow_provider.engine.documents import Json
    from airflow_workflow_provider.engine.machine import Machine

Place = tuple[str, str]
"""A step in a list: the list's key, and the step's id."""

ITEM: Final = "[]"


def is_compensated(machine: Machine) -> bool:
    """Return whether compensations have undone, at least in part, what the steps had done."""
    handled = machine.state.failure
    return handled is not None and bool(handled.compensated)


def stopped_at(machine: Machine, *, failed_only: bool = False) -> list[Place]:
    """Return the innermost steps at which an instance that failed came to its end: those that failed and those that
    were stopped, one a list.

    A step with items stands for all that is in it, since nothing is kept of items that have ended.

    :param failed_only: leave out what was stopped before it began
    """
    found = _stopped_in(machine, ROOT)
    if not failed_only:
        return found
    return [place for place in found if _has_failed(machine, *place)]


def retry(machine: Machine, now: datetime) -> list[Place]:
    """Activate again what failed or was stopped; return it."""
    places = stopped_at(machine)
    stop = machine.state.root.stopped
    handling = None if stop is None else stop.handling
    with machine.turn(now) as turn:
        for key, step_id in places:
            reopen(turn, key, step_id, handling=handling if key == ROOT else None)
        timing.set_deadline(machine.state, machine.graph, now)
    return places


def restart_from(machine: Machine, step_id: str, now: datetime, input_data: Json | None = None) -> list[Place]:
    """Activate a step again that ran before, with what had failed or was stopped in branches beside it; return them.

    :param input_data: the new input, checked and with its defaults; what steps made of the old one stays
    :raises WorkflowsError: see :func:`restarted_at`
    """
    places = restarted_at(machine, step_id)
    if input_data is not None:
        _exchange_input(machine, input_data)
    with machine.turn(now) as turn:
        for place in places:
            reopen(turn, *place)
        timing.set_deadline(machine.state, machine.graph, now)
    return places


def restarted_at(machine: Machine, step_id: str) -> list[Place]:
    """Return the steps that :func:`restart_from` would activate, the named one first.

    :raises NotFound: ``unknown-step``
    :raises Conflict: ``inside-items`` or ``step-not-run``
    """
    key = _key_of(machine, step_id)
    # A region can end only when all its branches do, so what was stopped beside the step continues too.
    return [(key, step_id), *(place for place in stopped_at(machine) if _is_beside(place[0], key))]


def skip(machine: Machine, key: str, step_id: str, output: Json, now: datetime) -> bool:
    """Let an output stand for the result of a step that failed, and continue with the next step.

    :returns: whether it stands for the step as a whole; False where its branches run now
    :raises StepFailure: the output does not fit, or what follows from it cannot be computed; the state is not to be
        kept then
    """
    graph, step = machine.graph, machine.graph.step(step_id)
    known, forked = machine.scope(key).record(step_id), _is_forked(machine, key, step_id)
    whole = forked or not graph.is_region(step) or graph.must_run_inline(step)
    with machine.turn(now) as turn:
        reopen(turn, key, step_id)
        scope = turn.scope(key)
        attempts.start_attempt(turn, scope, MANUAL_RUNNER, known.generation)
        turn.log.step("info", LogEvent.STEP_SKIPPED, now, key, scope.activation)
        task = graph.task_of(step, known.task)
        if task is not None and task.output_schema and not forked:
            check_against(task.output_schema, output, f"output of task {task.task_id!r}", output=True)
        result = json_object(output, max_bytes=machine.options.max_output_bytes)
        record = scope.record(step_id)
        if whole:
            attempts.complete(turn, scope, step, result, shaped_only=graph.is_region(step))
        else:
            regions.fork(turn, scope, step, result)
    if record.status is StepStatus.FAILED and record.error is not None:
        error = record.error
        raise StepFailure(error["message"], type=error["type"], code=error["code"], details=error["details"])
    timing.set_deadline(machine.state, graph, now)
    return whole


def begin_lost(machine: Machine, call: Call | ActivationRef, runner: str, now: datetime) -> None:
    """Begin an attempt whose work is done and whose beginning was lost, with a database that was restored meanwhile."""
    current = machine.state.live_step(call.scope, call.step_id)
    if current is None or current.is_begun or current.phase is Phase.REGION or machine.state.is_held:
        return
    if (current.visit, current.attempt + 1, current.kind) == (call.visit, call.attempt, call.kind):
        machine.begin(call.scope, call.step_id, runner, now, generation=current.generation)


def lower_generations(machine: Machine, generation_of: Callable[[str], int]) -> None:
    """Let the tasks of a DAG run that was made again count as those that ran.

    A generation that is higher than a task's own comes from clearings that the new run does not know; it would keep an
    operator from having the task run again.

    :param generation_of: gives the generation of the task that runs a step
    """
    for key, control in machine.state.lists.items():
        for step_id, record in machine.state.values(key).steps.items():
            record.generation = min(record.generation, generation_of(step_id))
        if control.current is not None:
            control.current.generation = min(control.current.generation, generation_of(control.current.step_id))


# Where an instance came to its end


def _stopped_in(machine: Machine, key: str) -> list[Place]:
    control = machine.state.lists[key]
    step_id = control.stopped.step_id if control.stopped is not None else _failed_in(machine, key)
    if control.status is ListStatus.COMPLETED or step_id is None:
        return []
    record = machine.state.record(key, step_id)
    if record is not None and record.region is not None and _is_forked(machine, key, step_id):
        children = record.region.children
        inner = [place for child in children for place in _stopped_in(machine, child)]
        if inner:
            return inner
    return [(key, step_id)]


def _failed_in(machine: Machine, key: str) -> str | None:
    """Return the step whose failure ended a list; that which the workflow's ``onFailure`` was given, not its own."""
    handled = machine.state.failure if key == ROOT else None
    failure = handled or machine.state.lists[key].failure
    step_id = failure.error.get("stepId") if failure is not None else None
    return step_id if step_id is not None and _has_failed(machine, key, step_id) else None


def _has_failed(machine: Machine, key: str, step_id: str) -> bool:
    record = machine.state.record(key, step_id)
    return record is not None and record.status is StepStatus.FAILED


def _is_forked(machine: Machine, key: str, step_id: str) -> bool:
    """Return whether the branches of a step's latest visit were started, and are still known."""
    scope = machine.scope(key)
    record = scope.values.steps.get(step_id)
    if record is None or record.region is None or scope.numbering.get(step_id) != record.visit:
        return False
    return all(child in machine.state.lists for child in record.region.children)


# Restart


def _key_of(machine: Machine, step_id: str) -> str:
    """Return the key of the list in which a step ran."""
    if step_id not in machine.graph.step_ids:
        message = f"The workflow has no step {step_id!r}"
        raise NotFound(message, code=ProblemCode.UNKNOWN_STEP, pointer="/fromStepId")
    path = machine.graph.home(step_id).path
    if ITEM in path:
        outer = path.split(ITEM)[0].rsplit("/", 1)[-1]
        message = f"Step {step_id!r} runs for each item of step {outer!r}"
        raise Conflict(
            message, code=ProblemCode.INSIDE_ITEMS, pointer="/fromStepId", suggestion=f"restart from {outer!r}"
        )
    if machine.state.record(path, step_id) is None:
        raise _not_run(step_id)
    parts = path.split("/") if path else []
    for end in range(0, len(parts), 2):
        if not _is_forked(machine, "/".join(parts[:end]), parts[end]):
            raise _not_run(step_id)
    return path


def _not_run(step_id: str) -> Conflict:
    message = f"Step {step_id!r} did not run in this instance"
    return Conflict(message, code=ProblemCode.STEP_NOT_RUN, pointer="/fromStepId", suggestion="name a step that did")


def _is_beside(key: str, other: str) -> bool:
    """Return whether two lists are, or are inside, different branches of one step."""
    parts, others = key.split("/"), other.split("/")
    for index, (part, its) in enumerate(zip(parts, others, strict=False)):
        if part != its:
            return index % 2 == 1
    return False


def _exchange_input(machine: Machine, input_data: Json) -> None:
    """Take a new input; what had been made of the old one in the working document stays."""
    state = machine.state
    old, data = state.input, state.data
    for name in {*old, *input_data}:
        if name in data and not (name in old and same(data[name], old[name])):
            continue
        if name in input_data:
            data[name] = input_data[name]
        else:
            data.pop(name, None)
    state.input = input_data
