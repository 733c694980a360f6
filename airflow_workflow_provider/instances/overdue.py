"""Notifications of overdue attempts and instances (rule F3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.people.notifiers import listening
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.vocabulary import LogEvent

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.machine import Machine
    from airflow_workflow_provider.store.instances import Record

OVERDUE: Final = frozenset({LogEvent.STEP_OVERDUE, LogEvent.INSTANCE_OVERDUE, LogEvent.INSTANCE_DEADLINE_MISSED})
"""The events that are reported to notifiers."""


def notify_overdue(record: Record, machine: Machine) -> None:
    """Have notifiers called for what a change reports to take too long, in the transaction of the change."""
    if any(event.name in OVERDUE for event in machine.log.pending):
        record.notify("overdue", listening(load_settings().notifiers, "overdue", None))
