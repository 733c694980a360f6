"""Background work: a thread of the api-server that does what is due, waits and repeats."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from airflow_workflow_provider.errors import WorkflowsError
from airflow_workflow_provider.settings import Settings, load_settings
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.notices import POLL, Notices
from airflow_workflow_provider.store.outbox import Backoff

log = logging.getLogger(__name__)

PATIENCE: Final = 5.0
"""Seconds after which the workflow database counts as unreachable, and for which a stop waits for the threads."""

AFTER_FAILURE: Final = Backoff(timedelta(seconds=5), timedelta(minutes=1), jitter=0.25)
LEAST_PAUSE: Final = 0.05
"""Seconds between two looks although something is due: another process has it at this moment."""

JITTER: Final = 0.1
"""Part of a pause that is random, so that the api-servers do not all look at the same moment."""


@dataclass(frozen=True)
class Job:
    """What a worker does with the workflow database, once it is reached.

    :param work: does what is due, or a batch of it; a number other than 0 says that there may be more, and it is called
        again at once. What it raises is logged, and it is called again after a pause
    :param channel: PostgreSQL channel whose notifications end a pause
    :param next_due: gives the time until something is due, which a pause does not exceed; None for nothing
    """

    work: Callable[[], int | None]
    channel: str | None = None
    next_due: Callable[[], timedelta | None] | None = None


@dataclass(frozen=True)
class Health:
    """How a worker does.

    :param failures: of the last looks, in a row
    :param error: of the last look; None where it succeeded
    :param worked_at: when a look last succeeded
    """

    failures: int = 0
    error: str | None = None
    worked_at: datetime | None = None


class Worker:
    """Does one kind of work in a thread of this process; any number of processes may run the same worker.

    Example: ``Worker("reconciliation", lambda database: Job(Reconciler(database).work), poll=60)``. Work that processes
    share row by row takes its rows, with a lease, from an :class:`~airflow_workflow_provider.store.outbox.Outbox`; work
    that one process does at a time takes a lock in the database.

    A workflow database that is unreachable, or not configured yet, is waited for.

    :param name: of the work, for the log and the thread
    :param job: gives the work for a database; called again with a new one after each failure
    :param poll: seconds between two looks when nothing is notified or due
    :param backoff: how long to wait after failures in a row
    """

    def __init__(
        self,
        name: str,
        job: Callable[[Database], Job],
        *,
        poll: float = POLL,
        backoff: Backoff = AFTER_FAILURE,
        settings: Settings | None = None,
    ) -> None:
        self.name = name
        self._job = job
        self._poll = poll
        self._backoff = backoff
        self._settings = settings or load_settings()
        self._health = Health()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def health(self) -> Health:
        """How it does at this moment."""
        return self._health

    @property
    def is_alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name=f"workflows-{self.name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Have it end when it has done what it is doing; return at once."""
        self._stop.set()

    def join(self, seconds: float = PATIENCE) -> bool:
        """Wait until it has ended; False where it has not after this time."""
        if self._thread is not None:
            self._thread.join(seconds)
        return self._thread is None or not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with Database.configured(self._settings, retry_for=PATIENCE) as database:
                    self._keep_working(self._job(database), database)
            except WorkflowsError as error:
                log.warning("Workflow worker %s is paused: %s", self.name, error)
                self._failed(error)
            except Exception as error:
                # Whatever the error was, the worker must survive it.
                log.exception("Workflow worker %s failed; it will try again", self.name)
                self._failed(error)
            if self._health.failures:
                pause = self._backoff.delay(self._health.failures) or self._backoff.longest
                self._stop.wait(pause.total_seconds())

    def _keep_working(self, job: Job, database: Database) -> None:
        notices = Notices(database.listen_url, job.channel) if job.channel is not None else None
        try:
            while not self._stop.is_set():
                while job.work() and not self._stop.is_set():
                    pass
                self._succeeded()
                pause = self._pause(job)
                if notices is None:
                    self._stop.wait(pause)
                else:
                    notices.wait(pause, self._stop)
        finally:
            if notices is not None:
                notices.close()

    def _pause(self, job: Job) -> float:
        pause = self._poll * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - jitter is no secret
        due = job.next_due() if job.next_due is not None else None
        return pause if due is None else min(max(due.total_seconds(), LEAST_PAUSE), pause)

    def _succeeded(self) -> None:
        if self._health.failures:
            log.info("Workflow worker %s has recovered", self.name)
        self._health = Health(worked_at=datetime.now(UTC))

    def _failed(self, error: Exception) -> None:
        failures = self._health.failures + 1
        self._health = replace(self._health, failures=failures, error=f"{type(error).__name__}: {error}")


@contextmanager
def working(workers: Sequence[Worker]) -> Iterator[None]:
    """Have workers work until the context ends."""
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        for worker in workers:
            worker.stop()
        until = time.monotonic() + PATIENCE
        for worker in workers:
            worker.join(max(until - time.monotonic(), 0.0))
