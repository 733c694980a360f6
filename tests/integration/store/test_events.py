"""Rules E1 and E2: events are kept once, with what each is for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest
from sqlalchemy import text, update
from sqlalchemy.engine import make_url

from airflow_workflow_provider.errors import NotFound
from airflow_workflow_provider.store import migrate
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.deliveries import Deliveries
from airflow_workflow_provider.store.endings import ENDED
from airflow_workflow_provider.store.events import Accepted, EventFilter, Events, event_row_id
from airflow_workflow_provider.store.instances import Instances, Record
from airflow_workflow_provider.store.tables import workflow_definitions, workflow_event_deliveries, workflow_events
from tests.support.events import count, event, triggered
from tests.support.store import document, new_instance, publish
from tests.unit.model.test_patterns import TABLE

pytestmark = pytest.mark.postgres


def test_e1_an_event_comes_back_as_it_was_given(database: Database) -> None:
    given = event(
        subject="order/1",
        time="2027-01-31T09:00:00.5Z",
        datacontenttype="application/json",
        dataschema="https://example.org/schema",
        data={"amount": 5.25, "list": [1, None, {"ü": "\\u0000 stays"}], "big": 2**60},
        traceparent="00-abc",
        priority=7,
    )
    accepted = Events(database).accept([given])
    stored = Events(database).get(accepted[0].id)
    assert accepted == [Accepted(event_row_id("/shop", "1"), True)]
    assert stored.event.to_json() == given.to_json()
    assert stored.event.extensions == {"traceparent": "00-abc", "priority": 7}
    with pytest.raises(NotFound):
        Events(database).get(event_row_id("/shop", "2"))


@pytest.mark.parametrize("data", [None, 0, False, "", [], {}, "text", [1]])
def test_e1_any_json_value_is_data(database: Database, data: object) -> None:
    found = Events(database).get(Events(database).accept([event(data=data)])[0].id)
    assert found.event.data == data


def test_e2_an_event_that_comes_again_is_the_same_one(database: Database) -> None:
    triggered(database, "order", "order.*")
    events = Events(database)
    first = events.accept([event("1", data={"n": 1}), event("2"), event("1", data={"n": 2})])
    again = events.accept([event("1", data={"n": 3}), event("3")])
    assert [each.created for each in first] == [True, True, False]
    assert [each.created for each in again] == [False, True]
    assert events.get(first[0].id).event.data == {"n": 1}
    assert (count(database, workflow_events), count(database, workflow_event_deliveries)) == (3, 3)
    assert events.accept([]) == []


def test_e2_source_and_id_together_name_an_event(database: Database) -> None:
    pairs = [("a", "bc"), ("ab", "c"), ("a", "b")]
    assert len({event_row_id(source, identifier) for source, identifier in pairs}) == 3
    accepted = Events(database).accept([event(i).model_copy(update={"source": s}) for s, i in pairs])
    assert all(each.created for each in accepted)


def test_e2_the_same_events_from_eight_senders_at_once(database_url: str, database: Database) -> None:
    triggered(database, "order", "order.*")
    barrier = Barrier(8)

    def send(number: int) -> int:
        given = [event(str(each)) for each in range(20)]
        with Database(database_url, retry_for=20) as own:
            barrier.wait()
            # In another order for every second one, so that they meet in the middle.
            return sum(each.created for each in Events(own).accept(given[:: 1 if number % 2 else -1]))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(send, range(8))) == 20
    assert count(database, workflow_event_deliveries) == 20


def test_e1_the_matching_table_in_the_database(database: Database) -> None:
    patterns = sorted({pattern for pattern, _, _ in TABLE})
    for number, pattern in enumerate(patterns):
        triggered(database, f"w{number}", pattern)
    events = Events(database)
    for pattern, event_type, expected in TABLE:
        found = events.matching(event_type)
        assert (f"w{patterns.index(pattern)}" in found) is expected, (pattern, event_type)


def test_e1_patterns_with_quotes_and_the_like(database: Database) -> None:
    for number, odd in enumerate(['a"b', "a\\b", "a'b", "$[*]", "a%s", "a:b", "ü", "a b", "{}", "?"]):
        triggered(database, f"w{number}", odd)
        assert Events(database).matching(odd) == (f"w{number}",)


def test_e2_two_triggers_that_match_are_one_delivery(database: Database) -> None:
    triggered(database, "order", "order.*", "order.created", "**")
    Events(database).accept([event()])
    assert count(database, workflow_event_deliveries) == 1


def test_e1_only_the_head_of_an_active_workflow_is_started(database: Database) -> None:
    triggered(database, "order", "order.created")
    triggered(database, "order", "order.deleted", version="2.0.0")
    triggered(database, "idle", "order.**")
    with database.begin() as connection:
        connection.execute(
            update(workflow_definitions).where(workflow_definitions.c.workflow_id == "idle").values(active=False)
        )
    assert Events(database).matching("order.created") == ()
    assert Events(database).matching("order.deleted") == ("order",)


def test_the_migration_knows_the_patterns_that_are_there(empty_database_url: str) -> None:
    migrate.upgrade(empty_database_url, "0001")
    database = Database(make_url(empty_database_url))
    with database, database.begin() as connection:
        for number, pattern in enumerate(("order.*.paid", "order.created", "**.a'b.**")):
            connection.execute(
                text(
                    "INSERT INTO workflow_definitions (workflow_id, name, version, revision, steps, triggers)"
                    " VALUES (:id, 'n', '1.0.0', 1, '[]', jsonb_build_array(jsonb_build_object('eventPattern',"
                    " CAST(:pattern AS text))))"
                ),
                {"id": f"w{number}", "pattern": pattern},
            )
    assert migrate.upgrade(empty_database_url).ok
    with database:
        assert Events(database).matching("order.x.paid") == ("w0",)
        assert Events(database).matching("order.created") == ("w1",)
        assert Events(database).matching("x.a'b") == ("w2",)
    migrate.downgrade(empty_database_url, "0001")


def test_events_are_listed_newest_first_in_pages(database: Database) -> None:
    triggered(database, "order", "order.created")
    events = Events(database)
    events.accept([event(str(number)) for number in range(5)] + [event("x", "other", subject="s")])
    first = events.list(limit=4)
    rest = events.list(EventFilter(before=first[-1].sequence))
    assert [each.event.id for each in (*first, *rest)] == ["x", "4", "3", "2", "1", "0"]
    assert [each.event.id for each in events.list(EventFilter(type="other"))] == ["x"]
    assert [each.event.id for each in events.list(EventFilter(subject="s"))] == ["x"]
    assert len(events.list(EventFilter(workflow_id="order", status="pending"))) == 5
    assert events.list(EventFilter(status="dead")) == ()
    assert events.list(EventFilter(received_before=first[-1].received_at.replace(year=2020))) == ()
    assert len(events.list(EventFilter(source="/shop", received_from=datetime(2020, 1, 1, tzinfo=UTC)))) == 6
    assert [each.event_id for each in Deliveries(database).list(event=first[1].id)] == [first[1].id]


@pytest.mark.parametrize("status", sorted(ENDED))
def test_an_end_is_published_in_the_transaction_that_makes_it(database: Database, status: str) -> None:
    triggered(database, "follower", f"workflow.{status}")
    publish(database, document())
    instances = Instances(database)
    started = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "order.created", "workflowdepth": 3}
    instance = instances.open(new_instance(event=started, correlation_id="c"))
    for _ in range(2):
        with instances.locked(instance.id) as record:
            record.status, record.output = status, {"n": 1}
            record.completed_at = record.completed_at or datetime(2027, 1, 1, tzinfo=UTC)
            record.save()
            record.save()

    published = Events(database).list()
    assert [each.event.type for each in published] == [f"workflow.{status}"]
    reported = published[0].event.to_json()
    assert (reported["source"], reported["subject"]) == ("/workflows/order", str(instance.id))
    assert (reported["workflowdepth"], reported["correlationid"]) == (4, "c")
    assert (
        reported["data"] | {"status": status, "output": {"n": 1}, "workflowId": "order", "runId": "run-1"}
        == reported["data"]
    )
    assert [each.workflow_id for each in Deliveries(database).list()] == ["follower"]


def test_a_run_that_ends_again_has_another_event_and_a_rollback_has_none(database: Database) -> None:
    publish(database, document())
    instances = Instances(database)
    instance = instances.open(new_instance())

    def fail(record: Record) -> None:
        record.status, record.completed_at = "failed", datetime(2027, 1, 1, tzinfo=UTC)
        record.save()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        instances.update(instance.id, fail)
    assert Events(database).list() == ()
    for day, status in ((1, "failed"), (2, "running"), (3, "completed")):
        with instances.locked(instance.id) as record:
            record.status = status
            record.completed_at = None if status == "running" else datetime(2027, 1, day, tzinfo=UTC)
            record.save()
    assert [each.event.type for each in Events(database).list()] == ["workflow.completed", "workflow.failed"]


def test_an_instance_refers_to_the_event_that_started_it_if_it_is_known(database: Database) -> None:
    publish(database, document())
    accepted = Events(database).accept([event()])[0]
    instances = Instances(database)
    assert instances.open(new_instance("a", event=event().to_json())).trigger_event_id == accepted.id
    assert instances.open(new_instance("b", event=event("made up").to_json())).trigger_event_id is None
    assert instances.open(new_instance("c", event={"id": 1})).trigger_event_id is None
