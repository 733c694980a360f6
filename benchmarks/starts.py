"""What a start costs beside Airflow's own trigger, and what becomes of many starts at once.

``python -m benchmarks.starts [STARTS]``: first the API in one process, where starts of a workflow and triggers of a
DAG take turns; then a real Airflow, to which several clients send starts of an inline workflow of three steps.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx

from airflow_workflow_provider.local.airflow import LocalEnvironment
from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.migrate import upgrade
from benchmarks.machine import about
from benchmarks.server import Client, postgres, serving

WORKFLOW: Final = "bench_starts"
DAG: Final = "bench_trigger"
CLIENTS: Final = 8
PAIRS: Final = 200
WARM_UP: Final = 20
SECONDS: Final = 3600


def document() -> dict[str, Any]:
    """Return an inline workflow of three steps."""
    steps: list[dict[str, Any]] = [
        {
            "stepId": f"s{each}",
            "taskId": "set",
            "arguments": {f"n{each}": {"type": "cel", "expression": f"input.number + {each}"}},
        }
        for each in range(3)
    ]
    for step, following in pairwise(steps):
        step["next"] = [{"nextStepId": following["stepId"]}]
    schema = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}
    return {
        "workflowId": WORKFLOW,
        "name": "Starts",
        "version": "1.0.0",
        "inputSchema": schema,
        "settings": {"execution": "inline"},
        "steps": steps,
    }


def cost() -> dict[str, float]:
    """Return the milliseconds until a start and a trigger are answered, in turn, in one process."""
    from tests.support.api import API

    times: dict[str, list[tuple[float, float]]] = {WORKFLOW: [], DAG: []}
    with postgres() as (server, folder):
        server.create_database("workflows")
        upgrade(server.url("workflows"))
        with serving(server, folder, "workflows") as (api, address):
            api.publish(document())
            _load_dag()
            token = api.token("admin")
            ours, airflows = Client(address, API, token), Client(address, "/api/v2", token)
            for number in range(PAIRS + WARM_UP):
                start = {"input": {"number": number}}
                trigger = {"logical_date": None, "conf": {"number": number}}
                sent: list[tuple[str, Callable[[], float]]] = [
                    (WORKFLOW, lambda: ours.post(f"definitions/{WORKFLOW}/instances", start)),  # noqa: B023
                    (DAG, lambda: airflows.post(f"dags/{DAG}/dagRuns", trigger)),  # noqa: B023
                ]
                for name, send in sent if number % 2 else reversed(sent):
                    before = time.process_time()
                    seconds = send()
                    if number >= WARM_UP:
                        times[name].append((1000 * seconds, 1000 * (time.process_time() - before)))
    passed, computed = (
        {name: statistics.median(taken[which] for taken in each) for name, each in times.items()} for which in (0, 1)
    )
    return {
        "a start, answered (ms)": round(passed[WORKFLOW], 2),
        "a trigger, answered (ms)": round(passed[DAG], 2),
        "answered, times as long": round(passed[WORKFLOW] / passed[DAG], 2),
        "a start, processor time (ms)": round(computed[WORKFLOW], 2),
        "a trigger, processor time (ms)": round(computed[DAG], 2),
        "processor time, times as much": round(computed[WORKFLOW] / computed[DAG], 2),
    }


def _load_dag() -> None:
    """Let Airflow know a DAG of one task with the same parameter."""
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.providers.standard.operators.empty import EmptyOperator
    from airflow.sdk import DAG as Dag
    from airflow.sdk import Param
    from airflow.serialization.definitions.dag import SerializedDAG
    from airflow.serialization.serialized_objects import LazyDeserializedDAG

    from tests.support.airflow import BUNDLE

    with Dag(DAG, schedule=None, params={"number": Param(type="integer")}, is_paused_upon_creation=False) as dag:
        EmptyOperator(task_id="steps")
    lazy = LazyDeserializedDAG.from_dag(dag)
    SerializedDAG.bulk_write_to_db(BUNDLE, "1", [lazy])
    SerializedDagModel.write_dag(lazy, bundle_name=BUNDLE, bundle_version="1")


def many(starts: int) -> dict[str, float]:
    """Start so many instances on a real Airflow at once, and return what became of them, in seconds.

    :raises AssertionError: an instance is missing, or has not completed with the right output
    """
    with TemporaryDirectory(prefix="airflow-workflows-bench-") as name:
        Path(name).chmod(0o711)
        environment = LocalEnvironment(Path(name) / "environment")
        try:
            access = environment.up()
            with Database(environment.workflows_url()) as database:
                Definitions(database).publish(parse_definition(document()), document())
            with environment.client() as client:
                client.wait_for_dag(WORKFLOW, seconds=SECONDS)
            limits = httpx.Limits(max_connections=CLIENTS)
            with httpx.Client(base_url=access.address, trust_env=False, limits=limits, timeout=120) as http:
                credentials = {"username": access.username, "password": access.password}
                token = http.post("/auth/token", json=credentials).raise_for_status().json()["access_token"]
                http.headers["Authorization"] = f"Bearer {token}"
                return _all_started(http, starts)
        finally:
            environment.remove()


def _all_started(http: httpx.Client, starts: int) -> dict[str, float]:
    path = f"/workflows/api/v1/definitions/{WORKFLOW}/instances"

    def start(number: int) -> str:
        answer = http.post(path, json={"input": {"number": number}}).raise_for_status()
        return str(answer.json()["id"])

    start(-1)
    began = time.time()
    with ThreadPoolExecutor(CLIENTS) as pool:
        ids = list(pool.map(start, range(starts)))
    answered = time.time() - began

    def completed() -> int | None:
        found = http.get("/workflows/api/v1/instances/summary", params={"workflowId": WORKFLOW}).raise_for_status()
        counts = found.json()["counts"]
        return counts["completed"] if counts["completed"] + counts["failed"] > starts else None

    poll(completed, seconds=SECONDS, what="all to end", interval=0.5)
    ended = time.time() - began
    lags = []
    for number, each in enumerate(ids):
        found = http.get(f"/workflows/api/v1/instances/{each}").raise_for_status().json()
        output = {f"n{step}": number + step for step in range(3)}
        if found["status"] != "completed" or found["output"] != output:
            message = f"an instance has not done its work: {found}"
            raise AssertionError(message)
        lags.append(_moment(found["completedAt"]) - _moment(found["startedAt"]))
    return {
        "starts": starts,
        "lost": starts - len(set(ids)),
        "answered a second": round(starts / answered, 1),
        "completed a second": round(starts / ended, 2),
        "from the start to the end, median (s)": round(statistics.median(lags), 1),
        "from the start to the end, longest (s)": round(max(lags), 1),
    }


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def main() -> int:
    """Measure and print JSON."""
    os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "ERROR")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("starts", nargs="?", type=int, default=1000, help="0: only what one costs")
    given = parser.parse_args()
    # Airflow writes to standard output too.
    with redirect_stdout(sys.stderr):
        found = {"cost": cost()} | ({"many": many(given.starts)} if given.starts else {})
    sys.stdout.write(json.dumps(found | {"machine": about()}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
