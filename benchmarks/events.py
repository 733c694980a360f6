"""How fast events are accepted, matched and delivered, on a PostgreSQL of its own that writes to disk."""

from __future__ import annotations

import atexit
import random
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING
from uuid import uuid4

from airflow_workflow_provider.model.events import CloudEvent
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.delivering import Deliverer, Start
from airflow_workflow_provider.store.events import Events
from airflow_workflow_provider.store.migrate import upgrade
from benchmarks.server import postgres
from tests.support.events import many_triggered

if TYPE_CHECKING:
    from airflow_workflow_provider.local.postgres import PostgresServer

MANY = 10_000
PATTERNS = ("shop{0}.order.created", "shop{0}.order.*", "shop{0}.**", "*.shop{0}.paid", "**.shop{0}.**")


@cache
def _server() -> PostgresServer:
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(postgres())[0]


@cache
def _database(definitions: int) -> Database:
    """A database with so many definitions, each with a trigger of its own."""
    server, name = _server(), f"bench_{definitions}_{uuid4().hex[:8]}"
    server.create_database(name)
    upgrade(server.url(name))
    database = Database(server.url(name))
    atexit.register(database.close)
    many_triggered(
        database, {f"w{number}": PATTERNS[number % len(PATTERNS)].format(number) for number in range(definitions)}
    )
    return database


def _type_for(definition: int) -> str:
    """The type of an event that starts one definition, and no other."""
    pattern = PATTERNS[definition % len(PATTERNS)].format(definition)
    return pattern.replace("**.", "").replace("**", "x").replace("*", "x")


def _types(definitions: int, number: int) -> list[str]:
    chosen = random.Random(7)  # noqa: S311 - the same ones each time
    return [_type_for(chosen.randrange(definitions)) for _ in range(number)]


def _events(types: list[str]) -> list[CloudEvent]:
    run = uuid4().hex
    return [
        CloudEvent(id=f"{run}-{number}", source="/bench", type=name, data={"order": number, "amount": 12.5})
        for number, name in enumerate(types)
    ]


def matching(definitions: int) -> Callable[[], float]:
    """Measure the search for the workflows of one event: the 95th percentile of 200."""
    return lambda: _p95(definitions)[0]


def matching_among_more(few: int, many: int) -> Callable[[], float]:
    """Measure how many times longer that search takes among more definitions; the searches alternate."""

    def run() -> float:
        short, long = _p95(few, many)
        return long / short

    return run


def _p95(*definitions: int) -> list[float]:
    """Search for the workflows of 200 events in turn among so many definitions, and so many."""
    chosen = [(Events(_database(each)), _types(each, 200)) for each in definitions]
    took: list[list[float]] = [[] for _ in chosen]
    for number in range(200):
        for (events, types), times in zip(chosen, took, strict=True):
            began = time.perf_counter()
            found = events.matching(types[number])
            times.append(time.perf_counter() - began)
            if len(found) != 1:
                message = f"{types[number]} starts {found}"
                raise AssertionError(message)
    return [statistics.quantiles(times, n=20)[-1] for times in took]


def accepting(number: int, batch: int, senders: int) -> Callable[[], float]:
    """Measure until so many events are durable, among 1,000 definitions.

    :param batch: events in one transaction
    :param senders: how many send at once
    """

    def run() -> float:
        events = Events(_database(1000))
        given = _events(_types(1000, number))
        batches = [given[first : first + batch] for first in range(0, number, batch)]
        with ThreadPoolExecutor(senders) as pool:
            began = time.perf_counter()
            accepted = list(pool.map(events.accept, batches))
            took = time.perf_counter() - began
        if sum(each.created for answer in accepted for each in answer) != number:
            message = "not every event was accepted"
            raise AssertionError(message)
        return took

    return run


def many_for_many() -> float:
    """Accept 10,000 events for 10,000 definitions and start each instance once; two deliverers."""
    database = _database(MANY)
    given = _events([_type_for(number) for number in range(MANY)])
    started: list[tuple[str, str]] = []

    def start(wanted: Start) -> None:
        started.append((wanted.workflow_id, wanted.event["id"]))

    def deliver(_: int) -> None:
        deliverer = Deliverer(database, start, batch=50)
        while deliverer.deliver():
            pass

    began = time.perf_counter()
    for _ in range(2):
        for first in range(0, MANY, 500):
            Events(database).accept(given[first : first + 500])
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(deliver, range(2)))
    took = time.perf_counter() - began
    expected = sorted((f"w{number}", event.id) for number, event in enumerate(given))
    if sorted(started) != expected:
        message = f"{len(started)} starts, {len(set(started))} different ones, instead of {MANY}"
        raise AssertionError(message)
    return took
