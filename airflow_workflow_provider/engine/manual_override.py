"""Manual changes in Airflow that override the machine: mark as success, give up, end the whole run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.engine import attempts, completion, regions, timing, transitions
from airflow_workflow_provider.engine.calls import Decision, decided
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.keys import ROOT
from airflow_workflow_provider.engine.phases import InstanceStatus, ListStatus, Phase, StepStatus, Trigger
from airflow_workflow_provider.engine.rerun import reopen
from airflow_workflow_provider.vocabulary import ErrorType, LogEvent

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_workflow_provider.engine.machine import Machine

MANUAL_RUNNER: Final = "(by hand)"
"""The runner of an attempt that a person ended."""


def override(machine: Machine, key: str, step_id: str, now: datetime, *, whole: bool = False) -> Decision:
    """Count a step as done with an empty output, because a user marked its task as success.

    ``output`` and ``assign`` are not applied, since there is no result that they could read. A step with branches
    continues with its branches; one whose branches or items run inside one task is done as a whole.

    :param key: the step's list: the top level or a branch
    :param whole: the step's branches count as done too
    :returns: what follows; ``ignored`` where the step never started or is done already
    """
    known = machine.state.record(key, step_id)
    live = machine.state.live_step(key, step_id)
    is_live = live is not None and live.is_step
    if not is_live and (known is None or known.status is StepStatus.COMPLETED):
        return Decision("ignored")
    step = machine.graph.step(step_id)
    generation = known.generation if known is not None else 0
    with machine.turn(now) as turn:
        if is_live:
            regions.cancel_live(turn, turn.scope(key), keep=True)
        else:
            reopen(turn, key, step_id)
        scope = turn.scope(key)
        attempts.start_attempt(turn, scope, MANUAL_RUNNER, generation, Trigger.TAKE_OVER)
        turn.log.step("info", LogEvent.STEP_MARKED_SUCCESS, now, key, scope.activation)
        record = scope.record(step_id)
        if machine.graph.is_region(step) and not machine.graph.must_run_inline(step) and not whole:
            regions.fork(turn, scope, step, {})
        else:
            record.status, record.output, record.error = StepStatus.COMPLETED, {}, None
            record.completed_at = turn.timestamp
            regions.note_completed(turn, scope, step, {})
            transitions.take_transition(turn, scope, step, {})
    return decided(record)


def mark_failed(machine: Machine, key: str, step_id: str, failure: Failure, now: datetime) -> Decision:
    """Fail a step for good because Airflow counts its task as failed: a person has marked it, or Airflow gave it up.

    A step whose result is stored has failed as well, as long as nothing behind it has begun: Airflow does not start
    that after a failed task. Its work is done all the same, and is compensated.

    :returns: what follows; ``ignored`` where the step has not begun, failed already, or the path has left it behind
    """
    live = machine.state.live_step(key, step_id)
    if live is not None and live.is_step:
        return Decision("ignored") if live.phase is Phase.REGION else give_up(machine, key, step_id, failure, now)
    if not _is_last(machine, key, step_id):
        return Decision("ignored")
    generation = machine.scope(key).record(step_id).generation
    with machine.turn(now) as turn:
        reopen(turn, key, step_id)
        scope = turn.scope(key)
        attempts.start_attempt(turn, scope, MANUAL_RUNNER, generation, Trigger.TAKE_OVER)
        record = scope.record(step_id)
        attempts.failed_for_good(turn, scope, failure)
    return decided(record)


def _is_last(machine: Machine, key: str, step_id: str) -> bool:
    """Return whether a step was the last one of its list that completed, and nothing behind it has begun."""
    scope = machine.find_scope(key)
    record = scope.values.steps.get(step_id) if scope is not None else None
    if scope is None or record is None or record.status is not StepStatus.COMPLETED or scope.control.last != step_id:
        return False
    if machine.status == "failed" or scope.control.status in (ListStatus.FAILED, ListStatus.CANCELLED):
        return False
    following = scope.control.current
    if following is not None and (not following.is_step or following.attempt or following.phase is not Phase.PENDING):
        return False
    parent = scope.parent
    if parent is None:
        return machine.state.failure is None or record.handling
    current = parent.current
    owner = key[len(parent.key) :].lstrip("/").split("/")[0]
    return current is not None and current.step_id == owner and current.phase is Phase.REGION


def give_up(machine: Machine, key: str, step_id: str, failure: Failure, now: datetime) -> Decision:
    """Fail the live attempt of a step, or what was to become one, for good: nobody will run it any more.

    :returns: what follows; ``ignored`` where the step is not live
    """
    live = machine.state.live_step(key, step_id)
    if live is None or not live.is_step:
        return Decision("ignored")
    with machine.turn(now) as turn:
        scope = turn.scope(key)
        regions.cancel_live(turn, scope, keep=True)
        if live.phase in (Phase.PENDING, Phase.RETRYING):
            attempts.start_attempt(turn, scope, MANUAL_RUNNER, live.generation, Trigger.TAKE_OVER)
        record = scope.record(step_id)
        attempts.failed_for_good(turn, scope, failure)
    return decided(record)


def abandon(machine: Machine, key: str, failure: Failure, now: datetime) -> None:
    """Fail a running step list as a whole, because nobody will run what is live in it any more."""
    if machine.is_over or not machine.scope(key).is_running:
        return
    with machine.turn(now) as turn:
        if key == ROOT:
            timing.fail_instance(turn, failure)
            return
        scope = turn.scope(key)
        regions.cancel_live(turn, scope)
        failure = failure.while_handling(scope.error)
        transitions.fail_list(turn, scope, failure, turn.error(failure, None))


def agree_failed(machine: Machine, failure: Failure, now: datetime) -> bool:
    """End an instance as failed because its DAG run has failed; no handler runs any more.

    :returns: whether anything changed
    """
    state = machine.state
    if state.status is InstanceStatus.FAILED:
        return False
    with machine.turn(now) as turn:
        error = turn.error(failure, state.current_step_id)
        if not state.is_over:
            completion.abandon_compensations(turn)
            regions.cancel_live(turn, turn.root)
            state.root.status, state.root.current = ListStatus.FAILED, None
        state.status, state.error, state.output = InstanceStatus.FAILED, error, None
    turn.log.add("error", LogEvent.INSTANCE_FAILED, now, data={"error": error})
    completion.note_owed(turn)
    return True


def cancel(machine: Machine, message: str, now: datetime) -> bool:
    """End an instance as cancelled (rule I1): live steps fail with Cancelled, no handler and no compensation runs.

    :param message: who or what cancelled it, for the error object
    :returns: whether it was still running; one that has ended is left as it is
    """
    return not machine.is_over and agree_failed(machine, Failure(ErrorType.CANCELLED, message), now)


def cancel_compensating(machine: Machine, message: str, now: datetime) -> list[str]:
    """Stop an instance like :func:`cancel`, but let the compensations run before it ends (rule F7).

    :param message: who cancelled it, for the error object
    :returns: the steps that were stopped
    """
    stopped = [current.step_id for _, current in machine.live() if current.phase is not Phase.REGION]
    failure = Failure(ErrorType.CANCELLED, message)
    with machine.turn(now) as turn:
        error = turn.error(failure, turn.state.current_step_id)
        turn.state.suspension = None
        regions.cancel_live(turn, turn.root)
        completion.compensate(turn, failure, error)
    return stopped


def agree_completed(machine: Machine, now: datetime) -> bool:
    """End an instance as completed because its DAG run has succeeded.

    The output is that of the last step that completed at top level.

    :returns: whether anything changed
    """
    state = machine.state
    if state.status is InstanceStatus.COMPLETED:
        return False
    with machine.turn(now) as turn:
        if not state.is_over:
            regions.cancel_live(turn, turn.root)
        root = state.root
        root.status, root.current = ListStatus.COMPLETED, None
        output = turn.root.last_output
        state.status, state.error, state.output = InstanceStatus.COMPLETED, None, output
    turn.log.add("error", LogEvent.INSTANCE_COMPLETED, now, data={"output": output})
    return True
