"""Resuming tasks that wait without a worker, from the api-server (rule I3)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from airflow.jobs.job import Job
from airflow.models.taskinstance import TaskInstance
from airflow.models.trigger import handle_event_submit
from airflow.triggers.base import TriggerEvent
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from sqlalchemy import select

from airflow_workflow_provider.engine.stored_state import StateUnreadable
from airflow_workflow_provider.failpoints import failpoint
from airflow_workflow_provider.store.named import named_run
from airflow_workflow_provider.store.outbox import Backoff
from airflow_workflow_provider.store.wakeups import CONTINUE, HELD, Wakeup, Wakeups

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from airflow_workflow_provider.store.database import Database

log = logging.getLogger(__name__)

SETTLED: Final = timedelta(seconds=2)
"""How long a task must have waited when its scheduler reported last, see :func:`_has_settled`."""

SETTLES_WITHIN: Final = timedelta(minutes=1)
"""After this time a scheduler is not waited for any more, whatever the clocks of the machines say."""

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
"""Returns the event with which a task that waited for a question continues; None if it has nothing to say to it.

It is called with the task instance under its lock, and may write beside it in the same session of Airflow's.
"""


class Resumption(Enum):
    """The outcome of resuming a task."""

    WOKEN = "woken"
    NOT_YET = "not yet"
    GONE = "gone"


def resume_task(
    wakeup: Wakeup, event: Event | None = None, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Resumption:
    """Resume a task that waits without a worker, as Airflow's own answer to a question does.

    :param event: see :data:`Event`; without one the task only looks again
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
            return Resumption.GONE
        if found.state in BEFORE_WAITING:
            return Resumption.NOT_YET
        if not _waits(found, wakeup):
            return Resumption.GONE
        if found.updated_at is not None and not _has_settled(session, found, found.updated_at, now()):
            return Resumption.NOT_YET
        payload = CONTINUE if wakeup.question_id is None or event is None else event(wakeup, found, session)
        if payload is None:
            return Resumption.GONE
        event_of_airflow = TriggerEvent(payload)  # type: ignore[no-untyped-call]
        handle_event_submit(event_of_airflow, task_instance=found, session=session)
    return Resumption.WOKEN


def _has_settled(session: Session, found: TaskInstance, since: datetime, now: datetime) -> bool:
    """Return whether the scheduler knows that the process has ended in which a task began to wait.

    It takes a task that runs again, before it has processed that end, for one that was killed. It processes ends in
    each round, right before it reports that it is alive; on a busy machine a round takes long.
    """
    age = now - since
    if age < SETTLED or age >= SETTLES_WITHIN:
        return age >= SETTLED
    job = session.get(Job, found.queued_by_job_id) if found.queued_by_job_id is not None else None
    if job is None or job.latest_heartbeat is None or not job.is_alive():
        # The end was reported to a scheduler that is not there any more.
        return True
    return bool(job.latest_heartbeat - since >= SETTLED)


def _waits(found: TaskInstance, wakeup: Wakeup) -> bool:
    """Return whether a task waits for this, not for something else."""
    if found.operator == REGION_OPERATOR:
        # What runs several steps may wait for other things at the same time, and looks at all of them.
        return found.state in (TaskInstanceState.AWAITING_INPUT, TaskInstanceState.DEFERRED)
    if found.state != TaskInstanceState.AWAITING_INPUT:
        return False
    return wakeup.question_id is not None or found.next_method == HELD


class Waker:
    """Resumes waiting tasks; any number of processes may do so at the same time.

    :param event: see :data:`Event`
    """

    def __init__(self, database: Database, event: Event | None = None) -> None:
        self._wakeups = Wakeups(database)
        self._event = event

    def next_due(self) -> timedelta | None:
        """Return how long it takes until a task is to be resumed; None if there is none."""
        return self._wakeups.next_due()

    def work(self) -> int:
        """Resume the tasks of one batch; return how many were claimed."""
        claimed = self._wakeups.claim(BATCH)
        for wakeup in claimed:
            self._resume(wakeup)
        return len(claimed)

    def _resume(self, wakeup: Wakeup) -> None:
        names = {"task_id": wakeup.task_id, "question_id": wakeup.question_id}
        with named_run(wakeup.dag_id, wakeup.run_id, **names):
            self._try(wakeup)

    def _try(self, wakeup: Wakeup) -> None:
        try:
            found = resume_task(wakeup, self._event)
        except StateUnreadable as error:
            # Another process has changed the row; the other tasks of the batch are resumed all the same.
            log.warning("%s", error.message)
            found = Resumption.NOT_YET
        if found is Resumption.WOKEN:
            failpoint("wakeup.delivered")
        if found is not Resumption.NOT_YET:
            self._wakeups.done(wakeup.id)
        elif (delay := BACKOFF.delay(wakeup.attempts)) is None:
            log.warning("Task %s of run %s did not begin to wait", wakeup.task_id, wakeup.run_id)
            self._wakeups.done(wakeup.id)
        else:
            self._wakeups.later(wakeup.id, delay)
