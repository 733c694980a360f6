"""One thread of a triggerer that asks the store about all steps that wait: for an event, or for another instance.

A thousand waiting steps cost one connection and one question every few seconds, and one more when an event arrives.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol
from uuid import UUID

from airflow_workflow_provider.errors import StoreUnavailable
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.instances import Instances
from airflow_workflow_provider.store.notices import POLL, Notices
from airflow_workflow_provider.store.outbox import Backoff
from airflow_workflow_provider.store.waits import Waits

if TYPE_CHECKING:
    from airflow_workflow_provider.store.types import URL

log = logging.getLogger(__name__)

LEAST_PAUSE: Final = 0.1


AFTER_FAILURE: Final = Backoff(timedelta(seconds=1), timedelta(seconds=30))
"""How long to wait after failures that nobody foresaw."""


class Looks(Protocol):
    """Finds out which of many waits are over."""

    def look(self, ids: Collection[UUID]) -> set[UUID]:
        """Which of these are over."""
        ...


class WaitHub:
    """Watches waits until they have got what they wait for or their time is over.

    :param url: of the database
    :param poll: seconds between two looks
    :param looks: what is asked; by default the waits for events
    """

    def __init__(self, url: URL, poll: float = POLL, looks: Callable[[Database], Looks] = Waits) -> None:
        self._url = url
        self._poll = poll
        self._looks = looks
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._watched: dict[UUID, tuple[Future[None], datetime | None]] = {}
        self._thread: threading.Thread | None = None

    def watch(self, wait: UUID, deadline: datetime | None = None) -> Future[None]:
        """A future that is done when the wait is over.

        :param deadline: when its time is over
        """
        future: Future[None] = Future()
        with self._lock:
            self._watched[wait] = (future, deadline)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="workflow-event-waits", daemon=True)
                self._thread.start()
        self._changed.set()
        return future

    def forget(self, wait: UUID, future: Future[None]) -> None:
        """Watch a wait no more."""
        with self._lock:
            if wait in self._watched and self._watched[wait][0] is future:
                del self._watched[wait]

    def _run(self) -> None:
        """Look until nothing is watched any more; whatever goes wrong, the steps must not wait in vain."""
        failures = 0
        while True:
            try:
                with (
                    Database(self._url, retry_for=0, pooled=False, checked=True, component=True) as database,
                    Notices(database.listen_url) as notices,
                ):
                    waits = self._looks(database)
                    while self._look(waits):
                        failures = 0
                        self._wait(notices)
            except Exception:
                failures += 1
                log.exception("Waiting steps continue to wait; the database is asked again")
                time.sleep((AFTER_FAILURE.delay(failures) or AFTER_FAILURE.longest).total_seconds())
            else:
                return

    def _wait(self, notices: Notices) -> None:
        # Many events in a second are one question.
        time.sleep(LEAST_PAUSE)
        notices.wait(self._pause(), self._changed)
        self._changed.clear()

    def _look(self, waits: Looks) -> bool:
        """End the futures of the waits that are over; False where nothing is watched any more."""
        with self._lock:
            watched = dict(self._watched)
            if not watched:
                self._thread = None
                return False
        now = datetime.now(UTC)
        over = {wait for wait, (_, deadline) in watched.items() if deadline is not None and deadline <= now}
        try:
            over |= waits.look(watched)
        except StoreUnavailable as error:
            log.warning("Waiting steps continue to wait: %s", error)
        for wait in over:
            future = watched[wait][0]
            self.forget(wait, future)
            # The trigger may have been cancelled in this moment.
            with suppress(Exception):
                future.set_result(None)
        return True

    def _pause(self) -> float:
        with self._lock:
            deadlines = [deadline for _, deadline in self._watched.values() if deadline is not None]
        if not deadlines:
            return self._poll
        return min(self._poll, max((min(deadlines) - datetime.now(UTC)).total_seconds(), LEAST_PAUSE))


@lru_cache(maxsize=8)
def hub_of(url: URL) -> WaitHub:
    """The hub of a database in this process."""
    return WaitHub(url)


@lru_cache(maxsize=8)
def instance_hub_of(url: URL) -> WaitHub:
    """The hub of those that wait for the end of an instance."""
    return WaitHub(url, looks=Ends)


class Ends:
    """Finds out which instances have ended."""

    def __init__(self, database: Database) -> None:
        self._instances = Instances(database)

    def look(self, ids: Collection[UUID]) -> set[UUID]:
        """Which of these have ended."""
        return self._instances.ended(ids)
