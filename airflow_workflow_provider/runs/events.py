"""Events in Airflow's api-server: delivered, and taken over from assets, for as long as it runs (rules E2, E4)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.errors import Misuse, WorkflowsError
from airflow_workflow_provider.operators.ledger import ABOUT
from airflow_workflow_provider.runs.assets import AssetForwarder
from airflow_workflow_provider.runs.starting import start_run
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.delivering import Deliverer, Start, StartRefused

if TYPE_CHECKING:
    from airflow_workflow_provider.settings import Settings

log = logging.getLogger(__name__)

ASSET_POLL: Final = 2.0
"""Seconds between two looks at Airflow's asset events."""

PATIENCE: Final = 5.0
"""Seconds after which the workflow database counts as away; the events wait in it."""

AWAY: Final = 10.0
"""Seconds until it is tried again after a failure."""


def start_instance(start: Start) -> None:
    """Make the DAG run of an instance; one that is there already is the same start.

    :raises StartRefused: Airflow does not accept the run, whenever it is asked
    :raises Conflict: the DAG is not loaded yet, broken or paused, which may pass
    """
    try:
        start_run(start.workflow_id, start.run_id, {**start.input, ABOUT: start.about})
    except Misuse as error:
        raise StartRefused(error.message, code=error.code) from error


@contextmanager
def event_service(settings: Settings | None = None) -> Iterator[None]:
    """Deliver events and take over asset events, in threads of this process, until the context ends.

    Any number of processes may do so at once. A workflow database that is away, or not configured yet, is waited for.
    """
    stop = threading.Event()
    settings = settings or load_settings()
    works: tuple[Callable[[Database], None], ...] = (
        lambda database: Deliverer(database, start_instance, max_depth=settings.max_depth).run(stop),
        lambda database: forward_assets(database, stop),
    )
    threads = [
        threading.Thread(target=_keep_going, args=(work, settings, stop), name="workflow-events", daemon=True)
        for work in works
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE)


def forward_assets(database: Database, stop: threading.Event, poll: float = ASSET_POLL) -> None:
    """Take over asset events until told to stop."""
    forwarder = AssetForwarder(database)
    while not stop.is_set():
        forwarder.forward()
        stop.wait(poll)


def _keep_going(work: Callable[[Database], None], settings: Settings, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            with Database.configured(settings, retry_for=PATIENCE) as database:
                work(database)
        except WorkflowsError as error:
            log.warning("Events are not delivered now: %s", error)
        except Exception:
            # Whatever it was, the next event must find somebody.
            log.exception("The delivery of events failed; it goes on")
        stop.wait(AWAY)
