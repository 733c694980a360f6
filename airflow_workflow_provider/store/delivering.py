"""The deliverer: from stored events to started instances, by as many processes as there are (rules E2, E3)."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from airflow_workflow_provider.engine.failure import WORKFLOW_FAILED, Failure, timestamp
from airflow_workflow_provider.engine.state import MAX_CORRELATION_ID
from airflow_workflow_provider.engine.triggering import input_from
from airflow_workflow_provider.errors import StepFailure, StoreUnavailable, WorkflowsError
from airflow_workflow_provider.model.definition import WorkflowDefinition
from airflow_workflow_provider.model.events import depth_of
from airflow_workflow_provider.model.plain import one_line
from airflow_workflow_provider.store.deliveries import Claimed, Deliveries
from airflow_workflow_provider.store.instances import instance_id
from airflow_workflow_provider.store.jsontext import dumps
from airflow_workflow_provider.store.notices import Notices
from airflow_workflow_provider.store.reasons import masked

if TYPE_CHECKING:
    from airflow_workflow_provider.model.events import CloudEvent
    from airflow_workflow_provider.store.database import Database

log = logging.getLogger(__name__)

RUN_PREFIX: Final = "event__"
MAX_ATTEMPTS: Final = 200
"""Tries of a start that fails for reasons that may pass, about half a day; then it is a dead letter."""

LONGEST_DELAY: Final = timedelta(minutes=5)
POLL: Final = 5.0
"""Seconds after which a deliverer looks even if nobody told it to."""


class StartRefused(WorkflowsError):
    """A :data:`Starter` raises it where trying again would not help."""

    default_code = "start-refused"


@dataclass(frozen=True)
class Start:
    """An instance to be started.

    :param workflow_id: the workflow, and so the DAG
    :param run_id: the same for the same event and workflow, whoever starts it and however often
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
    """

    def __init__(
        self,
        database: Database,
        starter: Starter,
        *,
        max_depth: int = 16,
        batch: int = 10,
        lease: timedelta = timedelta(seconds=60),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._deliveries = Deliveries(database)
        self._starter = starter
        self._max_depth = max_depth
        self._batch = batch
        self._lease = lease
        self._clock = clock

    def run(self, stop: threading.Event, poll: float = POLL) -> None:
        """Deliver until told to stop: at once when an event arrives, and at the latest every ``poll`` seconds.

        Lives through a database that is away; nothing is lost meanwhile.
        """
        with Notices(self._database.url) as notices:
            while not stop.is_set():
                try:
                    while not stop.is_set() and self.deliver():
                        pass
                    notices.wait(poll, stop)
                except StoreUnavailable as error:
                    log.warning("Events wait: %s", error)
                    stop.wait(poll)

    def deliver(self) -> int:
        """Make the deliveries that are due now, one batch; return how many were claimed.

        :raises StoreUnavailable: what was claimed is claimed again when its lease is over
        """
        claimed = self._deliveries.claim(self._batch, self._lease)
        for delivery in claimed:
            self._make(delivery)
        return len(claimed)

    def _make(self, delivery: Claimed) -> None:
        try:
            start = self._start_of(delivery, delivery.event.event)
            self._starter(start)
        except (StepFailure, StartRefused) as error:
            self._deliveries.dead(delivery.id, self._reason(delivery, error))
        except StoreUnavailable:
            raise
        except Exception as error:
            self._again(delivery, error)
        else:
            self._deliveries.started(delivery.id, start.instance_id)

    def _start_of(self, delivery: Claimed, event: CloudEvent) -> Start:
        if delivery.document is None or not delivery.active:
            message = f"Workflow {delivery.workflow_id!r} takes no new instances"
            raise StepFailure(message, type=WORKFLOW_FAILED, code="workflow-inactive")
        if depth_of(event.extensions) > self._max_depth:
            message = f"More than {self._max_depth} workflows in a row were started by the end of the one before"
            raise StepFailure(message, type=WORKFLOW_FAILED, code="event-loop")
        definition = _definition_of(delivery)
        run_id = run_id_of(delivery.event.id)
        given = input_from(
            definition, event, str(instance_id(delivery.workflow_id, run_id)), delivery.event.received_at
        )
        correlation_id = event.correlation_id
        if correlation_id is not None and len(correlation_id) > MAX_CORRELATION_ID:
            correlation_id = None
        return Start(delivery.workflow_id, run_id, given, event.to_json(), correlation_id)

    def _again(self, delivery: Claimed, error: Exception) -> None:
        reason = self._reason(delivery, error)
        if delivery.attempts >= MAX_ATTEMPTS:
            self._deliveries.dead(delivery.id, reason)
            return
        delay = min(LONGEST_DELAY, timedelta(seconds=2.0 ** min(delivery.attempts - 1, 10)))
        delay *= random.uniform(0.75, 1.25)  # noqa: S311 - jitter is no secret
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
        try:
            definition = _definition_of(delivery)
        except ValueError:
            # Then it is the definition that is wrong, not what the event says.
            return reason
        instance = instance_id(delivery.workflow_id, run_id_of(delivery.event.id))
        return masked(reason, definition, delivery.event, str(instance))


def _definition_of(delivery: Claimed) -> WorkflowDefinition:
    return _definition(delivery.workflow_id, delivery.revision, dumps(delivery.document))


@lru_cache(maxsize=256)
def _definition(workflow_id: str, revision: int, text: str) -> WorkflowDefinition:  # noqa: ARG001 - a key to look for
    return WorkflowDefinition.model_validate_json(text)
