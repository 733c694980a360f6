"""How an instance ends: its result, the workflow's ``onFailure`` and compensation (rules X4, F7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_workflow_provider.engine import regions, transitions
from airflow_workflow_provider.engine.bindings import Occasion, apply_transform, bindings_of, names_in
from airflow_workflow_provider.engine.calls import Decision
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.instance_records import Compensated, FailureHandling
from airflow_workflow_provider.engine.phases import InstanceStatus, Kind, ListStatus, StepStatus
from airflow_workflow_provider.engine.values import json_object
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.definition import END, FAIL, Compensation, Step
from airflow_workflow_provider.model.ways import ON_FAILURE, ways_of_workflow
from airflow_workflow_provider.vocabulary import ErrorType, LogEvent

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.documents import Json, JsonValue
    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.engine.records import Activation
    from airflow_workflow_provider.engine.scope import Scope
    from airflow_workflow_provider.engine.state import State
    from airflow_workflow_provider.engine.turn import Turn


def root_ended(turn: Turn) -> None:
    """React to the end of the top-level step list."""
    failure = turn.root.control.failure
    if failure is not None and turn.root.control.status is ListStatus.FAILED:
        _instance_failed(turn, failure.failure, failure.error)
    else:
        _path_ended(turn)


def _path_ended(turn: Turn) -> None:
    """End the instance whose top-level path has ended."""
    handled = turn.state.failure
    if handled is not None and handled.action != "continue":
        _end_failed(turn, handled.error)
        return
    try:
        output = _result(turn)
    except StepFailure as exc:
        failure = Failure.from_exception(exc)
        _instance_failed(turn, failure, turn.error(failure, None))
        return
    turn.state.status, turn.state.output, turn.state.error = InstanceStatus.COMPLETED, output, None
    turn.log.add("error", LogEvent.INSTANCE_COMPLETED, turn.now, data={"output": output})


def _instance_failed(turn: Turn, failure: Failure, error: Json) -> None:
    """Hand a failure of the top-level list to the workflow's ``onFailure``, or end the instance with it."""
    handled = turn.state.failure
    handler = turn.graph.definition.on_failure
    if handled is not None:
        first = handled.error
        _end_failed(turn, {**first, "details": {**first["details"], "handlerError": error}})
        return
    if handler is None:
        _end_failed(turn, error)
        return
    way = transitions.handler_for(ways_of_workflow(turn.graph.definition), failure)
    handled = FailureHandling(error, failure, handler.action)
    if way is not None:
        handled.target, handled.way = way.target, way.id
    handled.compensate = handler.compensate
    if handler.compensate:
        handled.queue = list(range(len(turn.state.completed)))
    begin_on_failure(turn, handled)


def compensate(turn: Turn, failure: Failure, error: Json) -> None:
    """Let only the compensations run, because somebody cancelled the instance, and then end it with the failure."""
    queue = list(range(len(turn.state.completed)))
    begin_on_failure(turn, FailureHandling(error, failure, queue=queue, cancelled=True))


def begin_on_failure(turn: Turn, handled: FailureHandling) -> None:
    """Let the compensations run that are queued, and then the step that handles the failure."""
    turn.state.failure = handled
    control = turn.root.control
    control.status, control.current, control.error = ListStatus.RUNNING, None, handled.error
    turn.log.add("error", LogEvent.INSTANCE_ON_FAILURE, turn.now, data={"error": handled.error})
    _next_compensation(turn, handled)


def compensation_of(step: Step) -> Compensation:
    """Return the compensation of a step that has one."""
    if step.compensation is None:
        message = f"step {step.step_id!r} has no compensation"
        raise AssertionError(message)
    return step.compensation


def compensation_bindings(root: Scope, current: Activation) -> tuple[Json, frozenset[str]]:
    """Return what the input of a compensation sees: the instance as it failed, ``output`` = what the visit kept."""
    entry = current.entry
    if entry is None:
        message = f"the compensation of {current.step_id!r} undoes no visit"
        raise AssertionError(message)
    bindings = {**entry.names, **bindings_of(root, attempt=current.attempt, output=entry.output)}
    bindings["data"] = {**bindings["data"], **entry.output}
    return bindings, names_in(root) | frozenset(entry.names)


def compensation_started(turn: Turn, current: Activation) -> None:
    """Record that a compensation has begun."""
    if current.attempt == 1:
        _handling(turn).compensated.append(Compensated(current.step_id, current.visit))


def compensated(turn: Turn, root: Scope) -> None:
    """Record that a compensation was done, and continue with the next."""
    _handling(turn).compensated[-1].status = StepStatus.COMPLETED
    turn.log.step("info", LogEvent.COMPENSATION_COMPLETED, turn.now, root.key, root.activation)
    _leave_compensation(turn, root, "completed", None)


def compensation_failed(turn: Turn, root: Scope, failure: Failure) -> None:
    """Retry a compensation by its task's policy; when that is exhausted, record it and continue with the rest."""
    current = root.activation
    task = turn.graph.tasks.get(compensation_of(turn.graph.step(current.step_id)).task_id)
    policies = task.retry_policies if task is not None else ()
    if not policies and failure.is_built_in(ErrorType.WORKER_LOST):
        # It may have been done or not: only another attempt makes it "at least once".
        policies = (turn.options.default_retry,)
    handled = failure.while_handling(_handling(turn).error)
    error = turn.error(handled, current.step_id, current.attempt)
    delay = turn.next_delay(root, policies, failure)
    if delay is not None:
        data: Json = {"error": error, "delay": delay.total_seconds()}
        turn.log.step("info", LogEvent.COMPENSATION_RETRYING, turn.now, root.key, current, data=data)
        turn.retry_later(root, delay, error)
        return
    record = _handling(turn).compensated[-1]
    record.status, record.error = StepStatus.FAILED, error
    turn.log.step("error", LogEvent.COMPENSATION_FAILED, turn.now, root.key, current, data={"error": error})
    _leave_compensation(turn, root, "failed", error)


def _leave_compensation(turn: Turn, root: Scope, status: str, error: Json | None) -> None:
    step_id, handled = root.activation.step_id, _handling(turn)
    root.control.current = None
    _next_compensation(turn, handled)
    turn.decisions[root.key, step_id] = Decision(status, next=handled.next or ON_FAILURE, error=error)


def owed(graph: Graph, state: State) -> int:
    """Return how many visits of an instance that has failed are still to be compensated.

    Compensations run one after the other from the last visit to the first, so those that are owed are the first ones.
    One that was begun and did not end is owed too, and counted even where an earlier release ended the instance; one
    that has failed is not, its own retries are over.
    """
    handler = graph.definition.on_failure
    if state.status is not InstanceStatus.FAILED or handler is None or not handler.compensate:
        return 0
    handled = state.failure
    if handled is None:
        return len(state.completed)
    interrupted = bool(handled.compensated) and handled.compensated[-1].status is StepStatus.RUNNING
    return len(handled.queue) + interrupted


def note_owed(turn: Turn) -> None:
    """Log that an instance has failed without all its compensations."""
    count = owed(turn.graph, turn.state)
    if count:
        turn.log.add("error", LogEvent.INSTANCE_COMPENSATION_OWED, turn.now, data={"count": count})


def abandon_compensations(turn: Turn) -> None:
    """Put the compensation that is live back among those to be done: nobody runs it any more."""
    handled, current = turn.state.failure, turn.root.control.current
    if handled is None or current is None or current.is_step:
        return
    # They are taken from the end, so the one that is live was the last one.
    handled.queue.append(len(handled.queue))
    if handled.compensated and handled.compensated[-1].status is StepStatus.RUNNING:
        handled.compensated.pop()


def _handling(turn: Turn) -> FailureHandling:
    if turn.state.failure is None:
        message = "a compensation runs in the workflow's onFailure"
        raise AssertionError(message)
    return turn.state.failure


def _next_compensation(turn: Turn, handled: FailureHandling) -> None:
    """Activate the newest visit that is not compensated yet, else run the handler."""
    if not handled.queue:
        _run_handler(turn, handled)
        return
    entry = turn.state.completed[handled.queue.pop()]
    current = turn.new_activation(entry.step_id, entry.visit, Kind.COMPENSATION)
    current.entry = entry
    turn.root.control.current = current


def _run_handler(turn: Turn, handled: FailureHandling) -> None:
    target = handled.target
    if target == FAIL:
        failure = Failure(ErrorType.WORKFLOW_FAILED, f"The workflow's onFailure chose {FAIL!r}")
        handled.next = FAIL
        _instance_failed(turn, failure, turn.error(failure, None))
    elif target in (None, END):
        turn.root.control.status = ListStatus.COMPLETED
        _path_ended(turn)
        handled.next = END if turn.state.status is InstanceStatus.COMPLETED else FAIL
    else:
        handled.next = target if transitions.visit(turn, turn.root, target) else FAIL


def _result(turn: Turn) -> Json:
    """Return the instance's output (rule X4).

    :raises StepFailure: the workflow's ``output`` could not be evaluated or kept
    """
    root = turn.root
    output = root.last_output
    transform = turn.graph.definition.output
    if transform is None:
        return output
    occasion = Occasion(turn.state.instance.id, "workflow", "1", turn.now)
    value: JsonValue = apply_transform(transform, names_in(root), bindings_of(root, output=output), occasion, "output")
    return json_object(value, max_bytes=turn.options.max_output_bytes, what="workflow's output")


def _end_failed(turn: Turn, error: Json) -> None:
    handled = turn.state.failure
    if handled is not None and handled.compensate:
        listed = [
            {"stepId": each.step_id, "visit": each.visit, "status": each.status.value} for each in handled.compensated
        ]
        error = {**error, "details": {**error["details"], "compensated": listed}}
    regions.cancel_live(turn, turn.root)
    turn.root.control.current = None
    turn.state.status, turn.state.error, turn.state.output = InstanceStatus.FAILED, error, None
    turn.log.add("error", LogEvent.INSTANCE_FAILED, turn.now, data={"error": error})
    note_owed(turn)
