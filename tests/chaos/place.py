"""Where faults are injected: a running Airflow with both databases, and what was brought to be undone."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil
from sqlalchemy import text

from airflow_workflow_provider.failpoints import VARIABLE
from airflow_workflow_provider.local.airflow import LocalEnvironment
from airflow_workflow_provider.local.client import AirflowClient
from airflow_workflow_provider.local.configuration import METADATA_DATABASE
from airflow_workflow_provider.store.database import Database
from tests.chaos.clock import SteppedClock
from tests.chaos.disk import SmallDisk
from tests.chaos.workload import PATIENCE, WORKFLOWS, Json, insist

NOT_REACHED: Final = "not reached"
"""The note of a round whose fault did not happen."""

VARIABLES = {
    "AIRFLOW__WORKFLOWS__RECONCILE_INTERVAL": "2",
    "AIRFLOW__WORKFLOWS__INFRASTRUCTURE_RETRY_DELAY": "PT2S",
    # How soon Airflow notices that something died.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "60",
}


def variables(failpoints: Path, clock: SteppedClock | None) -> dict[str, str]:
    """Return the environment of an Airflow that lives through faults, with its limits lowered.

    :param failpoints: where failpoints are armed
    """
    return {**VARIABLES, VARIABLE: str(failpoints), **({} if clock is None else clock.variables)}


@dataclass
class Place:
    """Where faults are injected.

    :ivar failpoints: the folder in which failpoints are armed
    :ivar disk: the small filesystem of the workflow database; None where there is none
    :ivar clock: the clock of Airflow's processes; None where it cannot be stepped
    :ivar workflows: of which instances run
    :ivar undo: what ends a fault that lasts beyond its injection
    :ivar ended: the runs whose end a fault decided, by the ids of DAG and run, with that end
    """

    environment: LocalEnvironment
    client: AirflowClient
    random: random.Random
    failpoints: Path
    disk: SmallDisk | None = None
    clock: SteppedClock | None = None
    workflows: Sequence[Json] = WORKFLOWS
    undo: list[Callable[[], None]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ended: dict[tuple[str, str], str] = field(default_factory=dict)

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
        return self._patient(lambda: self.environment.postgres.url(METADATA_DATABASE))

    def workflow_database(self) -> Database:
        """Return the workflow database."""
        return self._patient(self.environment.workflows_url)

    def server(self) -> Database:
        """Return a database of the server that no fault concerns, as its superuser."""
        return self._patient(self.environment.postgres.url)

    @staticmethod
    def _patient(url: Callable[[], str]) -> Database:
        """Return a database that is waited for where another fault has taken it away."""
        return Database(insist(url), retry_for=PATIENCE, pooled=False)

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
