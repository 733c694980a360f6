"""What every operation on an instance has in common: look under the lock, act, record who did it (rule I5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.operating import Verdict, verdict
from airflow_workflow_provider.errors import Conflict, NotFound
from airflow_workflow_provider.failpoints import failpoint
from airflow_workflow_provider.instances.keeping import keep, masker_of
from airflow_workflow_provider.instances.session import InstanceSession, options_of
from airflow_workflow_provider.operations.permission import Right, rights_for
from airflow_workflow_provider.store.journal import entries, metadata_of
from airflow_workflow_provider.store.logs import LogEntry
from airflow_workflow_provider.vocabulary import LogEvent

if TYPE_CHECKING:
    from uuid import UUID

    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.engine.operating import Operation
    from airflow_workflow_provider.instances.session import Run
    from airflow_workflow_provider.operations.permission import Permission
    from airflow_workflow_provider.settings import Settings
    from airflow_workflow_provider.store.definitions import Definitions
    from airflow_workflow_provider.store.instances import Instances, Record
    from airflow_workflow_provider.store.listing import InstanceList
    from airflow_workflow_provider.store.tasks import Tasks

Via = Literal["ui", "api", "cli", "airflow", "limit"]

EVENTS: Final[dict[Operation, str]] = {
    "suspend": LogEvent.INSTANCE_SUSPENDED,
    "resume": LogEvent.INSTANCE_RESUMED,
    "cancel": LogEvent.INSTANCE_CANCELLED,
    "retry": LogEvent.INSTANCE_RETRIED,
    "restart": LogEvent.INSTANCE_RESTARTED,
    "skip": LogEvent.STEP_SKIPPED_BY_HAND,
    "compensate": LogEvent.INSTANCE_COMPENSATION_STARTED,
    "migrate": LogEvent.INSTANCE_MIGRATED,
}
"""The log events of what users do."""


@dataclass(frozen=True)
class Order:
    """The origin of an operation: its user and the reason.

    :param actor: ``id`` and ``name``
    :param permission: checked by the operation
    :param via: the interface that was used
    """

    actor: dict[str, Any]
    permission: Permission
    via: Via = "api"
    reason: str | None = None


@dataclass(frozen=True)
class OperationContext:
    """The context of operations.

    :param graph_of: gives the graph of a workflow's revision
    :param mask: masks more than definitions ask for, such as Airflow's secrets masker
    """

    instances: Instances
    instance_list: InstanceList
    definitions: Definitions
    tasks: Tasks
    settings: Settings
    graph_of: Callable[[str, int], Graph]
    mask: Callable[[Any], Any] = lambda value: value

    def session(self, workflow_id: str, revision: int, run: Run) -> InstanceSession:
        """Return the session of an instance, to read and change it.

        :raises NotFound: there is no such workflow at that revision
        """
        return InstanceSession(
            self.graph_of(workflow_id, revision),
            revision,
            run,
            instances=self.instances,
            settings=self.settings,
            mask=self.mask,
        )


@dataclass
class Case:
    """An instance under its lock, while somebody operates on it.

    :ivar more: what the row of the log says beside who, why and from where
    :ivar step_id: the step that the operation is about, if it is about one
    """

    record: Record
    machine: Machine
    now: datetime
    more: dict[str, Any] = field(default_factory=dict)
    step_id: str | None = None
    scope: str = ""


def machine_of(context: OperationContext, record: Record) -> Machine:
    """Return the machine of an instance under its lock."""
    stored = record.stored
    return Machine(context.graph_of(stored.workflow_id, stored.revision), record.state, options_of(context.settings))


def permit(context: OperationContext, wanted: UUID, operation: Operation, order: Order) -> None:
    """Check that the caller may operate on an instance, and write it to the audit log.

    :raises NotFound: there is no such instance, or the caller may not read it
    :raises Forbidden: the caller may read it, but not operate on it in this way
    """
    permit_instance(context, wanted, rights_for(operation), f"workflow.{operation}", order.permission, via=order.via)


def permit_instance(
    context: OperationContext, wanted: UUID, rights: Iterable[Right], event: str, permission: Permission, **extra: Any
) -> None:
    """Check that the caller has rights on the workflow of an instance, and write an event to the audit log.

    :raises NotFound: there is no such instance, or the caller may not read it
    :raises Forbidden: the caller may read it, but does not have a right
    """
    stored = context.instances.get(wanted)
    missing = NotFound(f"There is no instance {wanted}", pointer=str(wanted))
    for right in rights:
        permission.require(right, stored.workflow_id, missing)
    permission.record(event, workflow_id=stored.workflow_id, run_id=stored.run_id, instance=str(wanted), **extra)


def act(
    context: OperationContext, wanted: UUID, operation: Operation, order: Order, work: Callable[[Case], None]
) -> bool:
    """Operate on an instance in one transaction, repeated when the connection is lost.

    :param work: does it, where the table says that it is to be done
    :returns: False where it was so already
    :raises NotFound: there is no such instance
    :raises Conflict: it cannot be done now
    """
    return context.instances.update(wanted, lambda record: within(context, record, operation, order, work))


def within(
    context: OperationContext, record: Record, operation: Operation, order: Order, work: Callable[[Case], None]
) -> bool:
    """Operate on an instance whose lock is held already; see :func:`act`."""
    case = Case(record, machine_of(context, record), datetime.now(UTC))
    if not is_to_do(verdict(case.machine, operation), record.id):
        return False
    work(case)
    keep(record, case.machine, case.now)
    write_down(context, case, operation, order)
    return True


def store_cleared(context: OperationContext, case: Case, operation: Operation, order: Order) -> None:
    """Store what an operation changed, and who did it, when Airflow already runs its tasks again."""
    failpoint("operation.cleared")
    keep(case.record, case.machine, case.now)
    write_down(context, case, operation, order)


def is_to_do(found: Verdict, wanted: UUID) -> bool:
    """Return whether something is to be done, rather than done already.

    :raises Conflict: it cannot be done now
    """
    if found.outcome == "refused":
        message = f"{found.detail} ({wanted})"
        raise Conflict(message, code=found.code, suggestion=found.suggestion)
    return found.outcome == "do"


def write_down(context: OperationContext, case: Case, operation: Operation, order: Order) -> None:
    """Append who did what to the execution log, and the events of the machine."""
    definition, record = case.machine.graph.definition, case.record
    masker = masker_of(case.machine, context.mask)
    log = definition.execution_log
    metadata = metadata_of(log.metadata if log is not None else (), record.stored.event, case.machine.state.input)
    action = LogEntry(
        EVENTS[operation],
        at=case.now,
        step_id=case.step_id,
        scope=case.scope,
        actor=order.actor,
        message=order.reason,
        metadata=masker.mask_metadata(metadata) or None,
        data={"via": order.via, "reason": order.reason, **masker.mask(case.more)},
    )
    record.log([action, *entries(case.machine.drain_events(), masker, metadata)])
