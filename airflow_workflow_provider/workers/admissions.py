"""Lets instances run whose turn it is, and ends those that another one replaces, in the api-server (rule I7).

What is to be done follows from the rows alone, so a look finds what was left by a process that was killed.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.operating import verdict
from airflow_workflow_provider.engine.suspension import admit
from airflow_workflow_provider.errors import Conflict, NotFound, StoreUnavailable, WorkflowsError
from airflow_workflow_provider.instances.keeping import keep, masker_of
from airflow_workflow_provider.instances.session import options_of
from airflow_workflow_provider.operations.context import Order, machine_of
from airflow_workflow_provider.operations.lifecycle import cancel
from airflow_workflow_provider.operations.permission import UNRESTRICTED
from airflow_workflow_provider.store.instances import lock_instance
from airflow_workflow_provider.store.journal import entries, metadata_of
from airflow_workflow_provider.store.places import Places, first_of, note_admitted
from airflow_workflow_provider.workers.evaluation import evaluating_for

if TYPE_CHECKING:
    from uuid import UUID

    from airflow_workflow_provider.operations.context import OperationContext
    from airflow_workflow_provider.store.database import Database
    from airflow_workflow_provider.store.places import Claim, Replaced
    from airflow_workflow_provider.store.types import Connection

log = logging.getLogger(__name__)

BY: Final = {"id": "concurrency", "name": "the limit of concurrent instances"}
"""Who cancels an instance that another one replaces."""


class Admitter:
    """Admits what waits; any number of processes may do so at once.

    :param context: what operations work with
    """

    def __init__(self, context: OperationContext, database: Database) -> None:
        self._context = context
        self._database = database
        self._places = Places(database)

    def work(self) -> int:
        """Do what is due now; return how many instances were admitted."""
        with evaluating_for("airflow", "the admission of queued instances"):
            for replaced in self._places.replaced():
                self._end(replaced)
        return sum(self._admit_all(claim) for claim in self._places.free())

    def _admit_all(self, claim: Claim) -> int:
        """Admit instances of one queue until no place is free, and return how many.

        One whose rows cannot be read lets the others pass.
        """
        count = 0
        skipped: list[UUID] = []
        while True:
            tried: list[UUID] = []
            try:
                admitted = self._database.run(partial(self._admit_first, claim, skipped, tried))
            except StoreUnavailable:
                raise
            except WorkflowsError as error:
                if not tried:
                    raise
                log.warning("Instance %s, whose turn it is, cannot run: %s", tried[-1], error.message)
                skipped.append(tried[-1])
                continue
            if not admitted:
                return count
            count += 1

    def _admit_first(self, claim: Claim, skipped: list[UUID], tried: list[UUID], connection: Connection) -> bool:
        """Admit the instance whose turn it is, if there is one.

        :param tried: gets that instance
        """
        first = first_of(connection, claim, skipped)
        if first is None:
            return False
        tried.append(first)
        self._admit(connection, first)
        return True

    def _admit(self, connection: Connection, wanted: UUID) -> None:
        record = lock_instance(connection, wanted)
        machine, now = machine_of(self._context, record), datetime.now(UTC)
        note_admitted(connection, wanted)
        if not admit(machine, now):
            return
        keep(record, machine, now)
        definition = machine.graph.definition
        masker = masker_of(machine, self._context.mask)
        names = definition.execution_log.metadata if definition.execution_log is not None else ()
        metadata = metadata_of(names, record.stored.event, machine.state.input)
        record.log(entries(machine.drain_events(), masker, metadata))

    def _end(self, replaced: Replaced) -> None:
        """Cancel an instance that another one replaces, with its compensations if it has any."""
        try:
            machine = self._machine(replaced.instance_id)
            handled = machine.state.failure
            if handled is not None and not handled.cancelled:
                return  # It has failed; its compensations must not be cut off.
            compensate = verdict(machine, "cancel", compensate=True).outcome != "refused"
            order = Order(BY, UNRESTRICTED, "limit", f"Instance {replaced.replaced_by} replaces it")
            cancel(self._context, replaced.instance_id, order, compensate=compensate)
        except StoreUnavailable:
            raise
        except (Conflict, NotFound) as error:
            # It is about to end, or has ended meanwhile.
            log.info("Instance %s is replaced: %s", replaced.instance_id, error.message)
        except WorkflowsError as error:
            log.warning("Instance %s is to be replaced and cannot be ended: %s", replaced.instance_id, error.message)

    def _machine(self, wanted: UUID) -> Machine:
        stored, context = self._context.instances.get(wanted), self._context
        return Machine(
            context.graph_of(stored.workflow_id, stored.revision), stored.state, options_of(context.settings)
        )
