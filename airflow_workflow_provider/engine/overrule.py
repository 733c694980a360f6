"""What people and Airflow decide over the machine's head: mark as success, give up, end the whole run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_workflow_provider.engine import attempts, closing, regions, transitions
from airflow_workflow_provider.engine.calls import Decision
from airflow_workflow_provider.engine.failure import CANCELLED, Failure, timestamp
from airflow_workflow_provider.engine.rerun import reopen
from airflow_workflow_provider.engine.state import ROOT

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_workflow_provider.engine.machine import Machine

BY_HAND = "(by hand)"
"""The runner of an attempt that a person ended."""


def override(machine: Machine, key: str, step_id: str, now: datetime, *, whole: bool = False) -> Decision:
    """Count a step as done with an empty output, because a person marked its task as success.

    ``output`` and ``assign`` are left out, since there is no result that they could read. A step with branches goes
    on with its branches; one whose branches or items run inside one task is done as a whole.

    :param key: the step's list: the top level or a branch
    :param whole: the step's branches count as done too
    :returns: what follows; ``ignored`` where the step never started or is done already
    """
    scope = machine.scope(key) if key in machine.state["scopes"] else None
    record = scope.values["steps"].get(step_id) if scope is not None else None
    current = scope.control["current"] if scope is not None and scope.is_running and not machine.is_over else None
    is_live = current is not None and current["stepId"] == step_id and current["kind"] == "step"
    if scope is None or (not is_live and (record is None or record["status"] == "completed")):
        return Decision("ignored")
    if is_live:
        regions.cancel_live(machine, scope, now, keep=True)
    else:
        reopen(machine, key, step_id, now)
        scope = machine.scope(key)
    generation = record["generation"] if record is not None else 0
    attempts.start_attempt(machine, scope, BY_HAND, now, generation)
    machine.log.step("info", "step.markedSuccess", now, key, scope.control["current"])
    step = machine.graph.step(step_id)
    if machine.graph.is_region(step) and not machine.graph.must_run_inline(step) and not whole:
        decision = regions.fork(machine, scope, step, {}, now)
    else:
        scope.record(step_id).update(status="completed", output={}, error=None, completedAt=timestamp(now))
        closing.note_completed(machine, scope, step, {})
        decision = transitions.take_transition(machine, scope, step, {}, now)
    machine.refresh()
    return decision


def give_up(machine: Machine, key: str, step_id: str, failure: Failure, now: datetime) -> Decision:
    """Fail the live attempt of a step, or what was to become one, for good: nobody will run it any more.

    :returns: what follows; ``ignored`` where the step is not live
    """
    scope = machine.scope(key) if key in machine.state["scopes"] else None
    if scope is None or machine.is_over or not scope.is_running or scope.current is None:
        return Decision("ignored")
    if scope.current["stepId"] != step_id or scope.current["kind"] != "step":
        return Decision("ignored")
    regions.cancel_live(machine, scope, now, keep=True)
    if scope.current["phase"] in ("pending", "retrying"):
        attempts.start_attempt(machine, scope, BY_HAND, now, scope.current["generation"])
    decision = attempts.failed_for_good(machine, scope, failure, now)
    machine.refresh()
    return decision


def abandon(machine: Machine, key: str, failure: Failure, now: datetime) -> None:
    """Fail a running step list as a whole, because nobody will run what is live in it any more."""
    scope = machine.scope(key)
    if machine.is_over or not scope.is_running:
        return
    if key == ROOT:
        machine.fail_instance(failure, now)
        return
    regions.cancel_live(machine, scope, now)
    failure = failure.while_handling(scope.error)
    transitions.fail_list(machine, scope, failure, failure.error_object(None, None, timestamp(now)), now)
    machine.refresh()


def agree_failed(machine: Machine, failure: Failure, now: datetime) -> bool:
    """End an instance as failed because its DAG run has failed; no handler runs any more.

    :returns: whether anything changed
    """
    if machine.status == "failed":
        return False
    root = machine.scope(ROOT)
    error = failure.error_object(machine.current_step_id, None, timestamp(now))
    if not machine.is_over:
        regions.cancel_live(machine, root, now)
        root.control.update(status="failed", current=None)
    machine.state.update(status="failed", error=error, output=None)
    machine.refresh()
    machine.log.add("error", "instance.failed", now, data={"error": error})
    return True


def cancel(machine: Machine, message: str, now: datetime) -> bool:
    """End an instance as cancelled (rule I1): live steps fail with Cancelled, no handler and no compensation runs.

    :param message: who or what cancelled it, for the error object
    :returns: whether it was still running; one that has ended is left as it is
    """
    return not machine.is_over and agree_failed(machine, Failure(CANCELLED, message), now)


def cancel_compensating(machine: Machine, message: str, now: datetime) -> list[str]:
    """Stop an instance like :func:`cancel`, but let the compensations run before it ends (rule F7).

    :param message: who cancelled it, for the error object
    :returns: the steps that were stopped
    """
    stopped = [current["stepId"] for _, current in machine.live() if current["phase"] != "region"]
    failure, root = Failure(CANCELLED, message), machine.scope(ROOT)
    error = failure.error_object(machine.current_step_id, None, timestamp(now))
    machine.state.pop("suspension", None)
    regions.cancel_live(machine, root, now)
    closing.compensate(machine, root, failure, error, now)
    machine.refresh()
    return stopped


def agree_completed(machine: Machine, now: datetime) -> bool:
    """End an instance as completed because its DAG run has succeeded.

    The output is that of the last step that completed at top level.

    :returns: whether anything changed
    """
    if machine.status == "completed":
        return False
    root = machine.scope(ROOT)
    if not machine.is_over:
        regions.cancel_live(machine, root, now)
    root.control.update(status="completed", current=None)
    last = machine.state["steps"].get(root.control["last"]) or {}
    output = last.get("output") or {}
    machine.state.update(status="completed", error=None, output=output)
    machine.refresh()
    machine.log.add("error", "instance.completed", now, data={"output": output})
    return True
