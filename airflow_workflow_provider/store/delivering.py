"""The deliverer: from stored events to started instances, in any number of processes (rules E2, E3)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from airflow_workflow_provider.bounded.doors import Door, behind
from airflow_workflow_provider.engine.failure import Failure, timestamp
from airflow_workflow_provider.engine.instance_records import MAX_CORRELATION_ID
from airflow_workflow_provider.engine.triggering import input_of
from airflow_workflow_provider.errors import LimitExceeded, Overloaded, StepFailure, StoreUnavailable, WorkflowsError
from airflow_workflow_provider.failpoints import failpoint
from airflow_workflow_provider.model.events import depth_of
from airflow_workflow_provider.model.plain import one_line
from airflow_workflow_provider.settings import MAX_DEPTH
from airflow_workflow_provider.store.deliveries import Claimed, Deliveries
from airflow_workflow_provider.store.instances import instance_id
from airflow_workflow_provider.store.named import named_run
from airflow_workflow_provider.store.outbox import Backoff
from airflow_workflow_provider.store.reasons import masked_document
from airflow_workflow_provider.vocabulary import ErrorType, ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.model.events import CloudEvent
    from airflow_workflow_provider.store.database import Database

log = logging.getLogger(__name__)

RUN_PREFIX: Final = "event__"
BACKOFF: Final = Backoff(timedelta(seconds=1), timedelta(minutes=5), jitter=0.25, attempts=200)
"""Of a start that fails for reasons that may pass; after the last try, about half a day, it is a dead letter."""

MAX_KILLS: Final = 3
"""Evaluations of one delivery that have to be stopped; then it is a dead letter."""

MAX_LAPSES: Final = 10
"""Tries of which nobody ever heard again, because the process that made them died; then it is a dead letter."""

SUSPICION: Final = timedelta(minutes=1)
"""For so long after a stopped evaluation the other deliveries of its workflow are made one at a time."""

OVERLOADED: Final = timedelta(seconds=1)
"""After this time a delivery is taken up again for which no process was free."""


class StartRefused(WorkflowsError):
    """A :data:`Starter` raises it where trying again would not help."""

    default_code = ProblemCode.START_REFUSED


@dataclass(frozen=True)
class Start:
    """An instance to be started.

    :param workflow_id: the workflow, and so the DAG
    :param run_id: the same for the same event and workflow, however often and by whom it is started
    :param input: the input, checked and with its defaults
    :param event: the CloudEvent that starts it
    """

    workflow_id: str
    run_id: str
    input: dict[str, Any]
    event: dict[str, Any]
    correlation_id: str | None

    @property
    def instance_id(self) -> UUID:
        """The id of the instance."""
        return instance_id(self.workflow_id, self.run_id)

    @property
    def about(self) -> dict[str, Any]:
        """What is known about it beside the input."""
        return {"event": self.event, "correlationId": self.correlation_id}


Starter = Callable[[Start], None]
"""Starts an instance; a run of that id that exists already counts as started.

Raises :class:`StartRefused` where it never will; any other exception has it tried again later.
"""


def run_id_of(event: UUID) -> str:
    """The id of the DAG runs that an event starts, one in each DAG."""
    return f"{RUN_PREFIX}{event}"


class Deliverer:
    """Makes the deliveries that are due.

    :param database: the store
    :param starter: starts instances
    :param max_depth: how many workflows may follow from each other by events before it counts as a loop
    :param batch: deliveries claimed at a time
    :param lease: how long a claimed delivery may take
    :param door_of: gives for a workflow within which limits its transform and its schema are evaluated
    """

    def __init__(
        self,
        database: Database,
        starter: Starter,
        *,
        max_depth: int = MAX_DEPTH,
        batch: int = 10,
        lease: timedelta = timedelta(seconds=60),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        door_of: Callable[[str], Door | None] = lambda _: None,
    ) -> None:
        self._door_of = door_of
        self._suspects: dict[str, datetime] = {}
        self._database = database
        self._deliveries = Deliveries(database)
        self._starter = starter
        self._max_depth = max_depth
        self._batch = batch
        self._lease = lease
        self._clock = clock

    def deliver(self) -> int:
        """Make the deliveries that are due now, one batch; return how many were claimed.

        Of those that may be to blame for a try that ended badly, one comes after each batch of the others: it may
        take long, or take this process with it.

        :raises StoreUnavailable: what was claimed is claimed again when its lease is over
        """
        now = self._clock()
        self._suspects = {name: until for name, until in self._suspects.items() if until > now}
        claimed = self._deliveries.claim(self._batch, self._lease, suspected=False, suspects=self._suspects)
        if claimed:
            failpoint("event.claimed")
        for delivery in claimed:
            if delivery.workflow_id in self._suspects:
                self._deliveries.release(delivery.id)
            else:
                self._make(delivery)
        careful = self._deliveries.claim(1, self._lease, suspected=True, suspects=self._suspects)
        for delivery in careful:
            self._make(delivery)
        return len(claimed) + len(careful)

    def next_due(self) -> timedelta | None:
        """Return how long it takes until a delivery is due; None where there is none."""
        return self._deliveries.next_due()

    def _make(self, delivery: Claimed) -> None:
        run_id = run_id_of(delivery.event.id)
        with named_run(delivery.workflow_id, run_id, event_id=delivery.event.event.id):
            self._try(delivery)

    def _try(self, delivery: Claimed) -> None:
        if delivery.lapses >= MAX_LAPSES:
            self._deliveries.dead(delivery.id, self._lost(delivery))
            return
        try:
            with behind(self._door_of(delivery.workflow_id)):
                start = self._start_of(delivery, delivery.event.event)
            self._starter(start)
        except (StepFailure, StartRefused) as error:
            self._deliveries.dead(delivery.id, self._reason(delivery, error))
        except (LimitExceeded, MemoryError, RecursionError) as error:
            self._killed(delivery, error)
        except Overloaded:
            # Other users occupy the processes; this does not count as a try.
            self._deliveries.release(delivery.id, OVERLOADED)
        except StoreUnavailable:
            raise
        except Exception as error:
            self._again(delivery, error)
        else:
            self._deliveries.started(delivery.id, start.instance_id)

    def _killed(self, delivery: Claimed, error: Exception) -> None:
        self._suspects[delivery.workflow_id] = self._clock() + SUSPICION
        kills = delivery.kills + 1
        failure = Failure(type(error).__name__, f"{error}; tried {kills} times", code=LimitExceeded.default_code)
        reason = failure.error_object(None, None, timestamp(self._clock()))
        log.warning("Event %s for workflow %s: %s", delivery.event.id, delivery.workflow_id, reason["message"])
        if kills >= MAX_KILLS:
            self._deliveries.dead(delivery.id, reason)
        else:
            self._deliveries.later(delivery.id, timedelta(seconds=5.0**kills), reason, killed=True)

    def _lost(self, delivery: Claimed) -> dict[str, Any]:
        message = f"It is unknown how {delivery.lapses} tries to start it ended, because their processes died"
        return Failure(ErrorType.WORKER_LOST, message).error_object(None, None, timestamp(self._clock()))

    def _start_of(self, delivery: Claimed, event: CloudEvent) -> Start:
        if delivery.document is None or not delivery.active:
            message = f"Workflow {delivery.workflow_id!r} does not accept new instances"
            raise StepFailure(message, type=ErrorType.WORKFLOW_FAILED, code=ProblemCode.WORKFLOW_INACTIVE)
        if depth_of(event.extensions) > self._max_depth:
            message = f"More than {self._max_depth} workflows in a row were started by the end of the one before"
            raise StepFailure(message, type=ErrorType.WORKFLOW_FAILED, code=ProblemCode.EVENT_LOOP)
        run_id = run_id_of(delivery.event.id)
        at = delivery.event.received_at.isoformat()
        instance = str(instance_id(delivery.workflow_id, run_id))
        given = input_of(delivery.document, event.to_json(), instance, at)
        correlation_id = event.correlation_id
        if correlation_id is not None and len(correlation_id) > MAX_CORRELATION_ID:
            correlation_id = None
        return Start(delivery.workflow_id, run_id, given, event.to_json(), correlation_id)

    def _again(self, delivery: Claimed, error: Exception) -> None:
        reason = self._reason(delivery, error)
        delay = BACKOFF.delay(delivery.attempts)
        if delay is None:
            self._deliveries.dead(delivery.id, reason)
            return
        log.warning(
            "Workflow %s could not be started by event %s, try %s: %s",
            delivery.workflow_id,
            delivery.event.id,
            delivery.attempts,
            one_line(str(reason["message"])),
        )
        self._deliveries.later(delivery.id, delay, reason)

    def _reason(self, delivery: Claimed, error: Exception) -> dict[str, Any]:
        reason = Failure.from_exception(error).error_object(None, None, timestamp(self._clock()))
        if delivery.document is None:
            return reason
        instance = str(instance_id(delivery.workflow_id, run_id_of(delivery.event.id)))
        try:
            with behind(self._door_of(delivery.workflow_id)):
                at = delivery.event.received_at.isoformat()
                return masked_document(reason, delivery.document, delivery.event.event.to_json(), instance, at)
        except (LimitExceeded, Overloaded, MemoryError, RecursionError):
            # What is secret in it cannot be determined, so nothing of it is shown.
            return {**reason, "message": "It failed; what is secret in the message could not be hidden", "details": {}}
        except (ValueError, WorkflowsError):
            # Then the definition is wrong, not the event.
            return reason
