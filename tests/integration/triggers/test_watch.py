"""The watcher: workflow events as asset events, none lost, also when the triggerer dies."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest
from airflow.triggers.shared_stream import AdvanceItem, AdvanceOutcome

from airflow_workflow_provider.errors import StoreUnavailable
from airflow_workflow_provider.local.configuration import connection_json
from airflow_workflow_provider.store.cursors import Cursors
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.events import Events
from airflow_workflow_provider.store.notices import Notices
from airflow_workflow_provider.triggers import watch
from airflow_workflow_provider.triggers.watch import EventStream, WorkflowEventTrigger
from tests.support.events import event

pytestmark = pytest.mark.postgres


@pytest.fixture(autouse=True)
def connection(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", connection_json(database_url))
    monkeypatch.setattr(watch, "POLL", 1)


def read(pattern: str, count: int, *, acknowledge: bool = True) -> list[str]:
    """Run a reader until it has given some events, as a triggerer does, and stop it."""

    async def run() -> list[str]:
        stream = EventStream(pattern)
        found: list[str] = []
        async with asyncio.timeout(30), aclosing(stream), aclosing(stream.open_stream()) as opened:  # type: ignore[type-var]
            async for given, position in opened:
                found.append(given["id"])
                if acknowledge:
                    await stream.advance([AdvanceItem(position, AdvanceOutcome(1, 0, 0))])
                if len(found) == count:
                    break
        return found

    return asyncio.run(run())


def test_a_watcher_begins_with_what_comes_and_continues_where_it_stopped(database: Database) -> None:
    Events(database).accept([event("before", "order.created")])
    Cursors(database).position("watch:order.*")
    Events(database).accept([event(str(n), "order.created") for n in range(3)] + [event("no", "other")])
    assert read("order.*", 2) == ["0", "1"]
    Events(database).accept([event("3", "order.paid")])
    assert read("order.*", 2) == ["2", "3"]


def test_what_airflow_did_not_store_comes_again(database: Database) -> None:
    Cursors(database).position("watch:**")
    Events(database).accept([event(str(n)) for n in range(3)])
    assert read("**", 2, acknowledge=False) == ["0", "1"]
    assert read("**", 3) == ["0", "1", "2"]


def test_events_that_were_asset_events_do_not_go_round(database: Database) -> None:
    Cursors(database).position("watch:**")
    from_asset = event("1", "orders").model_copy(update={"source": "/airflow/assets/orders"})
    Events(database).accept([from_asset, event("2")])
    assert read("**", 1) == ["2"]


def test_a_watcher_is_notified_of_events_while_it_waits(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> Any:
        stream = EventStream("order.*")

        async def first() -> Any:
            async with aclosing(stream.open_stream()) as opened:  # type: ignore[type-var]
                async for given, _ in opened:
                    return given["id"]
            return None

        waits = asyncio.Event()
        loop, wait = asyncio.get_running_loop(), Notices.wait

        def waiting(notices: Notices, seconds: float) -> Any:
            loop.call_soon_threadsafe(waits.set)
            return wait(notices, seconds)

        monkeypatch.setattr(Notices, "wait", waiting)
        reader = asyncio.create_task(first())
        await waits.wait()
        await asyncio.to_thread(Events(database).accept, [event("1")])
        found = await reader
        await stream.aclose()
        return found

    assert asyncio.run(asyncio.wait_for(run(), 120)) == "1"


def test_a_watcher_outlives_an_outage(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    Cursors(database).position("watch:**")
    Events(database).accept([event(str(n)) for n in range(2)])
    outages = {"read": 2, "advance": 1}

    for name, whole in (("read", Cursors.read), ("advance", Cursors.advance)):

        def failing(*given: Any, name: str = name, whole: Any = whole, **more: Any) -> Any:
            outages[name] -= 1
            if outages[name] >= 0:
                message = "away"
                raise StoreUnavailable(message)
            return whole(*given, **more)

        monkeypatch.setattr(Cursors, name, failing)
    assert read("**", 2) == ["0", "1"]
    assert Cursors(database).position("watch:**") == 2


def test_the_trigger_is_made_again_from_its_parts() -> None:
    path, kwargs = WorkflowEventTrigger("order.*").serialize()
    assert path == "airflow_workflow_provider.triggers.watch.WorkflowEventTrigger"
    again = WorkflowEventTrigger(**kwargs)
    assert again.shared_stream_key() == WorkflowEventTrigger("order.*").shared_stream_key()
    assert isinstance(WorkflowEventTrigger.create_shared_stream_producer(kwargs), EventStream)
