"""What the bounded processes cost: requests to the API over HTTP, with them and without them, in turn."""

from __future__ import annotations

import atexit
import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

from airflow_workflow_provider.local.client import poll
from benchmarks.server import Client, postgres, serving

EXAMPLE = Path(__file__).parents[1] / "examples" / "order-approval.json"
PAIRS = 200
WARM_UP = 20
ORDER = {"orderId": "1", "amount": 5000, "customer": "Ada"}
EVENT = {"specversion": "1.0", "source": "/bench", "type": "bench.order", "data": ORDER}


@dataclass(frozen=True)
class Took:
    """Seconds that pass, and seconds of processor time of server, client and processes; the medians of all requests.

    :param passed: until the answer was read
    :param computed: by all processors
    """

    passed: float
    computed: float


@dataclass(frozen=True)
class Pair:
    """What requests of a kind took with the processes, and without them."""

    bounded: Took
    plain: Took


def bounded(what: str) -> Callable[[], float]:
    """Measure a request of a kind with the processes, in seconds that pass."""
    return lambda: _measured()[what].bounded.passed


def overhead(what: str) -> Callable[[], float]:
    """Measure how much later its answer comes with the processes, in seconds."""
    return lambda: _measured()[what].bounded.passed - _measured()[what].plain.passed


def slower(what: str) -> Callable[[], float]:
    """Measure how many times more processor time it takes with the processes."""
    return lambda: _measured()[what].bounded.computed / _measured()[what].plain.computed


@contextmanager
def _api() -> Iterator[tuple[Any, str]]:
    """The API over a database of its own, and its address."""
    from airflow_workflow_provider.store.migrate import upgrade

    with postgres() as (server, folder):
        server.create_database("workflows")
        upgrade(server.url("workflows"))
        with serving(server, folder, "workflows") as found:
            yield found


def _medians(times: list[tuple[float, float]]) -> Took:
    passed, computed = zip(*times, strict=True)
    return Took(statistics.median(passed), statistics.median(computed))


def _computed(pids: list[int]) -> float:
    """Return the seconds that this process and others have computed."""
    nanoseconds = (int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in pids)
    return time.process_time() + sum(nanoseconds) / 1e9


@cache
def _measured() -> dict[str, Pair]:
    """Send each kind of request with and without the processes in turn; the first ones only warm up."""
    from airflow_workflow_provider.api import security
    from airflow_workflow_provider.workers.evaluation import evaluations
    from tests.support.api import API

    document = json.loads(EXAMPLE.read_text())
    triggered = {**document, "workflowId": "triggered", "triggers": [{"eventPattern": EVENT["type"]}]}
    number = count()
    names: dict[str, Any] = vars(security)
    real = names["evaluating_for"]
    took: dict[str, Pair] = {}
    with _api() as (api, address):
        evaluations().start()
        atexit.register(evaluations().close)
        poll(lambda: evaluations().pids or None, seconds=60, what="the processes", interval=0.05)
        for each in (document, triggered):
            api.publish(each)
        client = Client(address, API, api.token("admin"))
        requests: dict[str, Callable[[], float]] = {
            "validate": lambda: client.post("definitions/validate", document),
            "simulate": lambda: client.post("simulate", {"definition": document, "input": ORDER}),
            "start": lambda: client.post(f"definitions/{document['workflowId']}/instances", {"input": ORDER}),
            "accept an event": lambda: client.post(
                "events", {**EVENT, "id": f"{uuid4().hex}-{next(number)}"}, "application/cloudevents+json"
            ),
        }
        try:
            for what, send in requests.items():
                times: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
                for pair in range(PAIRS + WARM_UP):
                    for is_bounded in (True, False) if pair % 2 else (False, True):
                        names["evaluating_for"] = real if is_bounded else lambda *_: nullcontext()
                        before = _computed(evaluations().pids)
                        seconds = send()
                        if pair >= WARM_UP:
                            times[is_bounded].append((seconds, _computed(evaluations().pids) - before))
                took[what] = Pair(_medians(times[True]), _medians(times[False]))
        finally:
            names["evaluating_for"] = real
    return took
