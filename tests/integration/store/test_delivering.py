"""Rules E2 and E3: from events to instances, each once, by any number of deliverers."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from airflow_workflow_provider.errors import Misuse, StoreUnavailable
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.deliveries import Deliveries
from airflow_workflow_provider.store.delivering import BACKOFF, Deliverer, StartRefused
from airflow_workflow_provider.store.events import Events, event_row_id
from airflow_workflow_provider.store.instances import instance_id
from airflow_workflow_provider.store.tables import workflow_definitions, workflow_event_deliveries
from tests.support.events import Starts, event, many_triggered, triggered
from tests.support.log_fields import Fields

pytestmark = pytest.mark.postgres

NUMBER = {"type": "object", "properties": {"n": {"type": "number"}, "unit": {"default": "EUR"}}, "required": ["n"]}


def transform(expression: str, kind: str = "jsonata") -> dict[str, Any]:
    return {"triggers": [{"eventPattern": "order.*", "transform": {"type": kind, "expression": expression}}]}


def deliver(database: Database, **options: Any) -> Starts:
    starts = Starts()
    deliverer = Deliverer(database, starts, **options)
    while deliverer.deliver():
        pass
    return starts


def reasons(database: Database) -> dict[str, tuple[str, str | None]]:
    return {
        each.workflow_id: (each.reason["type"], each.reason["code"])
        for each in Deliveries(database).list(status="dead")
        if each.reason
    }


def test_e3_the_data_is_the_input_and_defaults_are_applied(database: Database) -> None:
    triggered(database, "order", "order.*", inputSchema=NUMBER)
    Events(database).accept([event(data={"n": 1}, subject="order/1")])
    start = deliver(database).starts[0]
    assert start.input == {"n": 1, "unit": "EUR"}
    assert start.event == event(data={"n": 1}, subject="order/1").to_json()
    assert start.run_id == f"event__{event_row_id('/shop', '1')}"
    assert start.about == {"event": start.event, "correlationId": "order/1"}
    done = Deliveries(database).list()[0]
    assert (done.status, done.attempts) == ("started", 1)
    assert done.instance_id == instance_id("order", start.run_id) == start.instance_id
    assert deliver(database).starts == []


@pytest.mark.parametrize(
    ("kind", "expression", "expected"),
    [
        ("jsonata", "{'n': amount * 2, 'who': $event.subject, 'id': $event.id}", {"n": 10, "who": "s", "id": "1"}),
        ("jmespath", "{n: amount}", {"n": 5}),
        ("jsonata", "nothing", {}),
    ],
)
def test_e3_a_transform_makes_the_input(
    database: Database, kind: str, expression: str, expected: dict[str, Any]
) -> None:
    triggered(database, "order", **transform(expression, kind))
    Events(database).accept([event(data={"amount": 5}, subject="s")])
    assert deliver(database).starts[0].input == expected


def test_e3_the_first_trigger_that_matches_acts(database: Database) -> None:
    more = transform("{'from': 'second'}")["triggers"]
    triggered(database, "order", triggers=[{"eventPattern": "other"}, *more, {"eventPattern": "**"}])
    Events(database).accept([event()])
    assert deliver(database).starts[0].input == {"from": "second"}


def test_e3_uuids_of_a_transform_are_stable(database: Database) -> None:
    triggered(database, "order", **transform("{'id': $uuid()}"))
    Events(database).accept([event()])
    starts = Starts()
    starts.failures = [OSError("away")]
    deliverer = Deliverer(database, starts)
    deliverer.deliver()
    make_due(database)
    deliverer.deliver()
    make_due(database, "started")
    Deliverer(database, starts).deliver()
    assert starts.starts[0].input == starts.starts[1].input


def make_due(database: Database, status: str = "pending") -> None:
    now = event_time(database)
    with database.begin() as connection:
        statement = update(workflow_event_deliveries).where(workflow_event_deliveries.c.status == status)
        connection.execute(statement.values(due_at=now, status="pending"))


def event_time(database: Database) -> Any:
    from sqlalchemy import func, select

    return database.run(lambda connection: connection.execute(select(func.now())).scalar_one())


def test_e3_what_cannot_start_is_a_dead_letter_and_the_others_start(database: Database) -> None:
    triggered(database, "bad-transform", **transform("$error('no')"))
    triggered(database, "bad-input", "order.*", inputSchema=NUMBER)
    triggered(database, "no-object", **transform("[1, 2]"))
    triggered(database, "fine", "order.*")
    triggered(database, "idle", "order.*")
    triggered(database, "moved-on", "order.*")
    Events(database).accept([event(data={"n": "x"})])
    triggered(database, "moved-on", "other.*", version="2.0.0")
    with database.begin() as connection:
        idle = update(workflow_definitions).where(workflow_definitions.c.workflow_id == "idle")
        connection.execute(idle.values(active=False))

    assert deliver(database).runs == [("fine", "1")]
    assert reasons(database) == {
        "bad-transform": ("ExpressionError", None),
        "bad-input": ("ValidationError", None),
        "no-object": ("ValidationError", None),
        "idle": ("WorkflowFailed", "workflow-inactive"),
        "moved-on": ("NoTrigger", None),
    }
    bad = next(each for each in Deliveries(database).list() if each.workflow_id == "bad-input")
    assert bad.reason is not None
    assert bad.reason["details"]["errors"][0]["pointer"] == "/n"


def test_e3_data_that_is_no_object_is_a_dead_letter(database: Database) -> None:
    triggered(database, "order", "order.*")
    Events(database).accept([event(data="text"), event("2", data=None)])
    assert deliver(database).runs == [("order", "2")]
    assert reasons(database) == {"order": ("ValidationError", None)}


SECRETS = [
    pytest.param("hunter22", id="text"),
    pytest.param('it\'s\\a "long" one\n', id="text that is quoted"),
    pytest.param("x" * 700, id="text that is too long to be quoted"),
    pytest.param(98765432, id="number"),
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("renamed", [False, True], ids=["as it came", "renamed by a transform"])
@pytest.mark.parametrize("how", ["writeOnly", "redact", "redact event"])
def test_l4_a_dead_letter_reveals_no_secret(database: Database, secret: Any, renamed: bool, how: str) -> None:
    password = {"type": "boolean"} | ({"writeOnly": True} if how == "writeOnly" else {})
    name = "password" if how != "redact event" else "token"
    place = "user" if renamed else "account"
    paths = {"redact": [f"input.{place}.password"], "redact event": ["event.data.account.token"]}
    expression = f"{{'user': {{'password': account.{name}}}, 'amount': 'much'}}"
    transformed = transform(expression)["triggers"] if renamed else [{"eventPattern": "order.*"}]
    schema = {
        "type": "object",
        "properties": {
            "amount": {"type": "number"},
            place: {"type": "object", "properties": {name: password, "password": password}},
        },
        "maxProperties": 1,
    }
    log: dict[str, Any] = {"executionLog": {"redact": paths[how]}} if how in paths else {}
    triggered(database, "order", inputSchema=schema, triggers=transformed, **log)
    Events(database).accept([event(data={"account": {name: secret}, "amount": "much"})])
    assert deliver(database).starts == []
    (dead,) = Deliveries(database).list(status="dead")
    assert dead.reason is not None
    reported = json.dumps(dead.reason)
    assert dead.reason["type"] == "ValidationError"
    assert "'much' is not of type 'number'" in reported
    for spelling in (
        str(secret)[:100],
        json.dumps(secret)[1:100],
        repr(secret)[1:100],
        json.dumps(repr(secret))[2:100],
    ):
        assert spelling.rstrip("'\"") not in reported


def test_e3_a_dead_letter_is_driven_again(database: Database) -> None:
    triggered(database, "order", "order.*", inputSchema=NUMBER)
    triggered(database, "other", "order.*", inputSchema=NUMBER)
    Events(database).accept([event(), event("2")])
    assert deliver(database).starts == []
    triggered(database, "order", "order.*", version="2.0.0")
    deliveries = Deliveries(database)
    assert deliveries.redrive(workflow_ids=["none"]) == 0
    assert deliveries.redrive(event=event_row_id("/shop", "1"), workflow_ids=["order"]) == 1
    assert deliveries.redrive(event=event_row_id("/shop", "1"), workflow_ids=["order"]) == 0
    assert deliver(database).runs == [("order", "1")]
    dead = deliveries.list(status="dead", workflow_ids=["other"])
    assert deliveries.redrive(deliveries_ids=[each.id for each in dead]) == 2
    assert deliver(database).starts == []
    assert len(deliveries.list(status="dead")) == 3
    with pytest.raises(Misuse, match="'gone'"):
        deliveries.list(status="gone")


def test_a_failure_that_may_pass_is_tried_again_later(database: Database) -> None:
    triggered(database, "order", "order.*")
    Events(database).accept([event()])
    starts = Starts()
    starts.failures = [OSError("Airflow is away")]
    deliverer = Deliverer(database, starts)
    assert (deliverer.deliver(), deliverer.deliver()) == (1, 0)
    waiting = Deliveries(database).list()[0]
    assert (waiting.status, waiting.attempts) == ("pending", 1)
    assert waiting.reason is not None
    assert waiting.reason["message"] == "Airflow is away"
    assert timedelta(0) < waiting.due_at - waiting.updated_at < timedelta(seconds=2)
    due = deliverer.next_due()
    assert due is not None
    assert due <= waiting.due_at - waiting.updated_at
    make_due(database)
    assert deliverer.deliver() == 1
    assert starts.runs == [("order", "1")]
    assert Deliveries(database).list()[0].reason is None


def test_a_refusal_and_too_many_tries_are_dead_letters(database: Database) -> None:
    triggered(database, "order", "order.*")
    Events(database).accept([event(), event("2")])
    with database.begin() as connection:
        connection.execute(update(workflow_event_deliveries).values(attempts=(BACKOFF.attempts or 0) - 1))
    starts = Starts()
    starts.failures = [StartRefused("no such DAG"), OSError("away")]
    Deliverer(database, starts).deliver()
    found = {each.reason["type"] for each in Deliveries(database).list(status="dead") if each.reason}
    assert found == {"StartRefused", "OSError"}


def test_a_circle_of_workflows_is_broken(database: Database) -> None:
    triggered(database, "order", "**")
    Events(database).accept([event("1", workflowdepth=2), event("2", workflowdepth=3)])
    assert deliver(database, max_depth=2).runs == [("order", "1")]
    assert reasons(database) == {"order": ("WorkflowFailed", "event-loop")}


def test_e2_four_deliverers_at_once_start_each_once(database_url: str, database: Database) -> None:
    many_triggered(database, {f"w{number}": f"t{number}.*" for number in range(50)})
    for _ in range(2):
        Events(database).accept([event(str(number), f"t{number % 50}.x", data={}) for number in range(200)])
    starts = Starts()

    def run(_: int) -> None:
        with Database(database_url, retry_for=20) as own:
            deliverer = Deliverer(own, starts)
            while deliverer.deliver():
                pass

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(4)))
    assert len(starts.starts) == 200
    assert starts.runs == sorted((f"w{number % 50}", str(number)) for number in range(200))


def test_a_claim_that_nobody_ended_is_taken_up_after_its_lease(database: Database) -> None:
    triggered(database, "order", "order.*")
    Events(database).accept([event()])
    deliveries = Deliveries(database)
    assert len(deliveries.claim(10, timedelta(hours=1))) == 1
    assert deliveries.claim() == ()
    make_due(database)
    second = deliveries.claim(10, timedelta(0))
    third = deliveries.claim()
    assert [each.attempts for each in (*second, *third)] == [2, 3]
    deliveries.started(third[0].id, instance_id("order", "r"))
    deliveries.dead(second[0].id, {"type": "Late"})
    assert deliveries.list()[0].status == "started"


def test_a_database_that_is_away_keeps_everything(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    triggered(database, "order", "order.*")
    Events(database).accept([event()])
    starts = Starts()
    deliverer = Deliverer(database, starts, lease=timedelta(0))

    def fail(*_: Any) -> None:
        message = "away"
        raise StoreUnavailable(message)

    with monkeypatch.context() as patch:
        patch.setattr(Deliveries, "started", fail)
        with pytest.raises(StoreUnavailable):
            deliverer.deliver()
    deliverer.deliver()
    assert {start.run_id for start in starts.starts} == {starts.starts[0].run_id}
    assert Deliveries(database).list()[0].status == "started"


def test_a_try_that_fails_is_logged_with_its_event_and_instance(database: Database, log_fields: Fields) -> None:
    triggered(database, "order", "order.*")
    Events(database).accept([event()])
    starts = Starts()
    starts.failures = [OSError("Airflow does not answer")]
    Deliverer(database, starts).deliver()
    run_id = f"event__{event_row_id('/shop', '1')}"
    assert log_fields.of("could not be started by event") == {
        "event_id": "1",
        "dag_id": "order",
        "run_id": run_id,
        "instance_id": str(instance_id("order", run_id)),
    }
