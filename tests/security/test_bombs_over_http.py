"""A server answers others while it computes what nobody can: real HTTP, one process, one bomb at a time."""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import update

from airflow_workflow_provider.bounded.limits import MIB
from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.store.tables import workflow_questions
from airflow_workflow_provider.workers.evaluation import evaluations
from tests.support.api import API, Api
from tests.support.bombs import SCHEMAS, XS, definition, doubling, transform
from tests.support.documents import step
from tests.support.people import ask_all

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

LOOPS = "jsonata calls itself at the tail"


def _simulated() -> dict[str, Any]:
    step = {"stepId": "s", "taskId": "set", "arguments": {"x": transform(LOOPS)}}
    return {"definition": definition(steps=[step]), "input": {"xs": XS["xs"]}}


@dataclass(frozen=True)
class Stored:
    """An instance whose page and whose question nobody can compute."""

    instance: str
    question: str


Bomb = Callable[[httpx.Client, Stored], httpx.Response]

BOMBS: dict[str, Bomb] = {
    "validate": lambda client, _: client.post(
        "/definitions/validate", json=definition(inputSchema=doubling(29), triggers=[])
    ),
    "simulate": lambda client, _: client.post("/simulate", json=_simulated()),
    "view": lambda client, stored: client.get(f"/instances/{stored.instance}/view"),
    "answer": lambda client, stored: client.post(
        f"/questions/{stored.question}/answer", json={"decision": "submit", "form": {"a": {}}}
    ),
}


@pytest.fixture
def stored(api: Api) -> Stored:
    item = {"label": "x", "value": transform(LOOPS)}
    document = definition(
        workflowId="bombs",
        steps=[step("ask", "form", arguments={"subject": "?", "schema": {"properties": {"a": {}}}})],
        uiComponents=[{"componentId": "card", "context": {"layout": "card", "items": [item]}}],
    )
    api.publish(document)
    started = api.as_role("admin").post("definitions/bombs/instances", json={"input": {}}).json()
    (question,) = ask_all(api.database, UUID(started["id"])).values()
    schema, _ = SCHEMAS["anyOf doubles and fails"]
    with api.database.begin() as connection:
        # Asking refuses such a schema; an older version, or somebody by hand, may have written it.
        connection.execute(update(workflow_questions).values(schema=schema))
    return Stored(started["id"], str(question.id))


@pytest.mark.parametrize("name", BOMBS)
def test_another_request_is_answered_meanwhile(name: str, served: str, api: Api, stored: Stored) -> None:
    evaluations().start()
    children = poll(lambda: evaluations().pids or None, seconds=300, what="the processes", interval=0.02)

    def client(role: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {api.token(role)}"}
        return httpx.Client(base_url=served + API, headers=headers, timeout=60, trust_env=False)

    over = threading.Event()
    answers: list[httpx.Response] = []
    with client("user") as eve, client("admin") as ada:

        def explode() -> None:
            try:
                answers.append(BOMBS[name](eve, stored))
            finally:
                over.set()

        ada.post("/definitions/validate", json=definition()).raise_for_status()
        data, most = _data(os.getpid()), dict.fromkeys((os.getpid(), *children), 0)
        thread = threading.Thread(target=explode)
        thread.start()
        took: list[float] = []
        while not over.is_set() or not took:
            began = time.monotonic()
            ada.get("/definitions").raise_for_status()
            ada.post("/definitions/validate", json=definition()).raise_for_status()
            took.append((time.monotonic() - began) / 2)
            most = {pid: max(before, _data(pid)) for pid, before in most.items()}
        thread.join()
    assert answers[0].status_code < 500, answers[0].text
    # One that had to wait would take as long as the bomb is let run.
    assert statistics.median(took) < evaluations().limits.seconds / 2
    assert most.pop(os.getpid()) - data < 300 * MIB
    assert max(most.values()) <= evaluations().limits.memory


def _data(pid: int) -> int:
    """Return the bytes of a process's data; 0 of one that is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmData:")), 0)
