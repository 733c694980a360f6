"""Resuming tasks that wait without a worker, from the api-server (rule I3)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from airflow.models.taskinstance import TaskInstance
from airflow.models.trigger import handle_event_submit
from airflow.triggers.base import TriggerEvent
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from sqlalchemy import select

from airflow_workflow_provider.engine.stored_state import StateUnreadable
from airflow_workflow_provider.failpoints import failpoint
from airflow_workflow_provider.store.outbox import Backoff
from airflow_workflow_provider.store.wakeups import GO_ON, HELD, Wakeup, Wakeups

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from airflow_workflow_provider.store.database import Database

log = logging.getLogger(__name__)

SETTLED: Final = timedelta(seconds=2)
"""How long a task must have waited: the scheduler takes one that goes on sooner for a task that was killed."""

BACKOFF: Final = Backoff(timedelta(seconds=1), timedelta(seconds=30), quick=5, attempts=100)
"""Of looking at a task that does not wait yet; after the last look, about three quarters of an hour, it never will."""

BATCH: Final = 20
REGION_OPERATOR: Final = "RegionOperator"
"""The operator of a task that runs several steps."""

BEFORE_WAITING: Final = frozenset(
    {
        TaskInstanceState.RUNNING,
        TaskInstanceState.QUEUED,
        TaskInstanceState.SCHEDULED,
        TaskInstanceState.RESTARTING,
        TaskInstanceState.UP_FOR_RETRY,
    }
)

Event = Callable[[Wakeup, TaskInstance, "Session"], dict[str, Any] | None]
"""Gives the event with which a task that waited for a question goes on; None where it has nothing to say to it.

It is called with the task instance under its lock, and may write beside it in the same session of Airflow's.
"""


class Told(Enum):
    """What became of telling a task."""

    WOKEN = "woken"
    NOT_YET = "not yet"
    GONE = "gone"


def tell(wakeup: Wakeup, event: Event | None = None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Told:
    """Have a task go on that waits without a worker, as Airflow's own answer to a question does.

    :param event: see :data:`Event`; without one the task is only told to look again
    """
    with create_session() as session:
        found = session.scalar(
            select(TaskInstance)
            .where(
                TaskInstance.dag_id == wakeup.dag_id,
                TaskInstance.run_id == wakeup.run_id,
                TaskInstance.task_id == wakeup.task_id,
                TaskInstance.map_index == -1,
            )
            .with_for_update(of=TaskInstance)
        )
        if found is None:
            return Told.GONE
        if found.state in BEFORE_WAITING:
            return Told.NOT_YET
        if not _waits(found, wakeup):
            return Told.GONE
        if found.updated_at is not None and now() - found.updated_at < SETTLED:
            return Told.NOT_YET
        payload = GO_ON if wakeup.question_id is None or event is None else event(wakeup, found, session)
        if payload is None:
            return Told.GONE
        event_of_airflow = TriggerEvent(payload)  # type: ignore[no-untyped-call]
        handle_event_submit(event_of_airflow, task_instance=found, session=session)
    return Told.WOKEN


def _waits(found: TaskInstance, wakeup: Wakeup) -> bool:
    """Tell whether a task waits for this, not for something else."""
    if found.operator == REGION_OPERATOR:
        # What runs several steps may wait for other things at the same time, and looks at all of them.
        return found.state in (TaskInstanceState.AWAITING_INPUT, TaskInstanceState.DEFERRED)
    if found.state != TaskInstanceState.AWAITING_INPUT:
        return False
    return wakeup.question_id is not None or found.next_method == HELD


class Waker:
    """Tells tasks to go on; any number of processes may do so at once.

    :param event: see :data:`Event`
    """

    def __init__(self, database: Database, event: Event | None = None) -> None:
        self._wakeups = Wakeups(database)
        self._event = event

    def next_due(self) -> timedelta | None:
        """Return how long it takes until a task is to be told; None where there is none."""
        return self._wakeups.next_due()

    def work(self) -> int:
        """Tell the tasks of one batch; return how many were claimed."""
        claimed = self._wakeups.claim(BATCH)
        for wakeup in claimed:
            self._tell(wakeup)
        return len(claimed)

    def _tell(self, wakeup: Wakeup) -> None:
        try:
            told = tell(wakeup, self._event)
        except StateUnreadable as error:
            # Somebody has changed the row; the other tasks of the batch are told all the same.
            log.warning("%s", error.message)
            told = Told.NOT_YET
        if told is Told.WOKEN:
            failpoint("wakeup.delivered")
        if told is not Told.NOT_YET:
            self._wakeups.done(wakeup.id)
        elif (delay := BACKOFF.delay(wakeup.attempts)) is None:
            log.warning("Task %s of run %s did not begin to wait", wakeup.task_id, wakeup.run_id)
            self._wakeups.done(wakeup.id)
        else:
            self._wakeups.later(wakeup.id, delay)
