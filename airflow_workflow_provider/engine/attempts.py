"""One attempt of a step: how it starts, what it runs with, and what its end leads to (rules X4, X5, F2, F3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.engine import closing, regions, transitions
from airflow_workflow_provider.engine.bindings import (
    apply_transform,
    bindings_of,
    names_in,
    public_record,
    resolve_arguments,
)
from airflow_workflow_provider.engine.calls import Call, Decision
from airflow_workflow_provider.engine.failure import TIMEOUT_ERROR, Failure, later, moment, next_delay, timestamp
from airflow_workflow_provider.engine.schemas import check_against
from airflow_workflow_provider.engine.state import ROOT, Json, Scope
from airflow_workflow_provider.engine.values import json_object
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.durations import parse_duration

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from airflow_workflow_provider.engine.machine import Machine
    from airflow_workflow_provider.model.definition import Step

RAW_FACTOR: Final = 64


def complete(
    machine: Machine, scope: Scope, step: Step, raw_output: Json, now: datetime, *, shaped_only: bool = False
) -> Decision:
    """Shape and keep a step's output, set its variables, and take its transition (rule X4).

    :param raw_output: the task's result as a JSON object; of a region the aggregate
    :param shaped_only: merge the output into the working document only where ``output`` shaped it (rule X1)
    :raises StepFailure: ``output`` or ``assign`` failed; the attempt has failed, nothing was kept
    """
    current = scope.control["current"]
    bindings = bindings_of(scope, attempt=current["attempt"], output=raw_output)
    names, occasion = names_in(scope), machine.occasion(scope, current, now)
    kept = raw_output
    if step.output is not None:
        shaped = apply_transform(step.output, names, bindings, occasion, "output")
        kept = json_object(shaped, max_bytes=machine.options.max_output_bytes)
    elif shaped_only:
        kept = json_object(raw_output, max_bytes=machine.options.max_output_bytes)
    merged = kept if step.output is not None or not shaped_only else {}
    folded = {**scope.record(step.step_id), "status": "completed", "output": kept, "completedAt": timestamp(now)}
    folded["error"] = None
    bindings.update(
        output=kept,
        steps={**bindings["steps"], step.step_id: public_record(folded)},
        data={**bindings["data"], **merged, **bindings["variables"]},
    )
    assigned = {}
    for variable, transform in step.assign.items():
        value = apply_transform(transform, names, bindings, occasion, f"assign/{variable}")
        json_object(value, max_bytes=machine.options.max_output_bytes, what=f"variable {variable!r}")
        assigned[variable] = value
    scope.record(step.step_id).update(folded)
    scope.values["data"].update(merged)
    scope.values["variables"].update(assigned)
    if scope.key == ROOT:
        machine.state["data"].update(machine.state["variables"])
    if not shaped_only:
        closing.note_completed(machine, scope, step, kept)
    return transitions.take_transition(machine, scope, step, kept, now)


def start_attempt(machine: Machine, scope: Scope, runner: str, now: datetime, generation: int) -> None:
    """Make the live activation an attempt that a runner runs."""
    current = scope.control["current"]
    current["attempt"] += 1
    deadline = None
    timeout = timeout_of(machine, current)
    if timeout is not None:
        deadline = timestamp(later(now, parse_duration(timeout)))
    current.update(
        phase="running",
        runner=runner,
        generation=generation,
        startedAt=timestamp(now),
        deadline=deadline,
        retryAt=None,
        question=None,
    )
    if current["kind"] == "compensation":
        closing.compensation_started(machine, current)
        return
    record = scope.record(current["stepId"])
    first = record.get("visit") != current["visit"]
    record.update(
        status="running",
        output=None,
        error=None if first else record["error"],
        startedAt=timestamp(now) if first else record["startedAt"],
        completedAt=None,
        visit=current["visit"],
        attempt=current["attempt"],
        next=None,
        generation=generation,
        region=None,
    )


def go_on(scope: Scope) -> None:
    """Make a live attempt that may have waited one that runs."""
    current = scope.control["current"]
    current["phase"] = "running"
    if current["kind"] == "step":
        scope.record(current["stepId"])["status"] = "running"


def timeout_of(machine: Machine, current: Json) -> str | None:
    """Return how long an attempt of an activation may take, as the document says it; None for no limit."""
    step = machine.graph.step(current["stepId"])
    if current["kind"] == "compensation":
        task = machine.graph.tasks.get(closing.compensation_of(step).task_id)
        return None if task is None else task.timeout
    return machine.graph.timeout(step)


def call_of(machine: Machine, scope: Scope, current: Json) -> Call:
    """Return what the live attempt of a list runs with.

    :raises StepFailure: the input or the arguments cannot be computed
    """
    step = machine.graph.step(current["stepId"])
    # The same whenever the call of an attempt is computed: when the attempt began.
    began, deadline = moment(current["startedAt"]), current["deadline"]
    occasion = machine.occasion(scope, current, began)
    if current["kind"] == "compensation":
        bindings, names = closing.compensation_bindings(scope, current)
        compensation = closing.compensation_of(step)
        task_id, transform, given, use = compensation.task_id, compensation.input, None, "compensation/input"
    else:
        bindings, names = bindings_of(scope, attempt=current["attempt"]), names_in(scope)
        task_id, transform, given, use = step.task_id, step.input, step.arguments, "input"
    value = bindings["data"]
    if transform is not None:
        value = apply_transform(transform, names, bindings, occasion, use)
        value = {} if value is None else value
    return Call(
        scope=scope.key,
        step_id=step.step_id,
        kind=current["kind"],
        task_id=task_id,
        visit=current["visit"],
        attempt=current["attempt"],
        input=value,
        arguments=resolve_arguments(given or {}, names, bindings, occasion, "arguments"),
        bindings=bindings,
        idempotency_key=machine.idempotency_key(scope.key, step.step_id, current["visit"]),
        deadline=None if deadline is None else moment(deadline),
        began=began,
    )


def log_start(machine: Machine, scope: Scope, current: Json, now: datetime, call: Call | None) -> None:
    """Tell the log that an attempt has begun."""
    if current["kind"] == "compensation":
        name, first = "compensation.started", True
    else:
        name, first = "step.started", current["attempt"] == 1
    data = {"input": call.input, "idempotencyKey": call.idempotency_key} if call is not None else {}
    machine.log.step("info" if first else "debug", name, now, scope.key, current, data=data)
    if call is not None and call.arguments:
        machine.log.step("debug", "step.arguments", now, scope.key, current, data={"arguments": call.arguments})


def task_done(machine: Machine, scope: Scope, step: Step, raw: Any, now: datetime) -> Decision:
    """Keep a task's result, and end the step or start its branches or items."""
    try:
        task = machine.graph.tasks.get(step.task_id)
        is_region = machine.graph.is_region(step)
        shaped = step.output is not None and not is_region
        # What `output` shapes is measured after it did; this bound only keeps memory bounded.
        bound = RAW_FACTOR * machine.options.max_output_bytes if shaped else machine.options.max_output_bytes
        result = json_object(raw, max_bytes=bound)
        if task is not None and task.output_schema:
            check_against(task.output_schema, result, f"output of task {step.task_id!r}", output=True)
        if not is_region:
            return complete(machine, scope, step, result, now)
        return regions.fork(machine, scope, step, result, now)
    except StepFailure as exc:
        return attempt_failed(machine, scope, Failure.from_exception(exc), now)


def expire_attempt(machine: Machine, scope: Scope, current: Json, now: datetime) -> None:
    """Fail the live attempt of a list, and what runs inside it, because its time is over."""
    regions.cancel_live(machine, scope, now, keep=True)
    attempt_failed(
        machine, scope, Failure(TIMEOUT_ERROR, f"The attempt did not end within {timeout_of(machine, current)}"), now
    )


def attempt_failed(machine: Machine, scope: Scope, failure: Failure, now: datetime) -> Decision:
    """Retry, route or give up on the live activation of a list."""
    current = scope.control["current"]
    if current["kind"] == "compensation":
        return closing.compensation_failed(machine, scope, failure, now)
    step = machine.graph.step(current["stepId"])
    failure = failure.while_handling(scope.error)
    error = failure.error_object(step.step_id, current["attempt"], timestamp(now))
    delay = _retry_delay(machine, scope, step, current, failure)
    if delay is None:
        return _step_failed(machine, scope, step, failure, error, now)
    refused = machine.loop_limit(scope, step.step_id) if machine.graph.is_region(step) else None
    if refused is not None:
        scope.record(step.step_id).update(status="failed", output=None, error=error, completedAt=timestamp(now))
        machine.log.step("error", "step.failed", now, scope.key, current, data={"error": error, "output": None})
        refused = refused.while_handling(scope.error)
        refusal = refused.error_object(step.step_id, None, timestamp(now))
        return transitions.unhandled(machine, scope, step, refused, refusal, now)
    machine.log.step(
        "info", "step.retrying", now, scope.key, current, data={"error": error, "delay": delay.total_seconds()}
    )
    scope.record(step.step_id)["error"] = error
    if machine.graph.is_region(step):
        regions.drop_children(machine, scope)
        machine.activate(scope, step.step_id, now, attempt=current["attempt"], again=current)
        current = scope.control["current"]
    current.update(phase="retrying", runner=None, deadline=None, retryAt=timestamp(later(now, delay)))
    return Decision("retry", delay=delay, error=error)


def failed_for_good(machine: Machine, scope: Scope, failure: Failure, now: datetime) -> Decision:
    """Route or give up on the live step of a list without another attempt."""
    current = scope.control["current"]
    failure = failure.while_handling(scope.error)
    error = failure.error_object(current["stepId"], current["attempt"], timestamp(now))
    return _step_failed(machine, scope, machine.graph.step(current["stepId"]), failure, error, now)


def _retry_delay(machine: Machine, scope: Scope, step: Step, current: Json, failure: Failure) -> timedelta | None:
    policies = machine.graph.retry_policies(step, machine.options.default_retry)
    if len(current["counts"]) != len(policies):
        current["counts"] = [0] * len(policies)
    return next_delay(policies, failure, current["counts"], machine.rng(scope, current))


def _step_failed(machine: Machine, scope: Scope, step: Step, failure: Failure, error: Json, now: datetime) -> Decision:
    record = scope.record(step.step_id)
    record.update(status="failed", output=None, error=error, completedAt=timestamp(now))
    return transitions.route(machine, scope, step, failure, error, now, in_transition=False)
