"""A server answers others while it computes what nobody can: real HTTP, one process, one bomb at a time."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.workers.evaluation import evaluations
from tests.fixtures.api import API, Api
from tests.fixtures.bombs import XS, definition, doubling, transform

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

WITHIN = 0.2
"""Seconds for another's request; the median of those that are sent meanwhile."""

LOOPS = "jsonata calls itself at the tail"


def _simulated() -> dict[str, Any]:
    step = {"stepId": "s", "taskId": "set", "arguments": {"x": transform(LOOPS)}}
    return {"definition": definition(steps=[step]), "input": {"xs": XS["xs"]}}


BOMBS: dict[str, Callable[[httpx.Client], httpx.Response]] = {
    "validate": lambda client: client.post(
        "/definitions/validate", json=definition(inputSchema=doubling(29), triggers=[])
    ),
    "simulate": lambda client: client.post("/simulate", json=_simulated()),
}


@pytest.mark.parametrize("name", BOMBS)
def test_another_request_is_answered_meanwhile(name: str, served: str, api: Api) -> None:
    evaluations().start()
    poll(lambda: evaluations().pids or None, seconds=60, what="the processes", interval=0.02)

    def client(role: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {api.token(role)}"}
        return httpx.Client(base_url=served + API, headers=headers, timeout=60, trust_env=False)

    over = threading.Event()
    answers: list[httpx.Response] = []
    with client("user") as eve, client("admin") as ada:

        def explode() -> None:
            try:
                answers.append(BOMBS[name](eve))
            finally:
                over.set()

        ada.post("/definitions/validate", json=definition()).raise_for_status()
        thread = threading.Thread(target=explode)
        thread.start()
        took: list[float] = []
        while not over.is_set() or not took:
            began = time.monotonic()
            ada.get("/definitions").raise_for_status()
            ada.post("/definitions/validate", json=definition()).raise_for_status()
            took.append((time.monotonic() - began) / 2)
        thread.join()
    assert answers[0].status_code < 500, answers[0].text
    assert statistics.median(took) < WITHIN
