"""Resuming tasks that wait, for as long as the api-server runs (rule I3)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_workflow_provider.airflow_db.resume_tasks import Waker
from airflow_workflow_provider.workers.background import in_background

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from airflow_workflow_provider.airflow_db.resume_tasks import Event
    from airflow_workflow_provider.settings import Settings
    from airflow_workflow_provider.store.database import Database


@contextmanager
def wakeup_service(event_of: Callable[[Database], Event], settings: Settings | None = None) -> Iterator[None]:
    """Tell tasks to go on, in a thread of this process, until the context ends.

    :param event_of: gives for a workflow database what a :class:`Waker` says to tasks
    """

    def work(database: Database, stop: threading.Event) -> None:
        Waker(database, event_of(database)).run(stop)

    with in_background({"waking of tasks": work}, settings):
        yield
