"""Rules E2 and E4 with a real Airflow database: events and asset events become DAG runs, each once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import update

from airflow_workflow_provider.instances.run_conf import ABOUT
from airflow_workflow_provider.store.cursors import Cursors
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.deliveries import Deliveries
from airflow_workflow_provider.store.delivering import Deliverer, Start
from airflow_workflow_provider.store.events import EventFilter, Events, event_row_id
from airflow_workflow_provider.store.instances import Instances, instance_id
from airflow_workflow_provider.store.starts import Starts
from airflow_workflow_provider.store.tables import workflow_event_deliveries
from airflow_workflow_provider.store.waits import NewWait, Waits
from tests.support.airflow import forget_dags
from tests.support.api import load_dag, runs
from tests.support.events import event
from tests.support.store import document, new_instance, publish

pytestmark = [pytest.mark.airflow, pytest.mark.postgres, pytest.mark.xdist_group("airflow_metadata")]

SCHEMA = {"type": "object", "properties": {"amount": {"type": "number"}, "unit": {"type": "string", "default": "EUR"}}}


@pytest.fixture(autouse=True)
def airflow(request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("airflow_in_process")
    forget_dags()


def loaded(database: Database, workflow_id: str, *patterns: str, **more: Any) -> None:
    """Publish a workflow and let Airflow know its DAG."""
    given = document("1.0.0", workflow_id, triggers=[{"eventPattern": pattern} for pattern in patterns], **more)
    load_dag(given, publish(database, given).revision)


def deliver(database: Database, **options: Any) -> None:
    from airflow_workflow_provider.workers.events import start_instance

    deliverer = Deliverer(database, partial(start_instance, database=database), **options)
    while deliverer.deliver():
        pass


def statuses(database: Database) -> list[str]:
    return sorted(each.status for each in Deliveries(database).list(limit=1000))


def test_e4_an_event_starts_a_dag_run_once(database: Database) -> None:
    loaded(database, "order", "order.*", inputSchema=SCHEMA)
    given = event(data={"amount": 5}, subject="order/1")
    Events(database).accept([given])
    deliver(database)
    with database.begin() as connection:
        connection.execute(update(workflow_event_deliveries).values(status="pending"))
    make_due(database)
    deliver(database)
    (run,) = runs("order")
    assert run.run_id == f"event__{event_row_id('/shop', '1')}"
    announced = Starts(database).find(instance_id("order", run.run_id))
    assert announced is not None
    # The row is there before the first step, so that a run that is deleted before it loses nothing.
    opened = Instances(database).get(instance_id("order", run.run_id))
    assert (opened.event, opened.correlation_id, opened.status) == (given.to_json(), "order/1", "running")
    assert run.conf == {"amount": 5, "unit": "EUR", ABOUT: {"start": announced.token}}
    assert statuses(database) == ["started"]


def make_due(database: Database) -> None:
    moment = datetime.now(UTC) - timedelta(seconds=1)
    with database.begin() as connection:
        connection.execute(update(workflow_event_deliveries).values(due_at=moment))


def test_a_dag_that_is_not_there_yet_or_paused_gets_its_events_later(database: Database) -> None:
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session

    given = document("1.0.0", "late", triggers=[{"eventPattern": "order.*"}])
    revision = publish(database, given).revision
    Events(database).accept([event()])
    deliver(database)
    reason = Deliveries(database).list()[0].reason
    assert reason is not None
    assert reason["message"] == "Airflow has not loaded workflow 'late' yet"
    load_dag(given, revision)
    with create_session() as session:
        session.execute(update(DagModel).values(is_paused=True))
    make_due(database)
    deliver(database)
    assert (runs("late"), statuses(database)) == ([], ["pending"])
    with create_session() as session:
        session.execute(update(DagModel).values(is_paused=False))
    make_due(database)
    deliver(database)
    assert (len(runs("late")), statuses(database)) == (1, ["started"])


def test_i6_an_event_starts_what_is_published_now_never_an_older_version(database: Database) -> None:
    loaded(database, "order", "order.*")
    newer = document("2.0.0", "order", triggers=[{"eventPattern": "order.*"}])
    revision = publish(database, newer).revision
    Events(database).accept([event()])
    deliver(database)
    assert (runs("order"), statuses(database)) == ([], ["pending"])
    reason = Deliveries(database).list()[0].reason
    assert reason is not None
    assert "version 2.0.0" in reason["message"]
    load_dag(newer, revision)
    make_due(database)
    deliver(database)
    (run,) = runs("order")
    assert (run.bundle_version, statuses(database)) == (str(revision), ["started"])


def test_i6_an_event_that_has_started_its_instance_needs_no_newer_version(database: Database) -> None:
    loaded(database, "order", "order.*")
    Events(database).accept([event()])
    deliver(database)
    publish(database, document("2.0.0", "order", triggers=[{"eventPattern": "order.*"}]))
    with database.begin() as connection:
        connection.execute(update(workflow_event_deliveries).values(status="pending"))
    make_due(database)
    deliver(database)
    assert (len(runs("order")), statuses(database)) == (1, ["started"])


def test_what_airflow_never_accepts_is_a_dead_letter(database: Database) -> None:
    from airflow_workflow_provider.workers.events import start_instance

    def spoil(start: Start) -> None:
        wrong = Start(start.workflow_id, "not a run id: ä", start.input, start.event, None)
        start_instance(wrong, database)

    loaded(database, "order", "order.*")
    Events(database).accept([event()])
    Deliverer(database, spoil).deliver()
    assert statuses(database) == ["dead"]


def register(name: str, events: list[tuple[dict[str, Any], str | None]], *, fail: bool = False) -> None:
    """Have Airflow register events of an asset, as a task's end or its API does."""
    from airflow.assets.manager import AssetManager
    from airflow.models.asset import AssetActive, AssetModel
    from airflow.sdk import Asset
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        if session.scalar(select(AssetModel).where(AssetModel.name == name)) is None:
            model = AssetModel(name=name, uri=f"x://{name}/all", group="asset", extra={})
            session.add(model)
            session.flush()
            session.add(AssetActive.for_asset(model))
    with create_session() as session:
        for extra, partition_key in events:
            AssetManager().register_asset_change(
                asset=Asset(name=name, uri=f"x://{name}/all"),
                extra=extra,
                partition_key=partition_key,
                session=session,
            )
        if fail:
            session.flush()
            session.rollback()


def forward(database: Database) -> None:
    from airflow_workflow_provider.airflow_db.asset_events import AssetForwarder

    AssetForwarder(database).forward()


def test_e4_every_asset_event_starts_one_instance_with_and_without_partition_key(database: Database) -> None:
    register("orders", [({"amount": 0}, None)])
    forward(database)  # a new reader begins behind what is there
    loaded(database, "by-asset", "orders", inputSchema=SCHEMA)
    loaded(database, "other", "another.asset")
    register("orders", [({"amount": 1}, None), ({"amount": 2}, "2027-01"), ({"amount": 2}, "2027-01")])
    register("orders", [({"amount": n}, None) for n in range(3, 30)])
    register("unrelated", [({}, None)])
    register("orders", [({"amount": 99}, None)], fail=True)
    for _ in range(3):
        forward(database)
        deliver(database)
    started = runs("by-asset")
    assert sorted(run.conf["amount"] for run in started) == sorted([1, 2, 2, *range(3, 30)])
    assert runs("other") == []
    opened = [Instances(database).get(instance_id("by-asset", run.run_id)) for run in started]
    reported = [each.event for each in opened if each.event is not None]
    assert {each["type"] for each in reported} == {"orders"}
    assert {each["subject"] for each in reported} == {"x://orders/all"}
    assert sorted(each.get("partitionkey", "") for each in reported)[-3:] == ["", "2027-01", "2027-01"]
    assert {each.event.type for each in Events(database).list()} == {"orders"}


def test_e4_four_processes_take_asset_events_over_once(database: Database, database_url: str) -> None:
    loaded(database, "by-asset", "stock")
    forward(database)
    register("stock", [({"n": n}, None) for n in range(40)])

    def work(_: int) -> None:
        with Database(database_url, retry_for=10) as own:
            forward(own)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    forward(database)
    assert len(Events(database).list(EventFilter(type="stock"))) == 40


def test_e4_an_asset_event_that_is_committed_late_is_not_passed_over(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session
    from sqlalchemy import select

    from airflow_workflow_provider.airflow_db import asset_events, table_follower

    loaded(database, "by-asset", "slow.asset")
    forward(database)
    register("slow.asset", [({"n": n}, None) for n in range(4)])
    with create_session() as session:
        late = list(session.scalars(select(AssetEvent).order_by(AssetEvent.id.desc()).limit(4)))[2]
        kept = {name: getattr(late, name) for name in ("id", "asset_id", "extra", "timestamp")}
        session.delete(late)
    forward(database)
    assert len(Events(database).list()) == 3
    with create_session() as session:
        session.add(AssetEvent(**kept))
    for _ in range(2):
        forward(database)
    assert sorted(each.event.data["n"] for each in Events(database).list()) == [0, 1, 2, 3]
    # A number that never comes holds nothing up for ever.
    register("slow.asset", [({"n": 4}, None)], fail=True)
    register("slow.asset", [({"n": 5}, None)])
    monkeypatch.setattr(table_follower, "SETTLED", timedelta(0))
    forward(database)
    assert Cursors(database).position(asset_events.CURSOR) == kept["id"] + 4


@pytest.mark.parametrize("ahead", [100, 0])
def test_e4_an_asset_event_is_not_passed_over_because_airflow_counts_from_a_backup_on(
    database: Database, ahead: int
) -> None:
    """The place is behind all numbers, or at a row that came after the last look."""
    from airflow_workflow_provider.airflow_db import asset_events

    loaded(database, "by-asset", "restored.asset")
    register("restored.asset", [({"n": 0}, None)])
    forward(database)
    register("restored.asset", [({"n": 1}, None)])
    newest = asset_events._newest()
    with database.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE workflow_event_cursors SET position = %s, updated_at = now() - interval '1 hour' WHERE name = %s",
            (newest + ahead, asset_events.CURSOR),
        )
    forward(database)
    taken = len(Events(database).list())
    assert 1 in {each.event.data["n"] for each in Events(database).list()}
    assert Cursors(database).position(asset_events.CURSOR) <= newest
    forward(database)
    assert len(Events(database).list()) == taken


def test_e5_a_waiting_step_gets_an_asset_event(database: Database) -> None:
    loaded(database, "order", "order.created")
    from airflow_workflow_provider.store.instances import Instances

    forward(database)
    instance = Instances(database).open(new_instance()).id
    wait = NewWait(instance, "s", "", 1, 1, "delivery.done", {"order": 1})
    Waits(database).begin(wait, timedelta(0))
    register("delivery.done", [({"order": 2}, None), ({"order": 1}, "k")])
    forward(database)
    found = Waits(database).end(wait.id)
    assert found is not None
    assert found.data == {"order": 1}


def test_a_listener_would_hear_of_asset_events_that_never_happened() -> None:
    """Why listeners are not trusted: they are told before the commit."""
    from airflow.listeners import hookimpl
    from airflow.listeners.listener import get_listener_manager

    class Listener:
        def __init__(self) -> None:
            self.heard: list[str] = []

        @hookimpl
        def on_asset_event_emitted(self, asset_event: Any) -> None:
            self.heard.append(asset_event.asset.name)

    listener = Listener()
    get_listener_manager().add_listener(listener)
    try:
        register("ghost", [({}, None)], fail=True)
    finally:
        get_listener_manager().clear()
    assert listener.heard == ["ghost"]
