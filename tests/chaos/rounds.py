"""Rounds of faults: start, inject, serve, wait until all has ended, and check what must hold."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from airflow_workflow_provider.errors import WorkflowsError
from airflow_workflow_provider.local.airflow import LocalEnvironment
from airflow_workflow_provider.local.client import AirflowClient
from airflow_workflow_provider.local.configuration import METADATA_DATABASE
from airflow_workflow_provider.store.database import Database
from tests.chaos.faults import FAULTS, Place
from tests.chaos.invariants import unfinished, violations
from tests.chaos.workload import WORKFLOWS, Clients, insist, publish

VARIABLES: Final = {
    "AIRFLOW__WORKFLOWS__RECONCILE_INTERVAL": "2",
    # How soon Airflow notices that something died.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "60",
}


@dataclass
class Round:
    """One round.

    :ivar recovery: seconds from the fault until everything had ended
    :ivar wrong: what did not hold
    """

    fault: str
    instances: int = 0
    recovery: float = 0.0
    wrong: list[str] = field(default_factory=list)


def run_rounds(
    environment: LocalEnvironment,
    client: AirflowClient,
    faults: Sequence[str],
    *,
    seed: int,
    instances: int,
    seconds: float,
    report: Callable[[Round], None] = lambda _: None,
) -> list[Round]:
    """Run one round for each fault, on an Airflow that runs.

    :param instances: started in each round
    :param seconds: within which all of a round must have ended
    """
    dice = random.Random(seed)  # noqa: S311 - a seed makes rounds that can be repeated
    done = []
    with (
        Database(environment.workflows_url(), retry_for=60) as workflows,
        Database(environment.postgres.url(METADATA_DATABASE), retry_for=60) as metadata,
    ):
        publish(workflows)
        for each in WORKFLOWS:
            client.wait_for_dag(each["workflowId"], seconds=120)
        clients = Clients(client, dice)
        place = Place(environment, client, dice)
        for number, fault in enumerate(faults):
            found = Round(fault)
            _run(found, place, clients, workflows, f"s{seed}-r{number}", instances, seconds)
            found.wrong = _settled_violations(workflows, metadata, clients)
            report(found)
            done.append(found)
    return done


def _run(
    found: Round, place: Place, clients: Clients, workflows: Database, prefix: str, instances: int, seconds: float
) -> None:
    starting = threading.Thread(target=clients.start, args=(instances, prefix))
    starting.start()
    time.sleep(place.random.uniform(1, 6))
    injected = time.monotonic()
    FAULTS[found.fault](place)
    starting.join()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(WorkflowsError, OSError):
            clients.serve()
        if insist(lambda: unfinished(workflows)) == 0:
            break
        time.sleep(1)
    found.recovery = time.monotonic() - injected
    found.instances = instances + max(instances // 4, 1)


def _settled_violations(workflows: Database, metadata: Database, clients: Clients) -> list[str]:
    """Return what does not hold; a run may end a moment after its instance."""
    wrong: list[str] = []
    for _ in range(20):
        wrong = insist(lambda: violations(workflows, metadata, clients.accepted))
        if not wrong:
            break
        time.sleep(2)
    return wrong
