"""An event that takes its evaluator with it stops no other event, and becomes a dead letter that says why (rule E3)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from airflow_workflow_provider.bounded.limits import MIB, Limits
from airflow_workflow_provider.bounded.pool import Pool, PoolDoor
from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.store import delivering
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.deliveries import Deliveries
from airflow_workflow_provider.store.delivering import MAX_KILLS, MAX_LAPSES, Deliverer
from airflow_workflow_provider.store.events import Events
from airflow_workflow_provider.store.tables import workflow_event_deliveries as deliveries
from tests.support import foreign
from tests.support.events import Starts, due_now, event, triggered

pytestmark = pytest.mark.postgres

SECONDS = 0.5


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    monkeypatch.setattr(delivering, "input_of", foreign.input_of)
    found = Pool(Limits(seconds=SECONDS, memory=192 * MIB), [foreign.NAME, "airflow_workflow_provider.store.reasons"])
    found.start()
    yield found
    found.close()


def deliverer(database: Database, pool: Pool, starts: Starts, **options: Any) -> Deliverer:
    return Deliverer(database, starts, door_of=lambda name: PoolDoor(lambda: pool, "events", name), **options)


def deliver_until(stop: threading.Event, made: Deliverer) -> None:
    while not stop.wait(0.05):
        while made.deliver():
            pass


def test_two_deliverers_continue_beside_a_poisoned_event(database: Database, pool: Pool) -> None:
    triggered(database, "order", "order.*")
    triggered(database, "poisoned", "poison.*")
    poison = [event(f"p{n}", "poison.made", data={"poison": True, "password": "hunter2"}) for n in range(2)]
    Events(database).accept([*poison, *(event(str(n)) for n in range(10))])
    starts, stop = Starts(), threading.Event()
    threads = [threading.Thread(target=deliver_until, args=(stop, deliverer(database, pool, starts))) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        poll(lambda: len(starts.starts) == 10 or None, seconds=300, what="the other events", interval=0.01)
        # Each has stood at most for the two that came first, not for all their tries.
        assert sum(row.kills for row in rows(database)) < 2 * MAX_KILLS

        def dead() -> Any:
            due_now(database, leased=False)
            found = Deliveries(database).list(status="dead")
            return found if len(found) == 2 else None

        found = poll(dead, seconds=300, what="the dead letters", interval=0.1)
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    for letter in found:
        assert letter.workflow_id == "poisoned"
        assert letter.reason["code"] == "limit-exceeded"
        assert "takes longer than" in letter.reason["message"]
        assert f"{MAX_KILLS} times" in letter.reason["message"]
        assert "hunter2" not in str(letter.reason)
    assert len(starts.starts) == 10


def test_a_dead_letter_of_this_kind_can_be_driven_again(database: Database, pool: Pool) -> None:
    triggered(database, "order", "order.*")
    Events(database).accept([event(data={"poison": True})])
    starts = Starts()
    made = deliverer(database, pool, starts)
    for _ in range(MAX_KILLS):
        due_now(database)
        assert made.deliver() == 1
    assert Deliveries(database).list()[0].status == "dead"
    assert Deliveries(database).redrive() == 1
    row = rows(database)[0]
    assert (row.status, row.kills, row.lapses, row.attempts, row.held) == ("pending", 0, 0, 0, False)
    with database.begin() as connection:
        connection.exec_driver_sql("""UPDATE workflow_events SET data = '{"poison": false}'""")
    assert made.deliver() == 1
    assert len(starts.starts) == 1


def test_of_a_suspected_workflow_one_delivery_comes_after_each_batch(database: Database, pool: Pool) -> None:
    triggered(database, "poisoned", "poison.*")
    triggered(database, "order", "order.*")
    Events(database).accept([event(f"p{n}", "poison.made", data={"poison": True}) for n in range(8)])
    starts = Starts()
    made = deliverer(database, pool, starts, batch=4)
    made.deliver()
    # One was enough to suspect the workflow; the rest of the batch was given back, and one of it tried.
    assert sorted(row.kills for row in rows(database)) == [0] * 6 + [1, 1]
    assert sorted(row.attempts for row in rows(database)) == [0] * 6 + [1, 1]
    Events(database).accept([event(str(n)) for n in range(4)])
    made.deliver()
    assert len(starts.starts) == 4


def test_a_delivery_whose_deliverers_die_becomes_a_dead_letter(database: Database) -> None:
    triggered(database, "order", "order.*")
    Events(database).accept([event()])
    for lapses in range(MAX_LAPSES):
        claimed = Deliveries(database).claim()
        assert [each.lapses for each in claimed] == [lapses]
        due_now(database)
    starts = Starts()
    assert Deliverer(database, starts).deliver() == 1
    letter = Deliveries(database).list()[0]
    assert (letter.status, letter.reason["type"] if letter.reason else None) == ("dead", "WorkerLost")
    assert starts.starts == []


def test_what_waits_for_a_passing_reason_is_no_lapse(database: Database) -> None:
    triggered(database, "order", "order.*")
    Events(database).accept([event()])
    starts = Starts()
    starts.failures = [OSError("away")] * (MAX_LAPSES + 2)
    made = Deliverer(database, starts)
    for _ in range(MAX_LAPSES + 3):
        due_now(database)
        made.deliver()
    assert [(row.status, row.lapses, row.kills) for row in rows(database)] == [("started", 0, 0)]


def rows(database: Database) -> list[Any]:
    with database.begin() as connection:
        return list(connection.execute(select(deliveries)).all())
