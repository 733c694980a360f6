"""Operations on a live instance: suspend, resume, cancel (rules I3, I5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from airflow_workflow_provider.airflow_db.ending import fail_run, fail_tasks
from airflow_workflow_provider.engine import manual_override, suspension
from airflow_workflow_provider.engine.operating import verdict
from airflow_workflow_provider.errors import Conflict
from airflow_workflow_provider.failpoints import failpoint
from airflow_workflow_provider.model.ways import ON_FAILURE
from airflow_workflow_provider.operations.context import Case, OperationContext, Order, act, is_to_do, permit
from airflow_workflow_provider.operations.permission import UNRESTRICTED
from airflow_workflow_provider.plan.nodes import task_in
from airflow_workflow_provider.plan.plan import plan_of
from airflow_workflow_provider.store.filtering import InstanceFilter

if TYPE_CHECKING:
    from airflow_workflow_provider.store.instances import Instance

PAGE: Final = 1000


def suspend(context: OperationContext, wanted: UUID, order: Order) -> Instance:
    """Let no new attempt of an instance begin; suspending it again changes nothing.

    :raises NotFound: there is no such instance, or the caller may not read it
    :raises Forbidden: the caller may not operate on it
    :raises Conflict: ``instance-over``
    """

    def work(case: Case) -> None:
        suspension.suspend(case.machine, order.actor, order.reason, case.now)

    permit(context, wanted, "suspend", order)
    act(context, wanted, "suspend", order, work)
    return context.instances.get(wanted)


def resume(context: OperationContext, wanted: UUID, order: Order) -> Instance:
    """Let attempts of a suspended instance begin again; resuming one that is not suspended changes nothing.

    :raises NotFound: there is no such instance, or the caller may not read it
    :raises Forbidden: the caller may not operate on it
    :raises Conflict: ``instance-over``
    """

    def work(case: Case) -> None:
        suspension.resume(case.machine, case.now)

    permit(context, wanted, "resume", order)
    act(context, wanted, "resume", order, work)
    return context.instances.get(wanted)


def cancel(context: OperationContext, wanted: UUID, order: Order, *, compensate: bool = False) -> Instance:
    """End an instance as cancelled, and the instances that it waits for; doing it again makes sure of that only.

    :param compensate: let the workflow's compensations run before it ends
    :raises NotFound: there is no such instance, or the caller may not read it
    :raises Forbidden: the caller may not operate on it
    :raises Conflict: ``instance-over``, ``no-compensation`` or ``already-failing``
    """

    def work(case: Case) -> None:
        who = f"Cancelled by {order.actor['name']}"
        message = f"{who}: {order.reason}" if order.reason else who
        if compensate and is_to_do(verdict(case.machine, "cancel", compensate=True), wanted):
            _stop_tasks(case, manual_override.cancel_compensating(case.machine, message, case.now))
        else:
            manual_override.cancel(case.machine, message, case.now)
        case.more["compensate"] = compensate

    permit(context, wanted, "cancel", order)
    act(context, wanted, "cancel", order, work)
    failpoint("cancel.stored")
    found = context.instances.get(wanted)
    if found.status == "failed":
        fail_run(found.dag_id, found.run_id)
    else:
        # Their failure leads to the workflow's onFailure, in which the compensations run.
        handling = found.state.failure
        fail_tasks(found.dag_id, found.run_id, handling.tasks if handling is not None else [])
    for child in _running_children(context, wanted):
        try:
            reason = f"Instance {wanted}, which waited for it, was cancelled"
            # A consequence of the parent's end, whatever the caller may do with the child's workflow.
            cancel(context, child, Order(order.actor, UNRESTRICTED, order.via, reason))
        except Conflict:
            continue  # it ended meanwhile
    return context.instances.get(wanted)


def _stop_tasks(case: Case, stopped: list[str]) -> None:
    """Note which tasks are to be stopped; one in which compensations run too is asked to look at its instance."""
    plan = plan_of(case.machine.graph)
    tasks = {task_in(case.machine.graph, plan, step_id) for step_id in stopped}
    continuing = {task_id for task_id in tasks if ON_FAILURE in plan.node(task_id).nodes}
    if case.machine.state.failure is not None:
        case.machine.state.failure.tasks = sorted(tasks - continuing)
    case.record.wake(sorted(continuing))


def _running_children(context: OperationContext, parent: UUID) -> list[UUID]:
    only = InstanceFilter(parent_instance_id=parent, statuses=("running", "suspended"))
    return [child.id for child in context.instance_list.page(only, limit=PAGE).items]
