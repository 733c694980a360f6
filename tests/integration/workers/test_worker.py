"""The one shape of background work: it looks, waits for notice or for what is due, and comes back after failures."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, text

from airflow_workflow_provider.errors import StoreUnavailable
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.delivering import Deliverer
from airflow_workflow_provider.store.events import CHANNEL, Events
from airflow_workflow_provider.store.outbox import Backoff
from airflow_workflow_provider.workers.worker import Job, Worker, working
from tests.support.airflow import CONNECTION
from tests.support.events import event, triggered

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database

pytestmark = pytest.mark.postgres

SECONDS = 120
LISTENERS = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"
AT_ONCE = Backoff(timedelta(milliseconds=1), timedelta(milliseconds=1))


class Looks:
    """Counts the looks of a worker; ``reached`` waits for the n-th with a deadline."""

    def __init__(self, results: Iterator[int | Exception]) -> None:
        self._results = results
        self._changed = threading.Condition()
        self.count = 0

    def work(self) -> int:
        with self._changed:
            self.count += 1
            self._changed.notify_all()
        result = next(self._results, 0)
        if isinstance(result, Exception):
            raise result
        return result

    def reached(self, count: int) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self.count >= count, SECONDS)


Start = Callable[..., Worker]


@pytest.fixture
def start(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv(CONNECTION, url)
    with ExitStack() as stack:

        def begin(job: Callable[[Database], Job], *, poll: float = 3600, backoff: Backoff = AT_ONCE) -> Worker:
            worker = Worker("test", job, poll=poll, backoff=backoff, settings=load_settings())
            stack.enter_context(working([worker]))
            return worker

        yield begin


def until(condition: Callable[[], bool]) -> bool:
    deadline = datetime.now(UTC) + timedelta(seconds=SECONDS)
    while not (done := condition()) and datetime.now(UTC) < deadline:
        threading.Event().wait(0.02)
    return done


def test_it_looks_again_at_once_while_there_is_more_and_then_waits(start: Start) -> None:
    looks = Looks(iter([3, 1]))
    worker = start(lambda _: Job(looks.work))
    assert until(lambda: worker.health.worked_at is not None)
    assert looks.count == 3
    assert worker.health.error is None


def test_it_polls(start: Start) -> None:
    looks = Looks(iter([]))
    start(lambda _: Job(looks.work), poll=0.01)
    assert looks.reached(4)


def test_a_notification_ends_its_pause(start: Start, database: Database) -> None:
    looks = Looks(iter([]))
    worker = start(lambda _: Job(looks.work, channel="test_worker"))
    # The first pause ends when it listens: what came before it did may have gone unheard.
    assert looks.reached(2)
    assert until(lambda: worker.health.worked_at is not None)
    with database.begin() as connection:
        connection.execute(text("SELECT pg_notify('test_worker', '')"))
    assert looks.reached(3)


def test_what_is_due_ends_its_pause(start: Start) -> None:
    looks = Looks(iter([]))
    start(lambda _: Job(looks.work, next_due=lambda: timedelta(seconds=0.05)))
    assert looks.reached(3)


def test_an_event_is_delivered_as_soon_as_it_is_accepted_and_after_a_lost_connection(
    start: Start, database: Database
) -> None:
    triggered(database, "order", "order.*")
    started = threading.Semaphore(0)

    def deliver(own: Database) -> Job:
        deliverer = Deliverer(own, lambda _: started.release())
        return Job(deliverer.deliver, CHANNEL, deliverer.next_due)

    # It would look by itself after an hour only.
    start(deliver)
    for number in range(3):
        assert until(lambda: len(listeners(database)) == 1)
        Events(database).accept([event(str(number))])
        assert started.acquire(timeout=SECONDS)
        for pid in listeners(database):
            with database.begin() as connection:
                connection.execute(select(func.pg_terminate_backend(pid)))


def listeners(database: Database) -> list[int]:
    return list(database.run(lambda connection: connection.execute(text(LISTENERS)).scalars().all()))


@pytest.mark.parametrize("error", [ValueError("odd"), StoreUnavailable("away")])
def test_a_failure_is_reported_waited_out_and_ends_with_the_next_success(start: Start, error: Exception) -> None:
    go = threading.Event()
    made: list[Database] = []

    def work() -> int:
        if not go.is_set():
            raise error
        return 0

    def job(database: Database) -> Job:
        made.append(database)
        return Job(work)

    worker = start(job)
    assert until(lambda: worker.health.failures >= 3)
    assert worker.health.error == f"{type(error).__name__}: {error}"
    assert worker.health.worked_at is None
    assert len(made) >= 3, "after a failure it begins with a new database"
    go.set()
    assert until(lambda: worker.health.worked_at is not None)
    health = worker.health
    assert (health.failures, health.error) == (0, None)


def test_stopping_ends_a_pause_and_the_thread(start: Start) -> None:
    looks = Looks(iter([]))
    worker = start(lambda _: Job(looks.work, channel="test_worker"))
    assert looks.reached(2)
    worker.stop()
    assert worker.join(SECONDS)


def test_failures_wait_longer_and_longer() -> None:
    backoff = Backoff(timedelta(seconds=1), timedelta(seconds=10), attempts=7)
    assert [backoff.delay(n) for n in (1, 2, 4, 5, 6, 7)] == [*(timedelta(seconds=s) for s in (1, 2, 8, 10, 10)), None]
    assert Backoff(timedelta(seconds=1), timedelta(days=1)).delay(10**9) == timedelta(days=1)
    shaken = Backoff(timedelta(seconds=4), timedelta(seconds=4), jitter=0.25)
    delays = [shaken.delay(1) for _ in range(200)]
    assert all(each is not None and timedelta(seconds=3) <= each <= timedelta(seconds=5) for each in delays)
    assert len(set(delays)) > 100
