"""What listeners note for later, and the thread that does it.

Airflow calls listeners where they must be fast, never fail, and keep away from Airflow's database session.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database

T = TypeVar("T")


class Noted(Generic[T]):
    """Does what was noted, one after the other, in a thread of its own; one a process.

    :param name: of the thread
    :param work: does one thing; whatever goes wrong there it has to handle
    """

    def __init__(self, name: str, work: Callable[[T], None]) -> None:
        self._name = name
        self._work = work
        self._process: int | None = None
        self._queue: queue.SimpleQueue[T] = queue.SimpleQueue()
        self._lock = threading.Lock()

    def add(self, noted: T) -> None:
        """Have it done soon."""
        with self._lock:
            if self._process != os.getpid():
                # The first call in this process, which may have been forked from one that had a thread.
                self._process = os.getpid()
                self._queue = queue.SimpleQueue()
                threading.Thread(target=self._run, args=(self._queue,), name=self._name, daemon=True).start()
        self._queue.put(noted)

    def _run(self, todo: queue.SimpleQueue[T]) -> None:
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
