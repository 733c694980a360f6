"""Rule E5: triggers of waiting steps, many on one connection."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.local.configuration import connection_json
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.events import Events
from airflow_workflow_provider.store.instances import Instances
from airflow_workflow_provider.store.waits import NewWait, Waits
from airflow_workflow_provider.triggers import hub as hubs
from airflow_workflow_provider.triggers import receive
from airflow_workflow_provider.triggers.hub import WaitHub
from tests.support.events import event
from tests.support.store import document, new_instance, publish

pytestmark = pytest.mark.postgres

WINDOW = timedelta(0)


@pytest.fixture
def waits(database: Database) -> list[NewWait]:
    publish(database, document())
    found = []
    for number in range(30):
        instance = Instances(database).open(new_instance(f"run-{number}")).id
        found.append(NewWait(instance, "s", "", 1, 1, "payment.*", {"n": number}))
        Waits(database).begin(found[-1], WINDOW)
    return found


def connections(database: Database) -> int:
    query = text("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()")
    return database.run(lambda connection: connection.execute(query).scalar_one())


def test_e5_thirty_steps_wait_on_one_connection_and_are_notified(database: Database, waits: list[NewWait]) -> None:
    hub = WaitHub(database.url, poll=60)
    futures = [hub.watch(each.id) for each in waits]
    poll(lambda: connections(database) == 1 or None, seconds=300, what="the one connection", interval=0.02)
    Events(database).accept([event(str(n), "payment.received", data={"n": n}) for n in range(0, 30, 2)])
    for future in futures[::2]:
        future.result(60)
    assert not any(future.done() for future in futures[1::2])
    for each, future in zip(waits, futures, strict=True):
        hub.forget(each.id, future)
    hub.watch(waits[0].id).result(60)  # it goes on for whoever comes later


def test_e5_a_wait_ends_at_its_deadline_and_after_a_lost_connection(database: Database, waits: list[NewWait]) -> None:
    hub = WaitHub(database.url, poll=0.5)
    lasting = hub.watch(waits[0].id)
    hub.watch(waits[1].id, datetime.now(UTC) + timedelta(seconds=0.3)).result(60)
    with database.begin() as connection:
        connection.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"))
    Events(database).accept([event("0", "payment.received", data={"n": 0})])
    lasting.result(60)


def test_e5_waiting_continues_after_a_failure_that_nobody_foresaw(database: Database, waits: list[NewWait]) -> None:
    class Unlucky(Waits):
        failures = 1

        def look(self, ids: Any) -> set[UUID]:
            if Unlucky.failures:
                Unlucky.failures -= 1
                raise ZeroDivisionError
            return super().look(ids)

    future = WaitHub(database.url, poll=60, looks=Unlucky).watch(waits[0].id)
    Events(database).accept([event("0", "payment.received", data={"n": 0})])
    future.result(60)


def test_e5_a_step_of_an_instance_that_has_ended_gets_no_event(database: Database, waits: list[NewWait]) -> None:
    ended, deleted = waits[:2]
    with Instances(database).locked(ended.instance_id) as record:
        record.status = "failed"
        record.save()
    with database.begin() as connection:
        connection.execute(
            text("DELETE FROM workflow_instances WHERE id = :instance"), {"instance": deleted.instance_id}
        )
    hub = WaitHub(database.url, poll=60)
    for each in (ended, deleted):
        hub.watch(each.id).result(60)
    Events(database).accept([event("0", "payment.received", data={"n": 0})])
    assert Waits(database).end(ended.id) is None


def test_e5_the_trigger_fires_once(
    database: Database, database_url: str, waits: list[NewWait], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", connection_json(database_url))
    monkeypatch.setattr(receive, "SETTLE", 0)
    monkeypatch.setattr(hubs, "POLL", 0.5)
    path, kwargs = receive.ReceivedTrigger(str(waits[3].id)).serialize()
    assert path == "airflow_workflow_provider.triggers.receive.ReceivedTrigger"

    async def run() -> list[Any]:
        fired: list[Any] = []

        async def collect() -> None:
            fired.extend([each.payload async for each in receive.ReceivedTrigger(**kwargs).run()])

        task = asyncio.create_task(collect())
        await asyncio.to_thread(Events(database).accept, [event("3", "payment.refused", data={"n": 3})])
        await asyncio.wait_for(task, 30)
        return fired

    assert asyncio.run(run()) == [{"wait": str(waits[3].id)}]
    assert UUID(kwargs["wait_id"]) == waits[3].id
