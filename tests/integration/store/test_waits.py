"""Rule E5: a step that waits gets its event, whichever of the two comes first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, text

from airflow_workflow_provider.errors import Conflict, NotFound
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.events import Events
from airflow_workflow_provider.store.instances import Instances, Record
from airflow_workflow_provider.store.tables import workflow_events
from airflow_workflow_provider.store.waits import NewWait, Waits
from tests.support.events import event
from tests.support.store import document, new_instance, publish

pytestmark = pytest.mark.postgres

WINDOW = timedelta(minutes=5)


@pytest.fixture
def instance(database: Database) -> UUID:
    publish(database, document())
    return Instances(database).open(new_instance()).id


def wait(instance: UUID, **more: Any) -> NewWait:
    values = {"step_id": "s", "scope": "", "visit": 1, "attempt": 1, "pattern": "payment.received", "correlation": {}}
    return NewWait(instance, **{**values, **more})


def payment(identifier: str = "p", order: Any = 1, event_type: str = "payment.received", **more: Any) -> Any:
    return event(identifier, event_type, data={"order": {"id": order}}, **more)


def received(database: Database, given: NewWait) -> str | None:
    found = Waits(database).end(given.id)
    return None if found is None else found.id


def test_e5_an_event_that_comes_later(database: Database, instance: UUID) -> None:
    waits, given = Waits(database), wait(instance, correlation={"order.id": 1})
    assert waits.begin(given, WINDOW) is None
    assert waits.begin(given, WINDOW) is None  # again is going on
    assert waits.look([given.id, gone := uuid4()]) == {gone}
    Events(database).accept([payment("no", 2), payment("other", 1, "payment.refused"), payment("yes", 1)])
    assert waits.look([given.id]) == {given.id}
    assert waits.begin(given, WINDOW) == payment("yes", 1)
    assert received(database, given) == received(database, given) == "yes"


def test_i1_no_step_of_an_instance_that_has_ended_waits(database: Database, instance: UUID) -> None:
    def end(record: Record) -> None:
        record.status = "failed"
        record.save()

    Instances(database).update(instance, end)
    waits, given = Waits(database), wait(instance)
    Events(database).accept([payment("before")])

    assert waits.begin(given, WINDOW) is None
    assert waits.list() == ()
    Events(database).accept([payment("after")])
    assert received(database, given) is None


def test_e5_an_event_that_came_shortly_before(database: Database, instance: UUID) -> None:
    Events(database).accept([payment("no", 2), payment("first", 1), payment("second", 1)])
    found = Waits(database).begin(wait(instance, correlation={"order.id": 1.0}), WINDOW)
    assert found is not None
    assert found.id == "first"
    assert Waits(database).begin(wait(instance, step_id="t", scope="par/b2"), timedelta(0)) is None


@pytest.mark.parametrize("pattern", ["payment.received", "payment.*", "*.received", "**", "**.received.**"])
def test_e5_patterns_mean_the_same_before_and_after(database: Database, instance: UUID, pattern: str) -> None:
    after, never = wait(instance, pattern=pattern), wait(instance, pattern=f"{pattern}.x", visit=2)
    for each in (after, never):
        assert Waits(database).begin(each, WINDOW) is None
    Events(database).accept([payment()])
    assert (received(database, after), received(database, never)) == ("p", None)
    other = Instances(database).open(new_instance("other")).id
    found = Waits(database).begin(wait(other, pattern=pattern), WINDOW)
    assert found is not None


@pytest.mark.parametrize(
    ("correlation", "data", "expected"),
    [
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, {"a": "1"}, False),
        ({"a": 1}, {}, False),
        ({"a": None}, {"a": None}, True),
        ({"a": None}, {}, False),
        ({"a.b": "x"}, {"a": {"b": "x"}}, True),
        ({"a.b": "x"}, {"a.b": "x"}, False),
        ({"a.0.b": "x"}, {"a": [{"b": "x"}]}, True),
        ({"a.0": "x"}, {"a": {"0": "x"}}, True),
        ({"a.1": "x"}, {"a": ["x"]}, False),
        ({"a": [1, 2]}, {"a": [1, 2, 3]}, False),
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": 2, "x": 1}}, True),
        ({"a": {"x": 1}}, {"a": {"x": 1, "y": 2}}, False),
        ({"a": 1, "b": 2}, {"a": 1, "b": 2, "c": 3}, True),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, False),
        ({"a": 1}, None, False),
        ({"a": 1}, [1], False),
        ({}, None, True),
    ],
)
def test_e5_correlation(
    database: Database, instance: UUID, correlation: dict[str, Any], data: Any, expected: bool
) -> None:
    after = wait(instance, correlation=correlation)
    assert Waits(database).begin(after, WINDOW) is None
    Events(database).accept([event("e", "payment.received", data=data)])
    assert (received(database, after) == "e") is expected
    before = wait(Instances(database).open(new_instance("other")).id, correlation=correlation)
    assert (Waits(database).begin(before, WINDOW) is not None) is expected


def test_e5_one_event_goes_to_every_step_that_waits_and_comes_once(database: Database, instance: UUID) -> None:
    others = [Instances(database).open(new_instance(f"run-{number}")).id for number in range(2, 6)]
    given = [wait(each, correlation={"order.id": 1}) for each in (instance, *others)]
    given.append(wait(instance, step_id="t", scope="par/b1", pattern="payment.**"))
    for each in given:
        Waits(database).begin(each, WINDOW)
    for _ in range(2):
        Events(database).accept([payment("p", 1)])
    Events(database).accept([payment("q", 1)])
    assert [received(database, each) for each in given] == ["p"] * 6


def test_e5_a_step_that_waits_twice_gets_two_events(database: Database, instance: UUID) -> None:
    Events(database).accept([payment("1"), payment("2")])
    begin = Waits(database).begin
    first = begin(wait(instance), WINDOW)
    again = begin(wait(instance, attempt=2), WINDOW)
    second = begin(wait(instance, visit=2), WINDOW)
    following = begin(wait(instance, step_id="t"), WINDOW)
    assert first is not None
    assert again is not None
    assert second is not None
    assert (first.id, again.id, second.id, following) == ("1", "1", "2", None)
    Events(database).accept([payment("3")])
    assert received(database, wait(instance, step_id="t")) == "3"


def test_e5_branches_beside_each_other_get_the_same_event_and_inner_ones_another(
    database: Database, instance: UUID
) -> None:
    Events(database).accept([payment("1"), payment("2")])
    scopes = ["par/b1", "par/b2", "par/b1/each[0]", "par/b1/each[1]", "each[3]"]
    got = [Waits(database).begin(wait(instance, scope=scope), WINDOW) for scope in scopes]
    assert [each.id if each else None for each in got] == ["1", "1", "2", "2", "1"]


def test_e5_the_event_that_started_the_instance_is_no_later_one(database: Database, instance: UUID) -> None:
    assert Instances(database).get(instance).status == "running"
    Events(database).accept([payment("start"), payment("later")])
    own = Instances(database).open(new_instance("own", event=payment("start").to_json())).id
    found = Waits(database).begin(wait(own), WINDOW)
    assert found is not None
    assert found.id == "later"


def test_e5_what_comes_after_the_deadline_or_the_end_is_not_received(database: Database, instance: UUID) -> None:
    late = wait(instance, deadline=datetime.now(UTC) - timedelta(seconds=1))
    ended = wait(instance, visit=2)
    for each in (late, ended):
        Waits(database).begin(each, WINDOW)
    assert received(database, ended) is None
    Events(database).accept([payment()])
    assert (received(database, late), received(database, ended)) == (None, None)


def test_e5_waiting_steps_are_listed(database: Database, instance: UUID) -> None:
    other = Instances(database).open(new_instance("other")).id
    over = Instances(database).open(new_instance("over")).id
    for number, each in enumerate((instance, other, over)):
        Waits(database).begin(wait(each, correlation={"order.id": number}), WINDOW)
    with Instances(database).locked(over) as record:
        record.status = "failed"
        record.save()
    found = Waits(database).list()
    assert [(each.instance_id, each.workflow_id, each.step_id, each.correlation) for each in found] == [
        (instance, "order", "s", {"order.id": 0}),
        (other, "order", "s", {"order.id": 1}),
    ]
    assert [each.instance_id for each in Waits(database).list(instance=other)] == [other]
    assert Waits(database).list(workflow_ids=["another"]) == ()
    Events(database).accept([payment(order=0)])
    assert [each.instance_id for each in Waits(database).list()] == [other]


def test_a_wait_of_no_instance_and_one_whose_event_was_deleted(database: Database, instance: UUID) -> None:
    with pytest.raises(NotFound):
        Waits(database).begin(wait(uuid4()), WINDOW)
    Waits(database).begin(wait(instance), WINDOW)
    Events(database).accept([payment()])
    with database.begin() as connection:
        connection.execute(delete(workflow_events))
    with pytest.raises(Conflict, match="deleted"):
        Waits(database).end(wait(instance).id)


def test_e5_eighty_steps_and_events_at_the_same_moment(database_url: str, database: Database) -> None:
    """Each event races with the step that waits for it; none may be missed."""
    publish(database, document())
    instances = Instances(database)
    ids = [instances.open(new_instance(f"run-{number}")).id for number in range(80)]
    barrier = Barrier(4)

    def begin(part: int) -> None:
        with Database(database_url, retry_for=20) as own:
            barrier.wait()
            for number in range(part, 80, 2):
                Waits(own).begin(wait(ids[number], correlation={"order.id": number}), WINDOW)

    def send(part: int) -> None:
        with Database(database_url, retry_for=20) as own:
            barrier.wait()
            for number in range(part, 80, 2):
                Events(own).accept([payment(str(number), number)])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda job: job[0](job[1]), [(begin, 0), (send, 0), (begin, 1), (send, 1)]))
    assert [received(database, wait(each)) for each in ids] == [str(number) for number in range(80)]


def test_e5_an_event_on_its_way_holds_back_who_begins_to_wait(database: Database, instance: UUID) -> None:
    from airflow_workflow_provider.store.events import accept

    with ThreadPoolExecutor(1) as pool:
        with database.begin() as connection:
            accept(connection, [payment()])
            begun = pool.submit(Waits(database).begin, wait(instance), WINDOW)
            blocked = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            with Database(database.url, pooled=False).begin() as other:
                while other.execute(blocked).scalar_one() == 0:
                    assert not begun.done()
        found = begun.result(10)
    assert found is not None
