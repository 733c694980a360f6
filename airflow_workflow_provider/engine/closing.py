"""How an instance ends: its result, the workflow's ``onFailure`` and compensation (rules X4, F7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_workflow_provider.engine import regions
from airflow_workflow_provider.engine.bindings import Occasion, apply_transform, bindings_of, names_in
from airflow_workflow_provider.engine.calls import Decision
from airflow_workflow_provider.engine.failure import WORKER_LOST, WORKFLOW_FAILED, Failure, later, next_delay, timestamp
from airflow_workflow_provider.engine.graph import ON_FAILURE
from airflow_workflow_provider.engine.state import ROOT, Json, Scope
from airflow_workflow_provider.engine.values import json_object
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.definition import END, FAIL, Compensation, Step, WorkflowOnFailure

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_workflow_provider.engine.machine import Machine


def path_ended(machine: Machine, root: Scope, now: datetime) -> None:
    """End the instance whose top-level path has ended."""
    handled = machine.state["failure"]
    if handled is not None and handled["action"] != "continue":
        _end_failed(machine, handled["error"], now)
        return
    try:
        output = _result(machine, root, now)
    except StepFailure as exc:
        failure = Failure.from_exception(exc)
        instance_failed(machine, root, failure, failure.error_object(None, None, timestamp(now)), now)
        return
    machine.state.update(status="completed", output=output, error=None)
    machine.log.add("error", "instance.completed", now, data={"output": output})


def instance_failed(machine: Machine, root: Scope, failure: Failure, error: Json, now: datetime) -> None:
    """Hand a failure of the top-level list to the workflow's ``onFailure``, or end the instance with it."""
    handled = machine.state["failure"]
    handler = machine.graph.definition.on_failure
    if handled is not None:
        first = handled["error"]
        _end_failed(machine, {**first, "details": {**first["details"], "handlerError": error}}, now)
        return
    if handler is None:
        _end_failed(machine, error, now)
        return
    handled = _handled(machine, failure, error)
    handled.update(action=handler.action, target=_target(handler, failure))
    if not handler.compensate:
        handled.update(compensate=False, queue=[])
    _begin_on_failure(machine, root, handled, now)


def compensate(machine: Machine, root: Scope, failure: Failure, error: Json, now: datetime) -> None:
    """Let only the compensations run, because somebody cancelled the instance, and then end it with the failure."""
    _begin_on_failure(machine, root, {**_handled(machine, failure, error), "cancelled": True}, now)


def _handled(machine: Machine, failure: Failure, error: Json) -> Json:
    return {
        "error": error,
        "failure": failure.to_json(),
        "action": "stop",
        "target": None,
        "next": None,
        "compensate": True,
        "queue": list(range(len(machine.state["completed"]))),
        "compensated": [],
    }


def _begin_on_failure(machine: Machine, root: Scope, handled: Json, now: datetime) -> None:
    machine.state["failure"] = handled
    root.control.update(status="running", current=None, error=handled["error"])
    machine.log.add("error", "instance.onFailure", now, data={"error": handled["error"]})
    _next_compensation(machine, root, now)


def note_completed(machine: Machine, scope: Scope, step: Step, output: Json) -> None:
    """Note a visit whose own task was done, for compensation (rule F7)."""
    if step.compensation is None:
        return
    current = scope.control["current"]
    machine.state["completed"].append(
        {
            "scope": scope.key,
            "stepId": step.step_id,
            "visit": current["visit"],
            "names": scope.names,
            "output": output,
        }
    )


def compensation_of(step: Step) -> Compensation:
    """Return the compensation of a step that has one."""
    if step.compensation is None:
        msg = f"step {step.step_id!r} has no compensation"
        raise AssertionError(msg)
    return step.compensation


def compensation_bindings(root: Scope, current: Json) -> tuple[Json, frozenset[str]]:
    """Return what the input of a compensation sees: the instance as it failed, ``output`` = what the visit kept."""
    entry = current["entry"]
    bindings = {**entry["names"], **bindings_of(root, attempt=current["attempt"], output=entry["output"])}
    bindings["data"] = {**bindings["data"], **entry["output"]}
    return bindings, names_in(root) | frozenset(entry["names"])


def compensation_started(machine: Machine, current: Json) -> None:
    """Record that a compensation has begun."""
    compensated = machine.state["failure"]["compensated"]
    if current["attempt"] == 1:
        compensated.append({"stepId": current["stepId"], "visit": current["visit"], "status": "running"})


def compensated(machine: Machine, root: Scope, now: datetime) -> Decision:
    """Record that a compensation was done, and go on with the next."""
    current = root.control["current"]
    machine.state["failure"]["compensated"][-1]["status"] = "completed"
    machine.log.step("info", "compensation.completed", now, root.key, current)
    return _leave_compensation(machine, root, "completed", None, now)


def compensation_failed(machine: Machine, root: Scope, failure: Failure, now: datetime) -> Decision:
    """Retry a compensation by its task's policy; when that is exhausted, record it and go on with the rest."""

    current = root.control["current"]
    task = machine.graph.tasks.get(compensation_of(machine.graph.step(current["stepId"])).task_id)
    policies = task.retry_policies if task is not None else ()
    if not policies and failure.is_built_in(WORKER_LOST):
        # It may have been done or not: only another attempt makes it "at least once".
        policies = (machine.options.default_retry,)
    if len(current["counts"]) != len(policies):
        current["counts"] = [0] * len(policies)
    error = failure.while_handling(machine.state["failure"]["error"]).error_object(
        current["stepId"], current["attempt"], timestamp(now)
    )
    delay = next_delay(policies, failure, current["counts"], machine.rng(root, current))
    if delay is not None:
        current.update(phase="retrying", runner=None, deadline=None, retryAt=timestamp(later(now, delay)))
        data: Json = {"error": error, "delay": delay.total_seconds()}
        machine.log.step("info", "compensation.retrying", now, root.key, current, data=data)
        return Decision("retry", delay=delay, error=error)
    machine.state["failure"]["compensated"][-1].update(status="failed", error=error)
    machine.log.step("error", "compensation.failed", now, root.key, current, data={"error": error})
    return _leave_compensation(machine, root, "failed", error, now)


def _leave_compensation(machine: Machine, root: Scope, status: str, error: Json | None, now: datetime) -> Decision:

    root.control["current"] = None
    _next_compensation(machine, root, now)
    return Decision(status, next=machine.state["failure"]["next"] or ON_FAILURE, error=error)


def _next_compensation(machine: Machine, root: Scope, now: datetime) -> None:
    """Activate the newest visit that is not compensated yet, else run the handler."""
    handled = machine.state["failure"]
    if not handled["queue"]:
        _run_handler(machine, root, handled, now)
        return
    entry = machine.state["completed"][handled["queue"].pop()]
    current = machine.new_activation(entry["stepId"], entry["visit"], "compensation")
    current["entry"] = entry
    root.control["current"] = current


def _run_handler(machine: Machine, root: Scope, handled: Json, now: datetime) -> None:
    target = handled["target"]
    if target == FAIL:
        failure = Failure(WORKFLOW_FAILED, f"The workflow's onFailure chose {FAIL!r}")
        handled["next"] = FAIL
        instance_failed(machine, root, failure, failure.error_object(None, None, timestamp(now)), now)
    elif target in (None, END):
        root.control["status"] = "completed"
        path_ended(machine, root, now)
        handled["next"] = END if machine.status == "completed" else FAIL
    else:
        handled["next"] = target
        if not machine.activate(root, target, now):
            handled["next"] = FAIL


def _target(handler: WorkflowOnFailure, failure: Failure) -> str | None:
    for condition in handler.conditions:
        if failure.matches(condition.error_type, condition.error_code):
            return condition.next_step_id
    return handler.next_step_id


def _result(machine: Machine, root: Scope, now: datetime) -> Json:
    """Return the instance's output (rule X4).

    :raises StepFailure: the workflow's ``output`` could not be evaluated or kept
    """
    last = machine.state["steps"].get(root.control["last"]) or {}
    output: Json = last.get("output") or {}
    transform = machine.graph.definition.output
    if transform is None:
        return output
    occasion = Occasion(machine.state["instance"]["id"], "workflow", "1", now)
    value: Any = apply_transform(transform, names_in(root), bindings_of(root, output=output), occasion, "output")
    return json_object(value, max_bytes=machine.options.max_output_bytes, what="workflow's output")


def _end_failed(machine: Machine, error: Json, now: datetime) -> None:
    handled = machine.state["failure"]
    if handled is not None and handled["compensate"]:
        listed = [{key: entry[key] for key in ("stepId", "visit", "status")} for entry in handled["compensated"]]
        error = {**error, "details": {**error["details"], "compensated": listed}}
    regions.cancel_live(machine, machine.scope(ROOT), now)
    machine.scope(ROOT).control["current"] = None
    machine.state.update(status="failed", error=error, output=None)
    machine.log.add("error", "instance.failed", now, data={"error": error})
