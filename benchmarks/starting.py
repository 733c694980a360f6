"""How soon a started instance runs, on a real Airflow, compared with a hand-written DAG that does the same."""

from __future__ import annotations

import atexit
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from airflow_workflow_provider.local.airflow import LocalEnvironment
from airflow_workflow_provider.local.client import AirflowClient, poll
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions

WORKFLOW, DAG = "bench_workflow", "bench_by_hand"
STARTS = 10
SECONDS = 120
ENDED = ("completed", "failed")

DEFINITION: dict[str, Any] = {
    "workflowId": WORKFLOW,
    "name": "One step",
    "version": "1.0.0",
    "inputSchema": {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]},
    "steps": [
        {
            "stepId": "double",
            "taskId": "set",
            "arguments": {"doubled": {"type": "cel", "expression": "input.number * 2"}},
        }
    ],
}
WRITTEN_DAG = f"""
from airflow.sdk import DAG, Param, task

with DAG("{DAG}", schedule=None, params={{"number": Param(type="integer")}}):

    @task
    def double(params=None):
        return {{"doubled": params["number"] * 2}}

    double()
"""


@dataclass(frozen=True)
class Took:
    """Seconds from the request that starts it.

    :param answered: until the request was answered
    :param started: until the process of its only step or task began
    :param completed: until its work was done: the instance completed, the task ended
    """

    answered: float
    started: float
    completed: float


def starting(what: str, moment: str) -> Callable[[], float]:
    """Measure a start, in seconds; each of the first ``STARTS`` calls returns another one's.

    :param what: ``WORKFLOW`` or ``DAG``
    :param moment: a field of :class:`Took`
    """
    number = count()
    return lambda: _times(what, moment)[next(number)]


def slower(moment: str) -> Callable[[], float]:
    """Measure how many times longer a workflow takes than a DAG until a moment, by the medians."""
    return lambda: statistics.median(_times(WORKFLOW, moment)) / statistics.median(_times(DAG, moment))


def _times(what: str, moment: str) -> list[float]:
    return [getattr(each, moment) for each in _measured()[what]]


@cache
def _measured() -> dict[str, list[Took]]:
    """Start both in turn, one at a time; the first pair only warms up."""
    folder = Path(tempfile.mkdtemp(prefix="airflow-workflows-bench-"))
    folder.chmod(0o711)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    dags = folder / "dags"
    dags.mkdir()
    (dags / "by_hand.py").write_text(WRITTEN_DAG)
    environment = LocalEnvironment(folder / "environment", dags_folder=dags)
    took: dict[str, list[Took]] = {WORKFLOW: [], DAG: []}
    try:
        access = environment.up()
        with Database(environment.workflows_url()) as database:
            Definitions(database).publish(parse_definition(DEFINITION), DEFINITION)
        with environment.client() as client, httpx.Client(base_url=access.address, trust_env=False) as http:
            for dag_id in took:
                client.wait_for_dag(dag_id, seconds=SECONDS)
            credentials = {"username": access.username, "password": access.password}
            token = http.post("/auth/token", json=credentials).raise_for_status().json()["access_token"]
            http.headers["Authorization"] = f"Bearer {token}"
            for number in range(STARTS + 1):
                took[WORKFLOW].append(_workflow(http, client, number))
                took[DAG].append(_written(http, client, number))
    finally:
        environment.remove()
    return {what: each[1:] for what, each in took.items()}


def _workflow(http: httpx.Client, client: AirflowClient, number: int) -> Took:
    began = time.time()
    answer = http.post(f"/workflows/api/v1/definitions/{WORKFLOW}/instances", json={"input": {"number": number}})
    answered = time.time()
    started = answer.raise_for_status().json()

    def look() -> dict[str, Any] | None:
        found = http.get(f"/workflows/api/v1/instances/{started['id']}").raise_for_status().json()
        return found if found["status"] in ENDED else None

    instance = poll(look, seconds=SECONDS, what="the instance to end")
    _check(instance["status"] == "completed" and instance["output"] == {"doubled": number * 2}, instance)
    step = _only_task(client, WORKFLOW, instance["runId"], "double")
    return Took(answered - began, _since(began, step["start_date"]), _since(began, instance["completedAt"]))


def _written(http: httpx.Client, client: AirflowClient, number: int) -> Took:
    began = time.time()
    answer = http.post(f"/api/v2/dags/{DAG}/dagRuns", json={"logical_date": None, "conf": {"number": number}})
    answered = time.time()
    run_id = answer.raise_for_status().json()["dag_run_id"]
    client.wait_for_run(DAG, run_id, seconds=SECONDS)
    task = _only_task(client, DAG, run_id, "double")
    path = f"/dags/{DAG}/dagRuns/{run_id}/taskInstances/double/xcomEntries/return_value"
    result = client.request("GET", path, params={"deserialize": True})
    _check(task["state"] == "success" and result["value"] == {"doubled": number * 2}, {**task, **result})
    return Took(answered - began, _since(began, task["start_date"]), _since(began, task["end_date"]))


def _only_task(client: AirflowClient, dag_id: str, run_id: str, task_id: str) -> dict[str, Any]:
    return next(each for each in client.task_instances(dag_id, run_id) if each["task_id"] == task_id)


def _since(began: float, moment: str) -> float:
    """Return the seconds until a moment that Airflow or PostgreSQL noted; they share this machine's clock."""
    return datetime.fromisoformat(moment).timestamp() - began


def _check(right: bool, found: dict[str, Any]) -> None:
    """A wrong answer must not count as a fast one."""
    if not right:
        message = f"what was started did not do its work: {found}"
        raise AssertionError(message)
