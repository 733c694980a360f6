"""Delivers events, and takes them over from assets, in Airflow's api-server (rules E2, E4)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.airflow_db.asset_events import AssetForwarder
from airflow_workflow_provider.airflow_db.dag_runs import find_run, start_run
from airflow_workflow_provider.airflow_internals.secrets_masker import server_mask
from airflow_workflow_provider.bounded.pool import PoolDoor
from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.failpoints import failpoint
from airflow_workflow_provider.instances.run_conf import START, conf_of
from airflow_workflow_provider.instances.session import Run
from airflow_workflow_provider.operations.loading import Loading
from airflow_workflow_provider.operations.start_instance import open_instance
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.delivering import Deliverer, Start, StartRefused
from airflow_workflow_provider.store.events import CHANNEL
from airflow_workflow_provider.store.starts import Starts
from airflow_workflow_provider.store.tasks import Tasks
from airflow_workflow_provider.vocabulary import ProblemCode
from airflow_workflow_provider.workers.evaluation import evaluations
from airflow_workflow_provider.workers.worker import Job, Worker

if TYPE_CHECKING:
    from airflow_workflow_provider.settings import Settings
    from airflow_workflow_provider.store.database import Database

ASSET_POLL: Final = 2.0
"""Seconds between two looks at Airflow's asset events."""


def start_instance(start: Start, database: Database, settings: Settings | None = None) -> None:
    """Make the DAG run of an instance, of what is published now; one that this start made before is the same.

    :raises StartRefused: Airflow does not accept the run, whenever it is asked, or somebody else has made it
    :raises Conflict: the DAG's newest version is not loaded yet or broken, or it is paused, which may pass
    """
    announced = Starts(database).announce(start.instance_id, start.about)
    failpoint("event.announced")
    conf = conf_of(start.input, {START: announced.token})
    try:
        run = find_run(start.workflow_id, start.run_id)
        if run is None:
            loading = Loading(Definitions(database), Tasks(database))
            wanted = loading.wanted(start.workflow_id)
            version = loading.ready(wanted).dag if wanted is not None else None
            run = start_run(start.workflow_id, start.run_id, conf, version=version)
    except Misuse as error:
        raise StartRefused(error.message, code=error.code) from error
    if not run.created and not Run(run.dag_id, run.run_id, run.conf).is_of(announced):
        message = f"Another user has created the DAG run {start.run_id!r} of workflow {start.workflow_id!r}"
        raise StartRefused(message, code=ProblemCode.RUN_NOT_OURS)
    failpoint("event.run-made")
    open_instance(database, run, settings or load_settings(), server_mask)
    failpoint("event.stored")


def _door_of(workflow_id: str) -> PoolDoor:
    return PoolDoor(evaluations, "events", f"an event for workflow {workflow_id}")


def event_workers(settings: Settings) -> tuple[Worker, ...]:
    """Return what delivers events, and what takes over asset events."""

    def deliver(database: Database) -> Job:
        starter = partial(start_instance, database=database, settings=settings)
        deliverer = Deliverer(database, starter, max_depth=settings.max_depth, door_of=_door_of)
        return Job(deliverer.deliver, CHANNEL, deliverer.next_due)

    return (
        Worker("delivery of events", deliver, settings=settings),
        Worker(
            "take-over of assets",
            lambda database: Job(AssetForwarder(database).forward),
            poll=ASSET_POLL,
            settings=settings,
        ),
    )
