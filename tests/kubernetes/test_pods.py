"""What workflows need of the KubernetesExecutor, without a cluster: each task is a new process with an empty disk.

``make test-kubernetes`` runs this; a plain ``pytest`` does not.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from airflow_workflow_provider.local.airflow import LocalEnvironment
from airflow_workflow_provider.local.client import AirflowClient, poll
from airflow_workflow_provider.model.validate import parse_definition, parse_task
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.instances import Instance
from airflow_workflow_provider.store.tasks import Tasks
from tests.celery import workload
from tests.celery.workload import answer_question, ends, path_of, start
from tests.kubernetes.pods import FOLDER

ROOT = Path(__file__).parents[2]
SECONDS = 400

pytestmark = [pytest.mark.kubernetes, pytest.mark.slow, pytest.mark.timeout(1200)]


@dataclass(frozen=True)
class Cluster:
    """An Airflow whose tasks run in pods."""

    environment: LocalEnvironment
    client: AirflowClient
    folder: Path

    def pods(self, instance: Instance) -> list[dict[str, Any]]:
        """Return the pods of an instance's tasks, in the order in which they started."""
        lines = (self.folder / "pods.jsonl").read_text(encoding="utf-8").splitlines()
        return [pod for pod in map(json.loads, lines) if pod["run"] == instance.run_id]

    def end(self, *ids: UUID) -> list[Instance]:
        """Wait until instances have ended."""
        return ends(self.environment.workflows_url(), ids, seconds=SECONDS)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("kubernetes")
    pods = folder / "pods"
    pods.mkdir()
    environment = LocalEnvironment(
        folder / "environment",
        variables={
            "AIRFLOW__CORE__EXECUTOR": "tests.kubernetes.pods.PodExecutor",
            FOLDER: str(pods),
            "PYTHONPATH": str(ROOT),
            "AIRFLOW__WORKFLOWS__ALLOWED_OPERATORS": "airflow.providers.standard.operators.bash.*",
            "AIRFLOW__WORKFLOWS__INFRASTRUCTURE_RETRY_DELAY": "PT1S",
            # How soon Airflow notices that a pod is gone.
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "45",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
        },
        durable=False,
    )
    try:
        environment.up()
        _publish(environment.workflows_url())
        with environment.client() as client:
            yield Cluster(environment, client, pods)
    finally:
        environment.remove()


def _publish(url: str) -> None:
    patterns = [
        json.loads((ROOT / "examples" / "patterns" / f"{workload.PATTERNS[kind]}.json").read_text(encoding="utf-8"))
        for kind in ("loop", "items")
    ]
    with Database(url) as database:
        Tasks(database).publish(parse_task(workload.SLEEP), workload.SLEEP)
        for document in (*workload.OWN, *patterns):
            Definitions(database).publish(parse_definition(document), document)


def test_each_task_has_a_process_and_a_disk_of_its_own(cluster: Cluster) -> None:
    """Sub-workflows, loops and items in pods that keep nothing for each other."""
    started = [start(cluster.client, "celery.parent", {})]
    started += [start(cluster.client, *workload.pattern(kind)) for kind in ("loop", "items")]
    parent, *others = cluster.end(*started)
    assert [each.status for each in (parent, *others)] == ["completed"] * 3
    assert path_of(parent) == ["before", "child", "after"]
    pods = [pod for each in (parent, *others) for pod in cluster.pods(each)]
    assert len({pod["pid"] for pod in pods}) == len({pod["home"] for pod in pods}) == len(pods) >= 6
    poll(lambda: not any(Path(pod["home"]).exists() for pod in pods) or None, seconds=60, what="the ends of the pods")


def test_an_answer_resumes_a_step_in_another_pod(cluster: Cluster) -> None:
    instance = start(cluster.client, "celery.approved", {})
    with cluster.environment.client("operator") as operator:
        answer_question(operator, instance, SECONDS)
    (approved,) = cluster.end(instance)
    assert (approved.status, path_of(approved)) == ("completed", ["decide", "pay"])
    assert len([pod for pod in cluster.pods(approved) if pod["task"] == "decide"]) == 2


def test_a_pod_has_the_version_that_the_instance_started_with(cluster: Cluster) -> None:
    """Its disk is empty, so the bundle makes the files of that version anew."""

    def wait_for_event(instance: UUID) -> None:
        path = f"/waits?instance={instance}"
        poll(
            lambda: cluster.client.workflows("GET", path)["items"] or None,
            seconds=SECONDS,
            what="the wait for an event",
        )

    instance = start(cluster.client, "celery.pinned", {"key": "one"})
    wait_for_event(instance)
    second = workload.pinned(2)
    with Database(cluster.environment.workflows_url()) as database:
        Definitions(database).publish(parse_definition(second), second)
    newer = start(cluster.client, "celery.pinned", {"key": "two"})
    wait_for_event(newer)
    for key in ("one", "two"):
        event = {"source": "tests", "type": "celery.go", "id": key, "data": {"key": key}}
        cluster.client.workflows("POST", "/events", json={"specversion": "1.0", **event})
    found = cluster.end(instance, newer)
    assert [path_of(each)[-1] for each in found] == ["last1", "last2"]


def test_a_step_whose_pod_is_evicted_is_retried_by_its_policy(cluster: Cluster) -> None:
    instance = start(cluster.client, "celery.retried", {"seconds": 3})

    def working() -> dict[str, Any] | None:
        lines = (cluster.folder / "pods.jsonl").read_text(encoding="utf-8").splitlines()
        found = [pod for pod in map(json.loads, lines) if pod["dag"] == "celery.retried" and pod["task"] == "work"]
        log = cluster.client.workflows("GET", f"/instances/{instance}/log")["items"]
        return found[0] if found and any(row["event"] == "step.started" for row in log) else None

    os.killpg(poll(working, seconds=SECONDS, what="the step", interval=0.1)["pid"], signal.SIGKILL)
    (retried,) = cluster.end(instance)
    assert (retried.status, retried.state.steps["work"].attempt) == ("completed", 2)
