"""From one step to the next: transitions, handlers, and the end of a step list (rules T2 to T4, F4, F5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_workflow_provider.engine import closing, regions
from airflow_workflow_provider.engine.bindings import bindings_of, holds, names_in
from airflow_workflow_provider.engine.calls import Decision, decided
from airflow_workflow_provider.engine.events import operands
from airflow_workflow_provider.engine.failure import NO_TRANSITION_MATCHED, WORKFLOW_FAILED, Failure, timestamp
from airflow_workflow_provider.engine.graph import ON_FAILURE
from airflow_workflow_provider.engine.state import ROOT, Json, Scope, list_path
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.definition import END, FAIL, Step

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_workflow_provider.engine.machine import Machine


def take_transition(machine: Machine, scope: Scope, step: Step, output: Json, now: datetime) -> Decision:
    """Choose the transition of a step whose output is folded in; a failure here is never retried (rule X4)."""
    current = scope.control["current"]
    try:
        target = _choose(machine, scope, step, output, current["attempt"], now)
    except StepFailure as exc:
        failure = Failure.from_exception(exc).while_handling(scope.error)
        error = failure.error_object(step.step_id, current["attempt"], timestamp(now))
        scope.record(step.step_id).update(status="failed", error=error)
        return route(machine, scope, step, failure, error, now, in_transition=True)
    return _advance(machine, scope, step, target, now)


def _choose(machine: Machine, scope: Scope, step: Step, output: Json, attempt: int, now: datetime) -> str:
    """Return the target of a step's transition (rules T2 to T4)."""
    if step.next is None:
        return machine.graph.lists[list_path(scope.key)].flow.default_next(step.step_id) or END
    if not step.next:
        return END
    bindings = bindings_of(scope, attempt=attempt, output=output)
    names = names_in(scope)
    for transition in step.next:
        if transition.condition is None:
            return transition.next_step_id
        held = holds(transition.condition, names, bindings)
        machine.log.step(
            "debug",
            "condition.evaluated",
            now,
            scope.key,
            scope.control["current"],
            data={
                "condition": transition.condition,
                "result": held,
                "operands": operands(transition.condition, bindings),
                "target": transition.next_step_id,
            },
        )
        if held:
            return transition.next_step_id
    conditions = [transition.condition for transition in step.next]
    msg = f"No transition of step {step.step_id!r} holds: {', '.join(map(str, conditions))}"
    raise StepFailure(
        msg,
        type=NO_TRANSITION_MATCHED,
        details={"conditions": conditions},
    )


def route(
    machine: Machine, scope: Scope, step: Step, failure: Failure, error: Json, now: datetime, *, in_transition: bool
) -> Decision:
    """Hand a failure to the step's ``onFailure``, else to the list (rule F4)."""
    current = scope.control["current"]
    record = scope.record(step.step_id)
    machine.log.step("error", "step.failed", now, scope.key, current, data={"error": error, "output": record["output"]})
    handler = step.on_failure
    if handler is not None:
        for condition in handler.conditions:
            if failure.matches(condition.error_type, condition.error_code):
                return _handled(machine, scope, step, error, condition.next_step_id, now)
        if handler.action == "continue" and handler.next_step_id is not None:
            return _handled(machine, scope, step, error, handler.next_step_id, now)
        if handler.action == "continue" and not in_transition:
            return _continue(machine, scope, step, error, now)
    return unhandled(machine, scope, step, failure, error, now)


def _continue(machine: Machine, scope: Scope, step: Step, error: Json, now: datetime) -> Decision:
    """Go on by the normal transition, evaluated with an empty output (rule F4)."""
    outer, scope.control["error"] = scope.control["error"], error
    try:
        target = _choose(machine, scope, step, {}, scope.control["current"]["attempt"], now)
    except StepFailure as exc:
        scope.control["error"] = outer
        second = Failure.from_exception(exc).while_handling(error)
        stands = second.error_object(step.step_id, error["attempt"], timestamp(now))
        scope.record(step.step_id)["error"] = stands
        return unhandled(machine, scope, step, second, stands, now)
    return _handled(machine, scope, step, error, target, now)


def _handled(machine: Machine, scope: Scope, step: Step, error: Json, target: str, now: datetime) -> Decision:
    scope.control["error"] = error
    return _advance(machine, scope, step, target, now)


def unhandled(machine: Machine, scope: Scope, step: Step, failure: Failure, error: Json, now: datetime) -> Decision:
    """Fail a list because of a step whose failure it does not handle."""
    record = scope.record(step.step_id)
    _leave(machine, scope, step)
    fail_list(machine, scope, failure, error, now)
    if scope.key == ROOT and machine.state["failure"] is not None and not _handler_ran(record):
        record["next"] = ON_FAILURE
    return decided(record)


def _handler_ran(record: Json) -> bool:
    """Tell whether a step of the workflow's ``onFailure`` path ended, rather than one that led to it."""
    return bool(record.get("handling"))


def _leave(machine: Machine, scope: Scope, step: Step) -> None:
    record = scope.record(step.step_id)
    record["handling"] = scope.key == ROOT and machine.state["failure"] is not None
    scope.control["current"] = None
    scope.control["last"] = step.step_id


def _advance(machine: Machine, scope: Scope, step: Step, target: str, now: datetime) -> Decision:
    """Follow a decision: end the path, fail the list, or activate the next step."""
    record = scope.record(step.step_id)
    current = scope.control["current"]
    record["next"] = target
    if record["status"] == "completed":
        data = {"output": record["output"], "next": target}
        machine.log.step("info", "step.completed", now, scope.key, current, data=data)
    else:
        machine.log.step("info", "step.handled", now, scope.key, current, data={"next": target})
    _leave(machine, scope, step)
    if target == END:
        finish_list(machine, scope, now)
    elif target == FAIL:
        failure = Failure(WORKFLOW_FAILED, f"Step {step.step_id!r} chose {FAIL!r}").while_handling(scope.error)
        fail_list(machine, scope, failure, failure.error_object(step.step_id, record["attempt"], timestamp(now)), now)
    else:
        machine.activate(scope, target, now)
    if scope.key == ROOT:
        _note_ending(machine, record)
    return decided(record)


def _note_ending(machine: Machine, record: Json) -> None:
    """Write into a top-level step's record where its path went when the list ended behind it."""
    if machine.status == "failed":
        record["next"] = FAIL
    elif machine.state["failure"] is not None and not _handler_ran(record):
        record["next"] = ON_FAILURE


def finish_list(machine: Machine, scope: Scope, now: datetime) -> None:
    """End a list whose path has ended."""
    control = scope.control
    last = scope.values["steps"].get(control["last"]) if control["last"] else None
    control.update(status="completed", error=None, output=(last or {}).get("output") or {})
    if scope.key == ROOT:
        closing.path_ended(machine, scope, now)
    else:
        regions.child_ended(machine, scope, now)


def fail_list(machine: Machine, scope: Scope, failure: Failure, error: Json, now: datetime) -> None:
    """End a list with a failure that none of its steps handled."""
    scope.control.update(status="failed", current=None, failure={**failure.to_json(), "error": error})
    if scope.key == ROOT:
        closing.instance_failed(machine, scope, failure, error, now)
    else:
        regions.child_ended(machine, scope, now)
