"""Where faults are injected: a running Airflow with both databases, and what was brought to be undone."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from sqlalchemy import text

from airflow_workflow_provider.failpoints import VARIABLE
from airflow_workflow_provider.local.airflow import LocalEnvironment
from airflow_workflow_provider.local.client import AirflowClient
from airflow_workflow_provider.local.configuration import METADATA_DATABASE
from airflow_workflow_provider.store.database import Database
from tests.chaos.disk import SmallDisk

VARIABLES = {
    "AIRFLOW__WORKFLOWS__RECONCILE_INTERVAL": "2",
    "AIRFLOW__WORKFLOWS__INFRASTRUCTURE_RETRY_DELAY": "PT2S",
    # How soon Airflow notices that something died.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "60",
}


def variables(failpoints: Path) -> dict[str, str]:
    """Return the environment of an Airflow that lives through faults, with its limits lowered.

    :param failpoints: where failpoints are armed
    """
    return {**VARIABLES, VARIABLE: str(failpoints)}


@dataclass
class Place:
    """Where faults are injected.

    :ivar failpoints: the folder in which failpoints are armed
    :ivar disk: the small filesystem of the workflow database; None where there is none
    :ivar undo: what ends a fault that lasts beyond its injection
    """

    environment: LocalEnvironment
    client: AirflowClient
    random: random.Random
    failpoints: Path
    disk: SmallDisk | None = None
    undo: list[Callable[[], None]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def daemon(self, name: str) -> psutil.Process | None:
        """Return the process that restarts a daemon; None where nothing runs."""
        status = next(each for each in self.environment.status().daemons if each.name == name)
        with suppress(psutil.Error):
            return None if status.pid is None else psutil.Process(status.pid)
        return None

    def children(self, name: str) -> list[psutil.Process]:
        """Return the processes of a daemon itself, without what they have started."""
        found = self.daemon(name)
        with suppress(psutil.Error):
            return [] if found is None else found.children()
        return []

    def metadata(self) -> Database:
        """Return Airflow's metadata database, as its superuser."""
        return Database(self.environment.postgres.url(METADATA_DATABASE), retry_for=30, pooled=False)

    def server(self) -> Database:
        """Return a database of the server that no fault concerns, as its superuser."""
        return Database(self.environment.postgres.url(), retry_for=30, pooled=False)

    def own_runs(self) -> list[tuple[str, str]]:
        """Return the active runs of the workload."""
        query = text(
            "SELECT dag_id, run_id FROM dag_run WHERE dag_id LIKE 'chaos.%' AND state IN ('queued', 'running')"
        )
        with self.metadata() as database:
            rows = database.run(lambda connection: connection.execute(query).all())
        return [(row.dag_id, row.run_id) for row in rows]

    def some_runs(self, number: int) -> list[tuple[str, str]]:
        """Return some of the active runs."""
        found = self.own_runs()
        return self.random.sample(found, min(number, len(found)))

    def end(self) -> None:
        """End what lasts beyond its injection."""
        while self.undo:
            self.undo.pop()()
