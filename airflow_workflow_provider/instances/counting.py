"""Metrics of a change of an instance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow_workflow_provider import metrics
from airflow_workflow_provider.engine.failure import moment
from airflow_workflow_provider.vocabulary import LogEvent

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.events import Event
    from airflow_workflow_provider.engine.machine import Machine
    from airflow_workflow_provider.store.instances import Record

_ENDED: Final = {
    LogEvent.STEP_COMPLETED: "completed",
    LogEvent.STEP_FAILED: "failed",
    LogEvent.STEP_CANCELLED: "cancelled",
}
_COMPENSATED: Final = {LogEvent.COMPENSATION_COMPLETED: "completed", LogEvent.COMPENSATION_FAILED: "failed"}


def count_change(record: Record, machine: Machine) -> None:
    """Report what has started and ended in a change that is about to be committed."""
    workflow_id = record.stored.workflow_id
    if record.created:
        metrics.count(metrics.INSTANCES_STARTED, workflow_id=workflow_id)
    if machine.is_over and (record.created or record.stored.completed_at is None):
        metrics.count(metrics.INSTANCES_ENDED, workflow_id=workflow_id, status=machine.status)
    for event in machine.log.trace or ():
        _count_step(machine, event, workflow_id)
    for event in machine.log.pending:
        if event.name == LogEvent.INSTANCE_OVERDUE:
            metrics.count(metrics.INSTANCES_OVERDUE, workflow_id=workflow_id)
        elif event.name == LogEvent.INSTANCE_DEADLINE_MISSED:
            metrics.count(metrics.DEADLINES_MISSED, workflow_id=workflow_id)
        elif event.name == LogEvent.STEP_OVERDUE:
            metrics.count(metrics.STEPS_OVERDUE, workflow_id=workflow_id, step_id=str(event.step_id))


def _count_step(machine: Machine, event: Event, workflow_id: str) -> None:
    if event.name in _COMPENSATED:
        metrics.count(metrics.COMPENSATIONS_ENDED, workflow_id=workflow_id, status=_COMPENSATED[event.name])
        return
    if event.step_id is None:
        return
    if event.name == LogEvent.STEP_RETRYING:
        metrics.count(metrics.STEPS_RETRIED, workflow_id=workflow_id, step_id=event.step_id)
        return
    status = _ENDED.get(event.name)
    record = machine.state.record(event.scope, event.step_id) if status is not None else None
    if status is not None and record is not None and record.started_at is not None:
        duration = event.at - moment(record.started_at)
        metrics.timing(metrics.STEPS_DURATION, duration, workflow_id=workflow_id, step_id=event.step_id, status=status)
