"""The faults that are injected: a table, so that another one is one more function."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import psutil
from sqlalchemy import text

from airflow_workflow_provider.local.airflow import LocalEnvironment
from airflow_workflow_provider.local.client import AirflowClient
from airflow_workflow_provider.local.configuration import METADATA_DATABASE
from airflow_workflow_provider.store.database import Database

AWAY: Final = 8.0
"""Seconds for which a database refuses connections."""


@dataclass(frozen=True)
class Place:
    """Where faults are injected."""

    environment: LocalEnvironment
    client: AirflowClient
    random: random.Random


Fault = Callable[[Place], None]


def _daemon(place: Place, name: str) -> psutil.Process:
    status = next(each for each in place.environment.status().daemons if each.name == name)
    return psutil.Process(status.pid)


def _kill_daemon(name: str) -> Fault:
    """Kill a daemon, not what restarts it, with all that it has started."""

    def kill(place: Place) -> None:
        for process in _daemon(place, name).children(recursive=True):
            with suppress(psutil.Error):
                process.send_signal(signal.SIGKILL)

    return kill


def _kill_scheduler_alone(place: Place) -> None:
    """Kill the scheduler, and leave the workers of its executor."""
    for process in _daemon(place, "scheduler").children():
        with suppress(psutil.Error):
            process.send_signal(signal.SIGKILL)


def _kill_some_tasks(place: Place) -> None:
    """Kill some of the processes below the scheduler's."""
    children = [each for process in _daemon(place, "scheduler").children() for each in process.children(recursive=True)]
    for process in place.random.sample(children, min(4, len(children))):
        with suppress(psutil.Error):
            process.send_signal(signal.SIGKILL)


def _metadata(place: Place) -> Database:
    return Database(place.environment.postgres.url(METADATA_DATABASE), retry_for=10, pooled=False)


def _own_runs(place: Place) -> list[tuple[str, str]]:
    query = text("SELECT dag_id, run_id FROM dag_run WHERE dag_id LIKE 'chaos.%' AND state IN ('queued', 'running')")
    with _metadata(place) as database:
        rows = database.run(lambda connection: connection.execute(query).all())
    return [(row.dag_id, row.run_id) for row in rows]


def _delete_runs(place: Place) -> None:
    """Delete active runs, as a user does or ``airflow db clean``."""
    found = _own_runs(place)
    delete = text("DELETE FROM dag_run WHERE dag_id = :dag AND run_id = :run")
    with _metadata(place) as database:
        for dag_id, run_id in place.random.sample(found, min(4, len(found))):
            values = {"dag": dag_id, "run": run_id}
            database.run(lambda connection: connection.execute(delete, values))  # noqa: B023 - done at once


def _end_runs_in_silence(place: Place) -> None:
    """Let runs have failed without anybody having been told, as when who was told died."""
    found = _own_runs(place)
    ended = text(
        "UPDATE dag_run SET state = 'failed', end_date = now() - interval '1 minute' "
        "WHERE dag_id = :dag AND run_id = :run"
    )
    stopped = text(
        "UPDATE task_instance SET state = 'failed', end_date = now() WHERE dag_id = :dag AND run_id = :run "
        "AND (state IS NULL OR state NOT IN ('success', 'failed', 'skipped'))"
    )

    def work(connection: Any, values: dict[str, str]) -> None:
        connection.execute(stopped, values)
        connection.execute(ended, values)

    with _metadata(place) as database:
        for dag_id, run_id in place.random.sample(found, min(2, len(found))):
            database.run(lambda connection: work(connection, {"dag": dag_id, "run": run_id}))  # noqa: B023


def _delete_dag(place: Place) -> None:
    """Delete a DAG with all its runs, over the REST API."""
    with suppress(Exception):
        place.client.request("DELETE", f"/dags/{place.random.choice(['chaos.received', 'chaos.plain'])}")


def _restart_postgres(place: Place) -> None:
    """Stop PostgreSQL at once, for both databases, and start it again."""
    place.environment.postgres.stop()
    time.sleep(AWAY)
    place.environment.postgres.start()


def _cut_connections(place: Place) -> None:
    """End every connection of both databases."""
    cut = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL"
    )
    with Database(place.environment.postgres.url(), pooled=False) as database, suppress(Exception):
        database.run(lambda connection: connection.execute(cut))


def _read_only(place: Place) -> None:
    """Let both databases refuse writes for a while, as after a failover."""
    for value in ("on", "off"):
        with Database(place.environment.postgres.url(), pooled=False).session() as connection:
            connection.execute(text(f"ALTER SYSTEM SET default_transaction_read_only = {value}"))
            connection.execute(text("SELECT pg_reload_conf()"))
        if value == "on":
            time.sleep(AWAY)


FAULTS: Final[dict[str, Fault]] = {
    "runs deleted": _delete_runs,
    "runs ended in silence": _end_runs_in_silence,
    "DAG deleted": _delete_dag,
    "api-server killed": _kill_daemon("api-server"),
    "scheduler and workers killed": _kill_daemon("scheduler"),
    "scheduler killed alone": _kill_scheduler_alone,
    "tasks killed": _kill_some_tasks,
    "dag-processor killed": _kill_daemon("dag-processor"),
    "triggerer killed": _kill_daemon("triggerer"),
    "PostgreSQL restarted": _restart_postgres,
    "connections cut": _cut_connections,
    "databases read-only": _read_only,
}
SHORT: Final = ("runs deleted", "runs ended in silence", "api-server killed", "tasks killed", "connections cut")
"""The faults of the short form."""
