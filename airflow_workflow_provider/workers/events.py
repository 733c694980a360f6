"""Events in Airflow's api-server: delivered, and taken over from assets, for as long as it runs (rules E2, E4)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.airflow_db.asset_events import AssetForwarder
from airflow_workflow_provider.airflow_db.dag_runs import start_run
from airflow_workflow_provider.bounded.pool import PoolDoor
from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.instances.session import ABOUT, START, Run
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.delivering import Deliverer, Start, StartRefused
from airflow_workflow_provider.store.starts import Starts
from airflow_workflow_provider.workers.background import in_background
from airflow_workflow_provider.workers.evaluation import evaluations

if TYPE_CHECKING:
    from airflow_workflow_provider.settings import Settings
    from airflow_workflow_provider.store.database import Database

ASSET_POLL: Final = 2.0
"""Seconds between two looks at Airflow's asset events."""


def start_instance(start: Start, starts: Starts) -> None:
    """Make the DAG run of an instance; one that this start made before is the same.

    :raises StartRefused: Airflow does not accept the run, whenever it is asked, or somebody else has made it
    :raises Conflict: the DAG is not loaded yet, broken or paused, which may pass
    """
    announced = starts.announce(start.instance_id, start.about)
    try:
        run = start_run(start.workflow_id, start.run_id, {**start.input, ABOUT: {START: announced.token}})
    except Misuse as error:
        raise StartRefused(error.message, code=error.code) from error
    if not run.created and not Run(run.dag_id, run.run_id, run.conf).is_of(announced):
        message = f"Somebody else has made a DAG run {start.run_id!r} of workflow {start.workflow_id!r}"
        raise StartRefused(message, code="run-not-ours")


def _door_of(workflow_id: str) -> PoolDoor:
    return PoolDoor(evaluations, "events", f"an event for workflow {workflow_id}")


@contextmanager
def event_service(settings: Settings | None = None) -> Iterator[None]:
    """Deliver events and take over asset events, in threads of this process, until the context ends.

    Any number of processes may do so at once.
    """
    settings = settings or load_settings()

    def deliver(database: Database, stop: threading.Event) -> None:
        starter = partial(start_instance, starts=Starts(database))
        Deliverer(database, starter, max_depth=settings.max_depth, door_of=_door_of).run(stop)

    with in_background({"delivery of events": deliver, "take-over of assets": forward_assets}, settings):
        yield


def forward_assets(database: Database, stop: threading.Event, poll: float = ASSET_POLL) -> None:
    """Take over asset events until told to stop."""
    forwarder = AssetForwarder(database)
    while not stop.is_set():
        forwarder.forward()
        stop.wait(poll)
