"""Operations on an instance that has ended: retry, restart, skip, compensate (rule I5).

A DAG run that Airflow does not have any more is made again.

State and Airflow change in one critical section: the instance's row is locked, the machine decides in memory, the tasks
are cleared and Airflow's transaction is committed, then ours. Where ours is lost Airflow runs the tasks nevertheless;
a step whose task was cleared opens its instance again on its own, so nothing waits forever.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from airflow_workflow_provider.airflow_db.clearing import cleared
from airflow_workflow_provider.airflow_db.dag_runs import find_run, refuse_paused
from airflow_workflow_provider.engine import owing, recovery
from airflow_workflow_provider.engine.limits import enqueue
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.operating import COMPENSATED, verdict
from airflow_workflow_provider.errors import Conflict, Misuse, NotFound, StepFailure
from airflow_workflow_provider.instances.run_conf import about_of, conf_of
from airflow_workflow_provider.instances.session import Parent, Run, options_of
from airflow_workflow_provider.model.ways import ON_FAILURE
from airflow_workflow_provider.operations import run_again
from airflow_workflow_provider.operations.compatibility import fits, newest_revision
from airflow_workflow_provider.operations.context import (
    Case,
    is_to_do,
    machine_of,
    permit,
    permit_instance,
    store_cleared,
)
from airflow_workflow_provider.operations.permission import rights_for
from airflow_workflow_provider.operations.start_instance import check_input
from airflow_workflow_provider.plan.nodes import Node, task_in
from airflow_workflow_provider.plan.plan import plan_of
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.airflow_db.dag_runs import StartedRun
    from airflow_workflow_provider.engine.documents import Json
    from airflow_workflow_provider.engine.operating import Operation
    from airflow_workflow_provider.engine.recovery import Place
    from airflow_workflow_provider.operations.context import OperationContext, Order
    from airflow_workflow_provider.operations.permission import Permission
    from airflow_workflow_provider.store.instances import Instance

Version = Literal["same", "newest"]


class SkipRefused(Misuse):
    """An output cannot stand for a step's result.

    :param findings: every way in which it does not fit, as ``{"pointer", "message"}``
    """

    default_code = ProblemCode.OUTPUT_REFUSED

    def __init__(self, message: str, findings: list[dict[str, str]]) -> None:
        super().__init__(message, pointer="/output")
        self.findings = findings


@dataclass
class _Rerun:
    """The part of an instance that is to run again.

    :ivar tasks: the tasks to clear with all behind them; None for all
    :ivar alone: nothing before them runs again, so they start whatever became of that
    """

    tasks: set[str] | None
    conf: Json | None = None
    alone: bool = False


def retry(context: OperationContext, wanted: UUID, order: Order, *, version: Version = "same") -> Instance:
    """Run again what failed or was stopped, and continue from there.

    :raises Conflict: ``not-failed``, ``nothing-to-retry``, ``compensated`` or what :func:`_change` raises
    """

    def work(case: Case, _: StartedRun) -> _Rerun:
        places = recovery.retry(case.machine, case.now)
        return _Rerun(_tasks_of(case, places))

    def stays(machine: Machine) -> list[Place]:
        return recovery.stopped_at(machine)

    return _change(context, wanted, "retry", order, work, version=version, stays=stays)


def restart(
    context: OperationContext,
    wanted: UUID,
    order: Order,
    *,
    from_step_id: str | None = None,
    input_data: Json | None = None,
    version: Version = "same",
) -> Instance:
    """Run an instance that has ended again: from the start, or from a step that ran before.

    :param input_data: the new input; None for the same
    :raises InputRefused: the new input does not fit; with every finding
    :raises NotFound: ``unknown-step``
    :raises Conflict: ``instance-live``, ``step-not-run``, ``inside-items``, ``compensated`` or what :func:`_change`
        raises
    """

    def work(case: Case, run: StartedRun) -> _Rerun:
        given = None
        if input_data is not None:
            given = check_input(case.machine.graph.definition, input_data)
            case.more["inputChanged"] = True
            _note_change(case, order)
        conf = None if input_data is None else conf_of(input_data, about_of(run.conf))
        if from_step_id is None:
            case.machine = _before_first_step(case, given)
            tasks = None
        else:
            if recovery.is_compensated(case.machine):
                is_to_do(COMPENSATED, wanted)
            case.step_id, case.more["fromStepId"] = from_step_id, from_step_id
            tasks = _tasks_of(case, recovery.restart_from(case.machine, from_step_id, case.now, given))
        case.record.input = case.machine.state.input
        return _Rerun(tasks, conf)

    def stays(machine: Machine) -> list[Place]:
        return [] if from_step_id is None else recovery.restarted_at(machine, from_step_id)

    return _change(context, wanted, "restart", order, work, version=version, stays=stays)


def skip(
    context: OperationContext, wanted: UUID, order: Order, *, output: Json, step_id: str | None = None
) -> Instance:
    """Let an output stand for the result of a step that failed, and continue with the next step.

    :param step_id: the step; may be left out where only one failed
    :raises SkipRefused: the output does not fit, or a transform or transition of the step fails with it
    :raises Conflict: ``not-failed``, ``nothing-to-retry``, ``compensated``, ``step-not-failed`` or what
        :func:`_change` raises
    """
    chosen: list[tuple[Place, Node]] = []

    def work(case: Case, _: StartedRun) -> _Rerun:
        place = _failed_step(case.machine, step_id)
        case.scope, case.step_id = place
        plan = plan_of(case.machine.graph)
        task_id = task_in(case.machine.graph, plan, place[1])
        whole = _skipped(case.machine, place, output, case.now)
        node = plan.node(task_id)
        if whole and node.starts:
            # Its own task was done; its branches are ended by the join.
            task_id = f"{task_id}.join"
        chosen.append((place, node))
        _note_change(case, order)
        return _Rerun({task_id})

    def after(case: Case, tries: dict[str, int]) -> None:
        # The task runs once more, and must find that its step is done.
        (key, skipped), node = chosen[-1]
        generation = tries.get(node.task_id, 0)
        for path, name in [(key, skipped), *((node.path, name) for name in node.nodes)]:
            record = case.machine.state.record(path, name)
            if record is not None:
                record.generation = max(record.generation, generation)

    return _change(context, wanted, "skip", order, work, after=after)


@dataclass(frozen=True)
class SkipPreview:
    """The effect of a skip.

    :ivar output: the step's output, after its own ``output`` transform; None where its branches would run first
    :ivar next: the step that follows, ``end`` or ``fail``; None where its branches would run first
    """

    step_id: str
    output: Json | None
    next: str | None


def preview_skip(
    context: OperationContext, wanted: UUID, permission: Permission, *, output: Json, step_id: str | None = None
) -> SkipPreview:
    """Return what :func:`skip` would lead to, and change nothing.

    :raises NotFound: there is no such instance, or the caller may not read it
    :raises Forbidden: the caller may not operate on it
    :raises SkipRefused: as :func:`skip`
    :raises Conflict: as :func:`skip`, as far as the state alone shows
    """
    permit_instance(context, wanted, rights_for("skip"), "workflow.skip-preview", permission)
    stored = context.instances.get(wanted)
    graph = context.graph_of(stored.workflow_id, stored.revision)
    machine = Machine(graph, stored.state, options_of(context.settings))
    is_to_do(verdict(machine, "skip"), wanted)
    place = _failed_step(machine, step_id)
    _skipped(machine, place, output, datetime.now(UTC))
    record = machine.scope(place[0]).record(place[1])
    return SkipPreview(place[1], record.output, record.next)


def compensate(context: OperationContext, wanted: UUID, order: Order) -> Instance:
    """Run the compensations of an instance that ended before they had run; it then ends as it had ended (rule F7).

    :raises Conflict: ``not-failed``, ``nothing-owed`` or what :func:`_change` raises
    """

    def work(case: Case, _: StartedRun) -> _Rerun:
        case.more["count"] = owing.compensate(case.machine, case.now)
        return _Rerun({plan_of(case.machine.graph).task_of[ON_FAILURE]}, alone=True)

    return _change(context, wanted, "compensate", order, work)


def _change(
    context: OperationContext,
    wanted: UUID,
    operation: Operation,
    order: Order,
    work: Callable[[Case, StartedRun], _Rerun],
    *,
    version: Version = "same",
    stays: Callable[[Machine], list[Place]] = lambda _: [],
    after: Callable[[Case, dict[str, int]], None] = lambda *_: None,
) -> Instance:
    """Change state and Airflow in one critical section.

    :param work: changes the state and returns what is to be cleared
    :param stays: the steps that must be where they were in another version
    :param after: does what has to know how often the cleared tasks may be tried
    :raises NotFound: there is no such instance, or the caller may not read it
    :raises Forbidden: the caller may not operate on it
    :raises Conflict: it cannot be done now; ``workflow-not-loaded``, ``workflow-paused``,
        ``version-incompatible`` or ``parent-not-waiting``
    """
    permit(context, wanted, operation, order)
    with context.instances.locked(wanted) as record:
        case = Case(record, machine_of(context, record), datetime.now(UTC))
        is_to_do(verdict(case.machine, operation), wanted)
        found = find_run(record.stored.dag_id, record.stored.run_id)
        run = found or run_again.lost_run(context, record.stored)
        refuse_paused(run.dag_id)
        _refuse_abandoned(context, Run(run.dag_id, run.run_id, run.conf).parent_in(record.stored))
        record.completed_at = None
        newest = _move(context, case, run, version, stays)
        rerun = work(case, run)
        if found is None:
            conf = run.conf if rerun.conf is None else rerun.conf
            lost = Run(run.dag_id, run.run_id, conf, run.triggered_by)
            after(case, run_again.start_again(context, lost, record.revision, case.machine))
        else:
            clearing = cleared(run.dag_id, run.run_id, rerun.tasks, newest=newest, conf=rerun.conf, alone=rerun.alone)
            with clearing as tries:
                after(case, tries)
        store_cleared(context, case, operation, order)
    return context.instances.get(wanted)


def _move(
    context: OperationContext, case: Case, run: StartedRun, version: Version, stays: Callable[[Machine], list[Place]]
) -> bool:
    """Move an instance to the newest version of its workflow where it will run on that; return whether it will."""
    stored = case.record.stored
    # Without a versioned bundle Airflow runs the newest version whatever is asked for.
    if version == "same" and run.bundle_version is not None:
        return False
    newest = newest_revision(context.definitions, context.tasks, stored.workflow_id)
    if newest == stored.revision:
        return False
    graph = context.graph_of(stored.workflow_id, newest)
    fits(case.machine, graph, stays(case.machine))
    case.more.update(oldVersion=stored.version, version=graph.definition.version)
    case.record.revision, case.record.version = newest, graph.definition.version
    case.machine.state.instance.version = graph.definition.version
    case.machine = Machine(graph, case.machine.state, options_of(context.settings))
    return True


def _tasks_of(case: Case, places: Collection[Place]) -> set[str]:
    plan = plan_of(case.machine.graph)
    return {task_in(case.machine.graph, plan, step_id) for _, step_id in places}


def _before_first_step(case: Case, input_data: Json | None) -> Machine:
    """Return the machine of the instance as it is before its first step.

    Visits are counted on: keys of idempotency, and what is named after a visit, never come twice. So are activations,
    by which a state that is older than what Airflow has seen is recognized.
    """
    old, graph = case.machine, case.machine.graph
    instance = replace(old.state.instance, deadline=None)
    given = input_data
    if given is None:
        given = check_input(graph.definition, old.state.input)
    machine = Machine.start(
        graph,
        instance,
        given,
        now=case.now,
        event=old.state.event,
        options=old.options,
        visits=old.state.root.visits,
        sequence=old.state.sequence,
    )
    if graph.definition.settings.concurrency is not None and not machine.is_over:
        with machine.turn(case.now) as turn:
            enqueue(turn)
    return machine


def _skipped(machine: Machine, place: Place, output: Json, now: datetime) -> bool:
    """Skip a step in memory; see :func:`recovery.skip`."""
    try:
        return recovery.skip(machine, *place, output, now)
    except StepFailure as error:
        found = [
            {"pointer": f"/output{each['pointer']}", "message": each["message"]}
            for each in error.details.get("errors", ())
        ]
        message = f"Step {place[1]!r} cannot be skipped with this output: {error}"
        raise SkipRefused(message, found) from error


def _failed_step(machine: Machine, step_id: str | None) -> Place:
    places = recovery.stopped_at(machine, failed_only=True)
    names = sorted(name for _, name in places)
    if step_id is None:
        if len(places) == 1:
            return places[0]
        message = f"Several steps failed: {names}"
        raise Conflict(message, code=ProblemCode.SEVERAL_FAILED, pointer="/stepId", suggestion="name one of them")
    for place in places:
        if place[1] == step_id:
            return place
    if step_id not in machine.graph.step_ids:
        message = f"The workflow has no step {step_id!r}"
        raise NotFound(message, code=ProblemCode.UNKNOWN_STEP, pointer="/stepId")
    message = f"Step {step_id!r} is not one at which the instance failed; those are {names}"
    raise Conflict(message, code=ProblemCode.STEP_NOT_FAILED, pointer="/stepId")


def _refuse_abandoned(context: OperationContext, parent: Parent | None) -> None:
    """Refuse what belongs to a step that does not wait for it: it would be cancelled at once (rule P5)."""
    if parent is None:
        return
    try:
        waits = parent.waits(context.instances.get(UUID(parent.instance_id)).state)
    except NotFound:
        waits = False
    if not waits:
        message = f"Step {parent.step_id!r} of instance {parent.instance_id} started it and does not wait for it"
        raise Conflict(message, code=ProblemCode.PARENT_NOT_WAITING, suggestion="retry that instance instead")


def _note_change(case: Case, order: Order) -> None:
    """Remember who has put data of their own into the instance: with four eyes somebody else has to approve them."""
    changed = case.machine.state.instance.changed_by
    if order.actor not in changed:
        changed.append(order.actor)
