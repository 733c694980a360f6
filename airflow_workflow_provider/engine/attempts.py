"""One attempt of a step: how it starts, what it runs with, and what its end leads to (rules X4, X5, F2, F3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from airflow_workflow_provider.engine import completion, regions, transitions
from airflow_workflow_provider.engine.bindings import apply_transform, bindings_of, names_in, resolve_arguments
from airflow_workflow_provider.engine.calls import Call
from airflow_workflow_provider.engine.computed import Computed
from airflow_workflow_provider.engine.failure import Failure, later, moment, timestamp
from airflow_workflow_provider.engine.keys import ROOT
from airflow_workflow_provider.engine.phases import StepStatus, Trigger
from airflow_workflow_provider.engine.schemas import check_against
from airflow_workflow_provider.engine.step_records import StepRecord
from airflow_workflow_provider.engine.values import json_object
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.durations import duration_text, parse_duration
from airflow_workflow_provider.vocabulary import ErrorType, LogEvent

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from airflow_workflow_provider.engine.documents import Json, JsonValue
    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.engine.records import Activation
    from airflow_workflow_provider.engine.scope import Scope
    from airflow_workflow_provider.engine.turn import Turn
    from airflow_workflow_provider.model.definition import Step
    from airflow_workflow_provider.model.fields import Transform

RAW_FACTOR: Final = 64


def complete(
    turn: Turn, scope: Scope, step: Step, raw_output: Json, *, shaped_only: bool = False, as_given: bool = False
) -> None:
    """Shape and keep a step's output, set its variables, and take its transition (rule X4).

    :param raw_output: the task's result as a JSON object; of a region the aggregate
    :param shaped_only: merge the output into the working document only where ``output`` shaped it (rule X1)
    :param as_given: keep the result as it is: ``output`` was applied to it already
    :raises StepFailure: ``output`` or ``assign`` failed; the attempt has failed, nothing was kept
    """
    bound = turn.options.max_output_bytes
    kept = raw_output
    if step.output is not None and not as_given:
        kept = json_object(_shaped(turn, scope, step.output, raw_output), max_bytes=bound)
    elif shaped_only:
        kept = json_object(raw_output, max_bytes=bound)
    merged = kept if step.output is not None or not shaped_only else {}
    assigned = _assigned(turn, scope, step, kept, merged) if step.assign else {}
    record = scope.record(step.step_id)
    record.status, record.output, record.error = StepStatus.COMPLETED, kept, None
    record.completed_at = turn.timestamp
    scope.values.data.update(merged)
    scope.values.variables.update(assigned)
    if scope.key == ROOT:
        turn.state.data.update(turn.state.variables)
    if not shaped_only:
        regions.note_completed(turn, scope, step, kept)
    transitions.take_transition(turn, scope, step, kept)


def _shaped(turn: Turn, scope: Scope, transform: Transform, raw_output: Json) -> JsonValue:
    """Return what ``output`` makes of a task's result."""
    current = scope.activation
    bindings = bindings_of(scope, attempt=current.attempt, output=raw_output)
    return apply_transform(transform, names_in(scope), bindings, turn.occasion(scope, current), "output")


def _assigned(turn: Turn, scope: Scope, step: Step, kept: Json, merged: Json) -> Json:
    """Return the variables that a step assigns; their expressions see it as completed.

    :param kept: the step's output
    :param merged: what it adds to the working document
    """
    current, record = scope.activation, scope.record(step.step_id)
    bindings = bindings_of(scope, attempt=current.attempt, output=kept)
    names, occasion = names_in(scope), turn.occasion(scope, current)
    folded = {**record.public(), "status": "completed", "output": kept, "error": None, "completedAt": turn.timestamp}
    bindings["steps"] = {**bindings["steps"], step.step_id: folded}
    bindings["data"] = {**bindings["data"], **merged, **bindings["variables"]}
    assigned = {}
    for variable, transform in step.assign.items():
        value = apply_transform(transform, names, bindings, occasion, f"assign/{variable}")
        json_object(value, max_bytes=turn.options.max_output_bytes, what=f"variable {variable!r}")
        assigned[variable] = value
    return assigned


def start_attempt(turn: Turn, scope: Scope, runner: str, generation: int, trigger: Trigger = Trigger.BEGIN) -> None:
    """Turn the live activation into an attempt that a runner runs."""
    current = scope.activation
    current.move(trigger)
    current.attempt += 1
    timeout = timeout_of(turn.graph, current, None)
    current.runner, current.generation, current.started_at = runner, generation, turn.timestamp
    # What an expression says is computed with the input, where its failure is one of the attempt; what a task that is
    # selected says is known then.
    _let_time_run(turn.graph, current, turn.now, parse_duration(timeout) if isinstance(timeout, str) else None)
    current.retry_at = current.question = current.parked = None
    if not current.is_step:
        completion.compensation_started(turn, current)
        return
    known = scope.record(current.step_id)
    is_first = known.visit != current.visit
    scope.values.steps[current.step_id] = StepRecord(
        status=StepStatus.RUNNING,
        visit=current.visit,
        attempt=current.attempt,
        generation=generation,
        error=None if is_first else known.error,
        started_at=turn.timestamp if is_first else known.started_at,
        handling=known.handling,
    )


def mark_running(scope: Scope) -> None:
    """Make a live attempt that may have waited one that runs."""
    current = scope.activation
    current.move(Trigger.RESUME)
    if current.is_step:
        scope.record(current.step_id).status = StepStatus.RUNNING


def timeout_of(graph: Graph, current: Activation, selected: str | None) -> str | Transform | None:
    """Return how long an attempt of an activation may take, as the document says it; None for no limit.

    :param selected: the task that was selected for the attempt, of a step that can run one of several
    """
    step = graph.step(current.step_id)
    if current.is_step:
        return graph.timeout(step, selected)
    task = graph.tasks.get(completion.compensation_of(step).task_id)
    return None if task is None else task.timeout


def _let_time_run(graph: Graph, current: Activation, began: datetime, length: timedelta | None) -> None:
    """Let the time that an attempt may take begin; when it is over, the attempt fails or is reported (rule F3)."""
    due = None if length is None else timestamp(later(began, length))
    only_alerts = current.is_step and graph.step(current.step_id).on_timeout == "alert"
    current.deadline, current.alert_at = (None, due) if only_alerts else (due, None)
    current.overdue_since = None


def selected_in(scope: Scope) -> str | None:
    """Return the task that was selected for the live attempt of a list; None where none was (rule K5)."""
    current = scope.activation
    known = scope.values.steps.get(current.step_id) if current.is_step else None
    return known.task if known is not None and known.visit == current.visit else None


def _select_task(turn: Turn, scope: Scope) -> None:
    """Select the task of the live attempt, where the step can run one of several (rule K5).

    :raises StepFailure: the expression gives none of them
    """
    current = scope.activation
    choice = turn.graph.step(current.step_id).choice if current.is_step else None
    if choice is None or current.started_at is None:
        return
    bindings, began = bindings_of(scope, attempt=current.attempt), moment(current.started_at)
    selected = Computed.of(turn, scope, choice.select, bindings, "taskId/select", at=began)
    scope.record(current.step_id).task = selected.one_of(choice.one_of)


def _set_known_deadline(turn: Turn, scope: Scope) -> None:
    """Let the time that the live attempt may take be what an expression or the selected task says (rules F3, K5).

    :raises StepFailure: the expression gives no duration
    """
    current, selected = scope.activation, selected_in(scope)
    timeout = timeout_of(turn.graph, current, selected)
    if timeout is None or current.started_at is None or (isinstance(timeout, str) and selected is None):
        return
    began = moment(current.started_at)
    if isinstance(timeout, str):
        length = parse_duration(timeout)
    else:
        bindings = bindings_of(scope, attempt=current.attempt)
        length = Computed.of(turn, scope, timeout, bindings, "timeout", at=began).duration()
    _let_time_run(turn.graph, current, began, length)


def call_of(turn: Turn, scope: Scope) -> Call:
    """Return what the live attempt of a list runs with.

    :raises StepFailure: the input or the arguments cannot be computed
    """
    current = scope.activation
    step = turn.graph.step(current.step_id)
    # The same whenever the call of an attempt is computed: when the attempt began.
    began = moment(current.started_at) if current.started_at is not None else turn.now
    occasion = turn.occasion(scope, current, began)
    if current.is_step:
        bindings, names = bindings_of(scope, attempt=current.attempt), names_in(scope)
        task_id, transform, given, use = selected_in(scope) or step.task_name, step.input, step.arguments, "input"
    else:
        bindings, names = completion.compensation_bindings(scope, current)
        compensation = completion.compensation_of(step)
        task_id, transform, given, use = compensation.task_id, compensation.input, None, "compensation/input"
    value = bindings["data"]
    if transform is not None:
        value = apply_transform(transform, names, bindings, occasion, use)
        value = {} if value is None else value
    return Call(
        scope=scope.key,
        step_id=step.step_id,
        kind=current.kind,
        task_id=task_id,
        visit=current.visit,
        attempt=current.attempt,
        input=value,
        arguments=cast("Json", resolve_arguments(given or {}, names, bindings, occasion, "arguments")),
        bindings=bindings,
        idempotency_key=turn.idempotency_key(scope.key, step.step_id, current.visit),
        deadline=None if current.deadline is None else moment(current.deadline),
        began=began,
    )


def prepare(turn: Turn, scope: Scope) -> Call:
    """Return what the attempt that was just begun runs with, and log its start.

    :raises StepFailure: the task, the timeout, the input or the arguments cannot be computed, or do not fit the task
    """
    try:
        _select_task(turn, scope)
        _set_known_deadline(turn, scope)
        call = call_of(turn, scope)
    except StepFailure:
        _log_start(turn, scope, None)
        raise
    _log_start(turn, scope, call)
    task = turn.graph.tasks.get(call.task_id)
    if task is not None and task.input_schema:
        check_against(task.input_schema, call.input, f"input of task {call.task_id!r}")
    return call


def _log_start(turn: Turn, scope: Scope, call: Call | None) -> None:
    current = scope.activation
    name, is_first = (
        (LogEvent.STEP_STARTED, current.attempt == 1) if current.is_step else (LogEvent.COMPENSATION_STARTED, True)
    )
    selected = selected_in(scope)
    data = {"input": call.input, "idempotencyKey": call.idempotency_key} if call is not None else {}
    if selected is not None:
        data["task"] = selected
    turn.log.step("info" if is_first else "debug", name, turn.now, scope.key, current, data=data)
    if call is not None and call.arguments:
        turn.log.step(
            "debug", LogEvent.STEP_ARGUMENTS, turn.now, scope.key, current, data={"arguments": call.arguments}
        )


def task_done(turn: Turn, scope: Scope, raw: JsonValue, *, kept: bool = False) -> None:
    """Keep a task's result, and end the step or start its branches or items.

    :param kept: whether the result is what the step keeps, its ``output`` applied already
    """
    step = turn.graph.step(scope.activation.step_id)
    try:
        task = turn.graph.task_of(step, selected_in(scope))
        is_region = turn.graph.is_region(step)
        shaped = step.output is not None and not is_region and not kept
        # What `output` shapes is measured after it did; this bound only keeps memory bounded.
        bound = RAW_FACTOR * turn.options.max_output_bytes if shaped else turn.options.max_output_bytes
        result = json_object(raw, max_bytes=bound)
        if task is not None and task.output_schema and not kept:
            check_against(task.output_schema, result, f"output of task {task.task_id!r}", output=True)
        if is_region:
            regions.fork(turn, scope, step, result)
        else:
            complete(turn, scope, step, result, as_given=kept)
    except StepFailure as exc:
        attempt_failed(turn, scope, Failure.from_exception(exc))


def region_done(turn: Turn, scope: Scope) -> None:
    """End a step whose branches or items have all ended (rules P1, P4)."""
    step = turn.graph.step(scope.activation.step_id)
    before = dict(scope.values.data), dict(scope.values.variables)
    try:
        complete(turn, scope, step, regions.merge(turn, scope, step), shaped_only=True)
    except StepFailure as exc:
        # A region that failed merges nothing (rule X1).
        scope.values.data, scope.values.variables = before
        attempt_failed(turn, scope, Failure.from_exception(exc))


def expire_attempt(turn: Turn, scope: Scope) -> None:
    """Fail the live attempt of a list, and what runs inside it, because its time is over."""
    limit = _limit_of(turn.graph, scope.activation, selected_in(scope))
    regions.cancel_live(turn, scope, keep=True)
    attempt_failed(turn, scope, Failure(ErrorType.TIMEOUT_ERROR, f"The attempt did not end within {limit}"))


def _limit_of(graph: Graph, current: Activation, selected: str | None) -> str:
    """Return how long the live attempt might take, as a message says it."""
    timeout = timeout_of(graph, current, selected)
    if isinstance(timeout, str) or current.deadline is None or current.started_at is None:
        return str(timeout)
    return duration_text(moment(current.deadline) - moment(current.started_at))


def attempt_failed(turn: Turn, scope: Scope, failure: Failure) -> None:
    """Retry, route or give up on the live activation of a list."""
    current = scope.activation
    if not current.is_step:
        completion.compensation_failed(turn, scope, failure)
        return
    step = turn.graph.step(current.step_id)
    failure = failure.while_handling(scope.error)
    error = turn.error(failure, step.step_id, current.attempt)
    delay = _retry_delay(turn, scope, step, failure)
    if delay is None:
        _step_failed(turn, scope, step, failure, error)
        return
    is_region = turn.graph.is_region(step)
    refused = turn.loop_limit(scope, step.step_id) if is_region else None
    if refused is not None:
        _note_failed(turn, scope, error)
        turn.log.step(
            "error", LogEvent.STEP_FAILED, turn.now, scope.key, current, data={"error": error, "output": None}
        )
        refused = refused.while_handling(scope.error)
        transitions.unhandled(turn, scope, step, refused, turn.error(refused, step.step_id))
        return
    data: Json = {"error": error, "delay": delay.total_seconds()}
    turn.log.step("info", LogEvent.STEP_RETRYING, turn.now, scope.key, current, data=data)
    scope.record(step.step_id).error = error
    if is_region:
        regions.drop_children(turn.state, current)
        again = turn.activate(scope, step.step_id)
        again.attempt, again.counts = current.attempt, current.counts
    turn.retry_later(scope, delay, error)


def failed_for_good(turn: Turn, scope: Scope, failure: Failure) -> None:
    """Route or give up on the live step of a list without another attempt."""
    current = scope.activation
    step = turn.graph.step(current.step_id)
    failure = failure.while_handling(scope.error)
    _step_failed(turn, scope, step, failure, turn.error(failure, step.step_id, current.attempt))


def _retry_delay(turn: Turn, scope: Scope, step: Step, failure: Failure) -> timedelta | None:
    policies = turn.graph.retry_policies(step, turn.options.default_retry, selected=selected_in(scope))
    return turn.next_delay(scope, policies, failure)


def _step_failed(turn: Turn, scope: Scope, step: Step, failure: Failure, error: Json) -> None:
    _note_failed(turn, scope, error)
    transitions.route(turn, scope, step, failure, error, in_transition=False)


def _note_failed(turn: Turn, scope: Scope, error: Json) -> None:
    record = scope.record(scope.activation.step_id)
    record.status, record.output, record.error = StepStatus.FAILED, None, error
    record.completed_at = turn.timestamp
