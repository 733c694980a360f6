"""Work that goes on in threads of the api-server for as long as it serves."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from airflow_workflow_provider.errors import WorkflowsError
from airflow_workflow_provider.settings import Settings, load_settings
from airflow_workflow_provider.store.database import Database

log = logging.getLogger(__name__)

Work = Callable[[Database, threading.Event], None]
"""Works until it is told to stop."""

PATIENCE: Final = 5.0
"""Seconds after which the workflow database counts as away; what is to be done waits in it."""

AWAY: Final = 10.0
"""Seconds until it is tried again after a failure."""


@contextmanager
def in_background(works: Mapping[str, Work], settings: Settings | None = None) -> Iterator[None]:
    """Do works in threads of this process until the context ends.

    A workflow database that is away, or not configured yet, is waited for.

    :param works: what is done, by a name for the log
    """
    stop = threading.Event()
    settings = settings or load_settings()
    threads = [
        threading.Thread(target=_keep_going, args=(name, work, settings, stop), name=f"workflows-{name}", daemon=True)
        for name, work in works.items()
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE)


def _keep_going(name: str, work: Work, settings: Settings, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            with Database.configured(settings, retry_for=PATIENCE) as database:
                work(database, stop)
        except WorkflowsError as error:
            log.warning("Workflow worker %s is paused: %s", name, error)
        except Exception:
            # Whatever it was, what comes next must find somebody.
            log.exception("Workflow worker %s failed; it will try again", name)
        stop.wait(AWAY)
