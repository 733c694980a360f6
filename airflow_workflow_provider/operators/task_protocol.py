"""The interaction of each kind of task with the machine, and its result for Airflow.

Functions of the machine, the node and the time, without Airflow: the operators carry out what they return, and a test
drives random plans with them as Airflow's scheduler would.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.engine.calls import ActivationRef, Call, Decision, decided
from airflow_workflow_provider.engine.failure import Failure, moment, timestamp
from airflow_workflow_provider.engine.keys import ROOT
from airflow_workflow_provider.engine.manual_override import abandon, give_up, mark_failed
from airflow_workflow_provider.engine.phases import UNFINISHED, ListStatus, Phase, StepStatus
from airflow_workflow_provider.engine.recovery import begin_lost
from airflow_workflow_provider.engine.rerun import reopen
from airflow_workflow_provider.engine.suspension import hold
from airflow_workflow_provider.errors import StepFailure, WorkflowsError
from airflow_workflow_provider.model.definition import END, FAIL
from airflow_workflow_provider.model.ways import ON_FAILURE
from airflow_workflow_provider.operators.outcomes import (
    Again,
    Failed,
    Follow,
    Hold,
    Leave,
    Outcome,
    Results,
    Stop,
    no_results,
)
from airflow_workflow_provider.plan.positions import is_inside
from airflow_workflow_provider.vocabulary import ErrorType, ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.documents import Json
    from airflow_workflow_provider.engine.machine import Machine
    from airflow_workflow_provider.engine.step_records import StepRecord
    from airflow_workflow_provider.hosts.ending import Kept
    from airflow_workflow_provider.plan.decisions import Target
    from airflow_workflow_provider.plan.nodes import Node

LOST: Final = "The worker that ran this step died, or could not be started"
GIVEN_UP: Final = "Airflow counts the task of this step as failed, although its work was done"


# Steps


def begin(
    machine: Machine, node: Node, runner: str, now: datetime, generation: int, results: Results = no_results
) -> Call | Outcome:
    """Begin an attempt of a step, or say what became of it already.

    :param results: finds the result of an attempt whose process died before it was stored
    """
    step_id = _step(node)
    left = _left_behind(machine, node, runner, generation)
    if left is not None and (kept := results(left)) is not None:
        owner = machine.scope(node.path).activation.runner or runner
        return end(machine, node, left, owner, kept)
    machine.expire(now)
    begun = machine.begin(node.path, step_id, runner, now, generation=generation)
    if begun.action == "skip":
        return not_activated(machine, node, now)
    if begun.action == "hold":
        hold(machine, node.task_id)
        return Hold()
    if begun.decision is not None:
        return after(machine, node, begun.decision, now)
    try:
        return machine.call_of(node.path, now) if begun.action == "resume" else machine.prepare(node.path, now)
    except StepFailure as exc:
        failure = Failure.from_exception(exc)
        return after(machine, node, machine.fail(node.path, step_id, runner, failure, now), now)


def end(machine: Machine, node: Node, call: Call | ActivationRef, runner: str, kept: Kept) -> Outcome:
    """Report how an attempt has ended; a result that comes after the deadline is late (rule F3).

    What counts is when the work ended. Until that could be stored, hours may have passed.
    """
    ended, now = kept.ended, kept.at
    machine.expire(now)
    begin_lost(machine, call, runner, now)
    if ended.failure is not None:
        decision = machine.fail(node.path, call.step_id, runner, ended.failure, now)
    else:
        decision = machine.succeed(node.path, call.step_id, runner, ended.output, now)
    if decision.status == "ignored":
        # What was stored before the connection broke, or what the deadline made of this attempt.
        decision = _stored(machine, call, now) or decision
    return after(machine, node, decision, now)


def after(machine: Machine, node: Node, decision: Decision, now: datetime) -> Outcome:
    """Return what a step's decision means to Airflow."""
    if decision.status == "retry":
        return Again(decision.delay or timedelta(), decision.error)
    if decision.status == "ignored":
        return Stop(_error(machine, node, ErrorType.CANCELLED, "The instance continued without this attempt", now))
    if decision.status == "failed":
        return _failed(machine, node, decision.error, now)
    record = machine.scope(node.path).record(_step(node))
    if node.starts:
        return Follow(node.starts, record.region.own if record.region is not None else record.output)
    return follow(machine, node, way_on(machine, node, _step(node)), record.output, now)


def _failed(machine: Machine, node: Node, error: Json | None, now: datetime) -> Failed:
    """Return what the failure of a step means: the task fails, and what handles that starts behind it."""
    target = None if node.starts else way_on(machine, node, _step(node))
    return Failed(error or _error(machine, node, ErrorType.CANCELLED, "Stopped", now), node.failing.get(target))


def not_activated(machine: Machine, node: Node, now: datetime, upstream: frozenset[str] = frozenset()) -> Outcome:
    """Return what a task does that Airflow started but no decision did.

    It skips itself. Where the work around it has failed it fails, since skipped tasks would let the run succeed.

    :param upstream: steps whose tasks have ended as Airflow knows; one that is live nevertheless has lost its worker
    """
    if machine.status == "failed":
        return _stopped(machine, node, "Stopped", now)
    if _is_lost(machine, node.path, upstream):
        return _stopped(machine, node, "Stopped because the work around it ended", now)
    handled = machine.state.failure
    if handled is not None and node.step_id is not None and _before_on_failure(machine, node, node.step_id):
        return Stop(handled.error)
    return Leave("No decision of the workflow leads here")


def _stopped(machine: Machine, node: Node, message: str, now: datetime) -> Stop:
    is_over = machine.status == "failed" or _is_lost(machine, node.path, frozenset())
    return Stop(_error(machine, node, ErrorType.CANCELLED, message, now), is_over)


def _is_lost(machine: Machine, path: str, upstream: frozenset[str]) -> bool:
    """Return whether a step list has failed or was stopped, or can never start because a list around it has."""
    scope = machine.find_scope(path)
    if scope is not None:
        live = scope.current.step_id if scope.is_running and scope.current is not None else None
        return scope.control.status in (ListStatus.FAILED, ListStatus.CANCELLED) or live in upstream
    owner = machine.graph.lists[path].owner
    if owner is None:
        return False
    around = machine.graph.home(owner.step_id).path
    if _is_lost(machine, around, upstream):
        return True
    record = machine.state.record(around, owner.step_id)
    return record is not None and record.status is StepStatus.FAILED


# Catch, join, fail


def catch(machine: Machine, node: Node, now: datetime, *, failed: bool = False) -> Outcome:
    """Route a failure: settle what nobody runs any more, and follow the decision.

    :param failed: Airflow counts the step's task as failed, whatever is stored of the step
    """
    machine.expire(now)
    task_failed(machine, node, Failure(ErrorType.WORKER_LOST, LOST), now, stored=False)
    if failed:
        task_failed(machine, node, Failure(ErrorType.WORKER_LOST, GIVEN_UP), now)
    if node.path not in machine.state.lists:
        return not_activated(machine, node, now)
    target, record = _left(machine, node)
    if target == ON_FAILURE:
        return follow(machine, node, target, None, now)
    if record is not None and record.status is StepStatus.COMPLETED:
        return Leave("The step did not fail")
    if target is None and target not in node.routes:
        return (
            not_activated(machine, node, now)
            if record is None
            else Stop(record.error or _error(machine, node, ErrorType.CANCELLED, "Stopped", now))
        )
    return follow(machine, node, target, None, now)


def task_failed(machine: Machine, node: Node, failure: Failure, now: datetime, *, stored: bool = True) -> None:
    """Fail what a task still stands for, because Airflow does not run it any more.

    :param stored: also a step whose result is stored, see :func:`mark_failed`
    """
    if not node.nodes:
        fail_step = mark_failed if stored else give_up
        fail_step(machine, node.path, _step(node), failure, now)
        return
    step_id = live_in(machine, node)
    if step_id is not None:
        give_up(machine, node.path, step_id, failure, now)
    while is_inside(machine, node):
        abandon(machine, node.path, failure, now)


def join(machine: Machine, node: Node, upstream: frozenset[str], now: datetime) -> Outcome:
    """End the branches of a step: settle what nobody runs any more, and follow the step's decision.

    :param upstream: the steps before and in the branches; their tasks have ended
    """
    machine.expire(now)
    step_id = _step(node)
    lost = Failure(ErrorType.WORKER_LOST, LOST)
    while (live := _live_branch(machine, node.path, step_id)) is not None:
        give_up(machine, *live, lost, now)
    decision = machine.decision_of(node.path, step_id)
    if decision is not None and decision.status == "region":
        give_up(machine, node.path, step_id, lost, now)
        decision = machine.decision_of(node.path, step_id)
    if decision is None:
        return not_activated(machine, node, now, upstream)
    if decision.status == "failed":
        return _failed(machine, node, decision.error, now)
    output = machine.scope(node.path).record(step_id).output
    return follow(machine, node, way_on(machine, node, step_id), output, now)


def handled(machine: Machine, node: Node, now: datetime) -> Outcome:
    """Let the run end well where a failure was handled by the end of the workflow (rule F4)."""
    machine.expire(now)
    if machine.status == "completed":
        return Follow((node.routes[END],))
    return not_activated(machine, node, now)


def fail(machine: Machine) -> Outcome:
    """Fail the run with the instance's error."""
    error = machine.state.error
    return Stop(error) if error is not None and machine.status == "failed" else Leave("The instance continues")


# Regions


def enter_region(
    machine: Machine, node: Node, deciders: tuple[Node, ...], now: datetime, generation: int
) -> Outcome | None:
    """Return None where there is something to run in a region, or what became of it already.

    :param deciders: the nodes before it
    :param generation: rises when an operator asks Airflow to run it again
    """
    machine.expire(now)
    if is_inside(machine, node):
        return None
    again = _to_reopen(machine, node, deciders, generation)
    if again is not None:
        with machine.turn(now) as turn:
            reopen(turn, node.path, again)
        return None
    return region_left(machine, node, now)


def _to_reopen(machine: Machine, node: Node, deciders: tuple[Node, ...], generation: int) -> str | None:
    """Return the step to run again in a region that an operator cleared: the one that failed, else the first."""
    if node.path not in machine.state.lists or node.step_id is None:
        return None
    scope = machine.scope(node.path)
    steps = scope.values.steps
    ran = {step_id: steps[step_id] for step_id in node.nodes if step_id in steps}
    if not ran or any(record.generation >= generation for record in ran.values()):
        for record in ran.values():
            record.generation = min(record.generation, generation)
        return None
    last = scope.control.last
    if last is not None and last in ran and ran[last].status is StepStatus.FAILED:
        return last
    entered = [steps[step_id].next for decider in deciders if (step_id := decider.step_id or "") in steps]
    return next((step_id for step_id in entered if step_id in ran), next(iter(ran)))


def region_left(machine: Machine, node: Node, now: datetime) -> Outcome:
    """Return what a task does whose steps all ran inside it, when the path has left them."""
    if node.kind == "whole":
        if machine.status == "completed":
            return Follow((), machine.state.output)
        return Stop(machine.state.error or _error(machine, node, ErrorType.CANCELLED, "Stopped", now))
    if node.path not in machine.state.lists:
        return not_activated(machine, node, now)
    target, record = _left(machine, node)
    output = record.output if record is not None and record.status is StepStatus.COMPLETED else None
    if ON_FAILURE not in node.nodes and record is not None and record.status is StepStatus.FAILED:
        error = record.error or _error(machine, node, ErrorType.CANCELLED, "Stopped", now)
        return Failed(error, node.failing.get(target))
    if target is None and target not in node.routes:
        return not_activated(machine, node, now)
    return follow(machine, node, target, output, now)


# Ways


def follow(machine: Machine, node: Node, target: Target, output: Json | None, now: datetime) -> Outcome:
    """Return the branch of a decision.

    :raises WorkflowsError: the plan has no such way; the DAG is of another revision than the state
    """
    if target not in node.routes:
        if target in node.failing:
            return Failed(_error(machine, node, ErrorType.CANCELLED, "Stopped", now), node.failing[target])
        if target in (None, FAIL, ON_FAILURE):
            return _stopped(machine, node, "Stopped", now)
        message = f"Task {node.task_id!r} has no way to {target!r}; its ways are {sorted(map(str, node.routes))}"
        raise WorkflowsError(message, code=ProblemCode.NO_WAY, suggestion="Was the DAG run moved to another version?")
    return Follow((node.routes[target],), output)


def way_on(machine: Machine, node: Node, step_id: str) -> Target:
    """Return where the path goes after a step that ended.

    A failure that the workflow's ``onFailure`` was given goes there, however that ends.
    """
    record = machine.state.record(node.path, step_id)
    target: Target = None if record is None or record.status in UNFINISHED else record.next
    handling = record is not None and record.handling
    if target in (None, FAIL, ON_FAILURE) and not handling and _before_on_failure(machine, node, step_id):
        return ON_FAILURE if machine.state.failure is not None else target
    return target


def _before_on_failure(machine: Machine, node: Node, step_id: str) -> bool:
    return node.path == ROOT and machine.graph.can_reach_on_failure(machine.graph.root, step_id)


def _left(machine: Machine, node: Node) -> tuple[Target, StepRecord | None]:
    """Return where the path went after a node, and the record of the last step that ran in it."""
    scope = machine.scope(node.path)
    if ON_FAILURE in node.nodes and machine.state.failure is not None:
        last = scope.last_record
        if machine.is_over:
            return (END if machine.status == "completed" else FAIL), last
        return (scope.current.step_id if scope.current else None), last
    if node.step_id is None:
        return None, None
    step_id = node.step_id
    if scope.control.last is not None and scope.control.last in node.nodes:
        step_id = scope.control.last
    target = way_on(machine, node, step_id)
    if target in node.nodes:
        # The path ended inside, by a deadline or the limit of visits: it leads nowhere that its last step named.
        before = _before_on_failure(machine, node, step_id) and machine.state.failure is not None
        return (ON_FAILURE if before else None), None
    return target, scope.values.steps.get(step_id)


def live_in(machine: Machine, node: Node) -> str | None:
    """Return the step of a region that is live in the region's own list."""
    if not is_inside(machine, node):
        return None
    current = machine.scope(node.path).activation
    return current.step_id if current.is_step else None


def _live_branch(machine: Machine, path: str, step_id: str) -> tuple[str, str] | None:
    """Return scope and step of what is live directly in a branch of a step."""
    current = machine.state.live_step(path, step_id)
    if current is None or current.region is None:
        return None
    for key in current.region.children:
        control = machine.state.lists.get(key)
        if control is not None and control.is_running and control.current is not None:
            return key, control.current.step_id
    return None


def _left_behind(machine: Machine, node: Node, runner: str, generation: int) -> ActivationRef | None:
    """Return the attempt of a step that another process began and did not end, where nobody wants it run again."""
    current = machine.state.live_step(node.path, _step(node))
    if current is None or current.phase is not Phase.RUNNING or current.runner == runner:
        return None
    return ActivationRef.of(node.path, current) if generation <= current.generation else None


def _stored(machine: Machine, call: Call | ActivationRef, now: datetime) -> Decision | None:
    """Return the decision about an attempt that the state has already, or None."""
    record = machine.state.record(call.scope, call.step_id)
    if record is None or (record.visit, record.attempt) != (call.visit, call.attempt):
        return None
    current = machine.state.live_step(call.scope, call.step_id)
    if current is not None and current.phase is Phase.RETRYING and current.retry_at is not None:
        return Decision("retry", delay=max(moment(current.retry_at) - now, timedelta()), error=record.error)
    return decided(record) if record.is_finished else None


def _error(machine: Machine, node: Node, kind: str, message: str, now: datetime) -> Json:
    return machine.state.error or Failure(kind, message).error_object(node.step_id, None, timestamp(now))


def _step(node: Node) -> str:
    if node.step_id is None:
        message = f"Task {node.task_id!r} stands for no step"
        raise AssertionError(message)
    return node.step_id
