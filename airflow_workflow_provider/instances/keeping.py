"""Storing an instance after the machine has changed it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow_workflow_provider.engine.completion import owed
from airflow_workflow_provider.engine.failure import moment
from airflow_workflow_provider.engine.masking import Masker, filled_in
from airflow_workflow_provider.engine.suspension import released
from airflow_workflow_provider.instances.admission import claim_of
from airflow_workflow_provider.instances.counting import count_change
from airflow_workflow_provider.instances.overdue import notify_overdue

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_workflow_provider.engine.documents import JsonValue
    from airflow_workflow_provider.engine.machine import Machine
    from airflow_workflow_provider.store.instances import Record


def masker_of(machine: Machine, more: Callable[[JsonValue], JsonValue]) -> Masker:
    """Return what hides the secrets of an instance.

    :param more: masks more than the definition asks for
    """
    return Masker(machine.graph.definition, machine.state.input, more, filled_in(machine.state))


def keep(record: Record, machine: Machine, now: datetime) -> None:
    """Store what the machine has made of an instance, and resume the tasks that need not wait any longer."""
    state = machine.state
    if machine.is_over and record.completed_at is None:
        record.completed_at = now
    elif not machine.is_over:
        record.completed_at = None
    deadline = state.instance.deadline
    record.state = state
    record.status = machine.status
    record.current_step_id = machine.current_step_id
    record.output = state.output
    # Unlike the state, from which the work may continue, this is only read: by people, parents and receivers of events.
    record.error = None if state.error is None else masker_of(machine, lambda value: value).mask(state.error)
    record.compensations_owed = owed(machine.graph, state)
    record.deadline_at = moment(deadline) if deadline else None
    record.claim = claim_of(machine)
    # A suspension ends with the instance too, and a task that waited for its end would keep the run from ending.
    record.wake(released(machine))
    record.save()
    notify_overdue(record, machine)
    count_change(record, machine)
