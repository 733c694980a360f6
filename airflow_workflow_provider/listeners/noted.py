"""What listeners note for later, and the thread that does it.

Airflow calls listeners where they must be fast, never fail, and keep away from Airflow's database session. While the
workflow database is unavailable more may be noted than is done, so the number of notes is limited: what is beyond it is
dropped, counted and logged, and reconciliation settles it.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from airflow_workflow_provider.metrics import LISTENERS_DROPPED, count

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database

T = TypeVar("T")

log = logging.getLogger(__name__)

MAX_NOTED: Final = 1000
"""Notes that may wait in a process. They keep the ``conf`` of their runs, so it bounds memory."""


class Noted(Generic[T]):
    """Does what was noted, one after the other, in a thread of its own; one a process.

    :param name: of the thread
    :param work: does one thing; whatever goes wrong there it has to handle
    :param limit: of notes that wait; the newest are dropped beyond it
    """

    def __init__(self, name: str, work: Callable[[T], None], *, limit: int = MAX_NOTED) -> None:
        self._name = name
        self._work = work
        self._limit = limit
        self._process: int | None = None
        self._queue: queue.Queue[T] = queue.Queue(limit)
        self._dropping = False
        self._lock = threading.Lock()

    def add(self, noted: T) -> None:
        """Have it done soon, or dropped where too much waits already."""
        with self._lock:
            if self._process != os.getpid():
                # The first call in this process, which may have been forked from one that had a thread.
                self._process = os.getpid()
                self._queue = queue.Queue(self._limit)
                threading.Thread(target=self._run, args=(self._queue,), name=self._name, daemon=True).start()
        try:
            self._queue.put_nowait(noted)
        except queue.Full:
            self._drop()
        else:
            self._dropping = False

    def _drop(self) -> None:
        count(LISTENERS_DROPPED, queue=self._name)
        if not self._dropping:
            # One line for all that are dropped in a row: a database that is unavailable must not fill the log.
            log.warning(
                "More than %s notes wait in %s; reconciliation settles what is dropped", self._limit, self._name
            )
        self._dropping = True

    def _run(self, todo: queue.Queue[T]) -> None:
        while True:
            self._work(todo.get())


@contextmanager
def reached(what: str) -> Iterator[Database]:
    """Reach the configured workflow database for one thing that was noted, and evaluate within limits meanwhile.

    :param what: by which way the work came, as messages and the log call it
    """
    # Imported here: most processes never have anything to do.
    from airflow_workflow_provider.store.database import Database
    from airflow_workflow_provider.workers.evaluation import evaluating_for

    with evaluating_for("airflow", what), Database.configured(pooled=False) as found:
        yield found
