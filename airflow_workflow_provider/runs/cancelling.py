"""Cancelling an instance: its state first, then its DAG run, then the instances that it waits for (rules I1, I5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from airflow_workflow_provider.engine.failure import CANCELLED
from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.masking import Masker
from airflow_workflow_provider.engine.overrule import cancel
from airflow_workflow_provider.errors import Conflict
from airflow_workflow_provider.operators.ledger import keep
from airflow_workflow_provider.runs.ending import fail_run
from airflow_workflow_provider.store.journal import entries, metadata_of
from airflow_workflow_provider.store.listing import InstanceFilter, InstanceList
from airflow_workflow_provider.store.logs import LogEntry

if TYPE_CHECKING:
    from airflow_workflow_provider.model.definition import WorkflowDefinition
    from airflow_workflow_provider.store.instances import Instance, Instances, Record

EVENT = "instance.cancelled"
PAGE = 1000


@dataclass(frozen=True)
class Canceller:
    """Cancels instances on behalf of a person.

    :param definition_of: gives the definition of a workflow's revision
    :param mask: masks more than definitions ask for, such as Airflow's secrets masker
    """

    instances: Instances
    instance_list: InstanceList
    definition_of: Callable[[str, int], WorkflowDefinition]
    mask: Callable[[Any], Any] = lambda value: value

    def cancel(self, wanted: UUID, *, actor: dict[str, Any], reason: str | None = None) -> Instance:
        """End an instance as cancelled; cancelling it again only makes sure that its DAG run has ended too.

        :param actor: who does it, for the execution log
        :returns: the instance as it is now
        :raises Conflict: ``instance-over``: it has ended in another way
        """
        self._store(wanted, actor, reason)
        stored = self.instances.get(wanted)
        if not _is_cancelled(stored):
            message = f"Instance {wanted} has ended already: it is {stored.status}"
            raise Conflict(message, code="instance-over")
        fail_run(stored.dag_id, stored.run_id)
        for child in self._running_children(wanted):
            try:
                self.cancel(child, actor=actor, reason=f"Instance {wanted}, which waited for it, was cancelled")
            except Conflict:
                continue  # it ended meanwhile
        return self.instances.get(wanted)

    def _store(self, wanted: UUID, actor: dict[str, Any], reason: str | None) -> None:
        def work(record: Record) -> None:
            stored, moment = record.stored, datetime.now(UTC)
            definition = self.definition_of(stored.workflow_id, stored.revision)
            machine = Machine(Graph.of(definition), record.state)
            who = f"Cancelled by {actor['name']}"
            if not cancel(machine, f"{who}: {reason}" if reason else who, moment):
                return
            keep(record, machine, moment)
            log = definition.execution_log
            metadata = metadata_of(log.metadata if log is not None else (), stored.event, stored.input)
            masker = Masker(definition, stored.input, self.mask)
            action = LogEntry(EVENT, at=moment, actor=actor, message=reason, metadata=masker.mask(metadata) or None)
            record.log([action, *entries(machine.drain_events(), masker, metadata)])

        self.instances.update(wanted, work)

    def _running_children(self, parent: UUID) -> list[UUID]:
        only = InstanceFilter(parent_instance_id=parent, statuses=("running", "suspended"))
        return [child.id for child in self.instance_list.page(only, limit=PAGE).items]


def _is_cancelled(instance: Instance) -> bool:
    return instance.status == "failed" and (instance.error or {}).get("type") == CANCELLED
