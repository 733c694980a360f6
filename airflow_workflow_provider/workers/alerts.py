"""Reports attempts and instances that exceed a timeout that only alerts, in the api-server (rule F3).

A task that runs does not look at the time, and one that waits holds no worker. What is due follows from the rows alone,
so a look finds what was left by a process that was killed.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow_workflow_provider.engine.alerts import alert
from airflow_workflow_provider.errors import StoreUnavailable, WorkflowsError
from airflow_workflow_provider.instances.keeping import keep, masker_of
from airflow_workflow_provider.operations.context import machine_of
from airflow_workflow_provider.store.alerts import Alerts
from airflow_workflow_provider.store.journal import entries, metadata_of
from airflow_workflow_provider.store.named import named

if TYPE_CHECKING:
    from uuid import UUID

    from airflow_workflow_provider.operations.context import OperationContext
    from airflow_workflow_provider.store.database import Database
    from airflow_workflow_provider.store.instances import Record

log = logging.getLogger(__name__)


class Alerter:
    """Reports what is due; any number of processes may do so at once.

    :param context: what operations work with
    """

    def __init__(self, context: OperationContext, database: Database) -> None:
        self._context = context
        self._alerts = Alerts(database)

    def work(self, now: datetime | None = None) -> int:
        """Report what is due now; return in how many instances there was something."""
        count = 0
        for wanted in self._alerts.due():
            with named(instance_id=wanted):
                count += self._report(wanted, now)
        return count

    def next_due(self) -> timedelta | None:
        """Return how long it takes until something is due; None for nothing."""
        return self._alerts.next_due()

    def _report(self, wanted: UUID, now: datetime | None) -> bool:
        try:
            return self._context.instances.update(wanted, lambda record: self._within(record, now or datetime.now(UTC)))
        except StoreUnavailable:
            raise
        except WorkflowsError as error:
            # The row was changed manually, or deleted; the others must not wait for it.
            log.warning("It cannot be reported what takes too long in instance %s: %s", wanted, error.message)
            self._alerts.forget(wanted)
            return False

    def _within(self, record: Record, now: datetime) -> bool:
        machine = machine_of(self._context, record)
        with machine.turn(now) as turn:
            found = alert(turn)
            while alert(turn):
                pass
        keep(record, machine, now)
        definition = machine.graph.definition
        names = definition.execution_log.metadata if definition.execution_log is not None else ()
        metadata = metadata_of(names, record.stored.event, machine.state.input)
        record.log(entries(machine.drain_events(), masker_of(machine, self._context.mask), metadata))
        return found
