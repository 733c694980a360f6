"""From one step to the next: transitions, handlers, and the end of a step list (rules T2 to T4, F4, F5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_workflow_provider.engine.bindings import bindings_of, holds, names_in
from airflow_workflow_provider.engine.events import operands
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.keys import ROOT
from airflow_workflow_provider.engine.phases import InstanceStatus, ListStatus, StepStatus
from airflow_workflow_provider.engine.region_records import ListFailure
from airflow_workflow_provider.engine.turn import ListEnded
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.definition import END, FAIL, Step
from airflow_workflow_provider.model.ways import (
    ON_FAILURE,
    Guard,
    Holds,
    Matches,
    Way,
    WayKind,
    continues_normally,
)
from airflow_workflow_provider.vocabulary import ErrorType, LogEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_workflow_provider.engine.documents import Json
    from airflow_workflow_provider.engine.scope import Scope
    from airflow_workflow_provider.engine.turn import Turn


def take_transition(turn: Turn, scope: Scope, step: Step, output: Json) -> None:
    """Choose the transition of a step whose output is folded in; a failure here is never retried (rule X4)."""
    current = scope.activation
    try:
        way = _choose(turn, scope, step, output)
    except StepFailure as exc:
        failure = Failure.from_exception(exc).while_handling(scope.error)
        error = turn.error(failure, step.step_id, current.attempt)
        record = scope.record(step.step_id)
        record.status, record.error = StepStatus.FAILED, error
        route(turn, scope, step, failure, error, in_transition=True)
        return
    _advance(turn, scope, step, way)


def _choose(turn: Turn, scope: Scope, step: Step, output: Json) -> Way:
    """Return the transition that a step takes (rules T2 to T4)."""
    ways = turn.graph.home(step.step_id).flow.ways(step.step_id, WayKind.NEXT)
    if ways[0].guard is None:
        return ways[0]
    current = scope.activation
    bindings = bindings_of(scope, attempt=current.attempt, output=output)
    names = names_in(scope)
    for way in ways:
        if not isinstance(way.guard, Holds):
            return way
        condition = way.guard.condition
        held = holds(condition, names, bindings)
        data: Json = {"condition": condition, "result": held, "target": way.target, "way": way.id}
        if turn.log.keeps("debug"):
            data["operands"] = operands(condition, bindings)
        turn.log.step("debug", LogEvent.CONDITION_EVALUATED, turn.now, scope.key, current, data=data)
        if held:
            return way
    conditions = [way.guard.condition for way in ways if isinstance(way.guard, Holds)]
    message = f"No transition of step {step.step_id!r} holds: {', '.join(map(str, conditions))}"
    raise StepFailure(message, type=ErrorType.NO_TRANSITION_MATCHED, details={"conditions": conditions})


def route(turn: Turn, scope: Scope, step: Step, failure: Failure, error: Json, *, in_transition: bool) -> None:
    """Hand a failure to the step's ``onFailure``, else to the list (rule F4)."""
    record = scope.record(step.step_id)
    data = {"error": error, "output": record.output}
    turn.log.step("error", LogEvent.STEP_FAILED, turn.now, scope.key, scope.activation, data=data)
    way = handler_for(turn.graph.home(step.step_id).flow.ways(step.step_id, WayKind.FAILURE), failure)
    if way is not None:
        _handled(turn, scope, step, error, way)
    elif continues_normally(step.on_failure) and not in_transition:
        _continue(turn, scope, step, error)
    else:
        unhandled(turn, scope, step, failure, error)


def handler_for(ways: Iterable[Way], failure: Failure) -> Way | None:
    """Return the first handler whose guard matches a failure, or None (rules F4, F7)."""
    return next((way for way in ways if _matches(way.guard, failure)), None)


def _matches(guard: Guard | None, failure: Failure) -> bool:
    return not isinstance(guard, Matches) or failure.matches(guard.error_type, guard.error_code)


def _continue(turn: Turn, scope: Scope, step: Step, error: Json) -> None:
    """Continue by the normal transition, evaluated with an empty output (rule F4)."""
    outer, scope.control.error = scope.control.error, error
    try:
        way = _choose(turn, scope, step, {})
    except StepFailure as exc:
        scope.control.error = outer
        second = Failure.from_exception(exc).while_handling(error)
        stands = turn.error(second, step.step_id, error["attempt"])
        scope.record(step.step_id).error = stands
        unhandled(turn, scope, step, second, stands)
        return
    _handled(turn, scope, step, error, way)


def _handled(turn: Turn, scope: Scope, step: Step, error: Json, way: Way) -> None:
    scope.control.error = error
    _advance(turn, scope, step, way)


def unhandled(turn: Turn, scope: Scope, step: Step, failure: Failure, error: Json) -> None:
    """Fail a list because of a step whose failure it does not handle."""
    _leave(turn, scope, step)
    fail_list(turn, scope, failure, error)


def _leave(turn: Turn, scope: Scope, step: Step) -> None:
    record = scope.record(step.step_id)
    record.handling = scope.key == ROOT and turn.state.failure is not None
    scope.control.current, scope.control.last = None, step.step_id
    if scope.key == ROOT:
        turn.left.append(record)


def _advance(turn: Turn, scope: Scope, step: Step, way: Way) -> None:
    """Follow a decision: end the path, fail the list, or activate the next step."""
    record, current = scope.record(step.step_id), scope.activation
    record.next, record.way, target = way.target, way.id, way.target
    if record.status is StepStatus.COMPLETED:
        data = {"output": record.output, "next": target, "way": way.id}
        turn.log.step("info", LogEvent.STEP_COMPLETED, turn.now, scope.key, current, data=data)
    else:
        turn.log.step("info", LogEvent.STEP_HANDLED, turn.now, scope.key, current, data={"next": target, "way": way.id})
    _leave(turn, scope, step)
    if target == END:
        finish_list(turn, scope)
    elif target == FAIL:
        failure = Failure(ErrorType.WORKFLOW_FAILED, f"Step {step.step_id!r} chose {FAIL!r}").while_handling(
            scope.error
        )
        fail_list(turn, scope, failure, turn.error(failure, step.step_id, record.attempt))
    else:
        visit(turn, scope, target)


def visit(turn: Turn, scope: Scope, step_id: str) -> bool:
    """Make a step the live activation of its list; fail the list where the visit is one too many (rule T6).

    :returns: whether the visit was allowed
    """
    refusal = turn.loop_limit(scope, step_id)
    if refusal is not None:
        refusal = refusal.while_handling(scope.error)
        fail_list(turn, scope, refusal, turn.error(refusal, step_id))
        return False
    turn.activate(scope, step_id)
    return True


def note_where_paths_went(turn: Turn) -> None:
    """Write into the records of top-level steps where the path went when the list ended behind them."""
    for record in turn.left:
        if turn.state.status is InstanceStatus.FAILED and record.next is not None:
            record.next = FAIL
        elif turn.state.failure is not None and not record.handling:
            record.next = ON_FAILURE
    turn.left.clear()


def finish_list(turn: Turn, scope: Scope) -> None:
    """End a list whose path has ended."""
    control = scope.control
    control.status, control.error, control.output = ListStatus.COMPLETED, None, scope.last_output
    turn.then(ListEnded(scope.key))


def fail_list(turn: Turn, scope: Scope, failure: Failure, error: Json) -> None:
    """End a list with a failure that none of its steps handled."""
    control = scope.control
    control.status, control.current, control.failure = ListStatus.FAILED, None, ListFailure(failure, error)
    turn.then(ListEnded(scope.key))
