"""Rules E2 to E5 in a real Airflow: events start instances and reach the steps that wait for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.events import EventFilter, Events
from airflow_workflow_provider.store.filtering import InstanceFilter
from airflow_workflow_provider.store.instances import Instance, Instances
from airflow_workflow_provider.store.listing import InstanceList
from airflow_workflow_provider.store.waits import Waits
from tests.support.airflow import RunningAirflow
from tests.support.events import event

pytestmark = [pytest.mark.daemons, pytest.mark.slow, pytest.mark.xdist_group("airflow"), pytest.mark.timeout(900)]

SECONDS = 300

# Airflow registers the assets of this DAG; its watcher tells workflow events as events of one of them.
ASSETS = """
from airflow.sdk import DAG, Asset, AssetWatcher, task
from airflow_workflow_provider.triggers.watch import WorkflowEventTrigger

watched = Asset(
    "ev_watched", watchers=[AssetWatcher(name="signals", trigger=WorkflowEventTrigger(event_pattern="ev.signal.*"))]
)
with DAG("ev_plain_dag", schedule=[watched], catchup=False):
    @task(outlets=[Asset("ev_asset")])
    def made() -> None:
        pass
    made()
"""


def correlated(name: str) -> dict[str, Any]:
    return {"order": {"type": "jmespath", "expression": f"input.{name}"}}


PAID = {"paid": {"type": "cel", "expression": "data.data.amount"}}
ORDER = {"type": "jsonata", "expression": "{'order': id, 'by': $event.id}"}


def definition(workflow_id: str, steps: list[dict[str, Any]], *triggers: dict[str, Any], **more: Any) -> dict[str, Any]:
    given = {"workflowId": workflow_id, "name": workflow_id, "version": "1.0.0", "steps": steps}
    return {**given, "triggers": list(triggers), **more}


RECEIVE = {"eventPattern": "ev.payment.*", "correlation": correlated("order")}
DEFINITIONS = [
    definition(
        "ev.order",
        [
            {"stepId": "pay", "taskId": "receive", "arguments": RECEIVE},
            {
                "stepId": "done",
                "taskId": "set",
                "arguments": {"paid": {"type": "cel", "expression": "data.data.amount"}},
            },
        ],
        {
            "eventPattern": "ev.order.*",
            "transform": {"type": "jsonata", "expression": "{'order': id, 'by': $event.id}"},
        },
        inputSchema={"type": "object", "properties": {"order": {"type": "integer"}}, "required": ["order"]},
    ),
    definition(
        "ev.twice",
        [
            {
                "stepId": "collect",
                "taskId": "receive",
                "arguments": RECEIVE,
                "assign": {"sum": {"type": "jsonata", "expression": "$sum([variables.sum, output.data.amount])"}},
                "next": [{"nextStepId": "collect", "condition": "variables.sum < 10.0"}, {"nextStepId": "end"}],
            }
        ],
        output={"type": "jmespath", "expression": "{sum: variables.sum}"},
    ),
    definition(
        "ev.impatient",
        [
            {
                "stepId": "pay",
                "taskId": "receive",
                "arguments": {"eventPattern": "ev.never", "timeout": "PT1S"},
                "onFailure": {"errorHandler": {"conditions": [{"errorType": "TimeoutError", "nextStepId": "late"}]}},
                "next": [],
            },
            {"stepId": "late", "taskId": "set", "arguments": {"late": True}},
        ],
    ),
    definition(
        "ev.payer",
        [
            {
                "stepId": "tell",
                "taskId": "event",
                "arguments": {"type": "ev.payment.received", "data": {"type": "cel", "expression": "input"}},
            }
        ],
    ),
    definition("ev.failing", [{"stepId": "a", "taskId": "fail", "arguments": {"code": "E1"}}]),
    definition(
        "ev.follower",
        [{"stepId": "a", "taskId": "noop"}],
        {
            "eventPattern": "workflow.failed",
            "transform": {"type": "jmespath", "expression": "{of: workflowId, code: error.code}"},
        },
        inputSchema={"type": "object", "properties": {"of": {"const": "ev.failing"}}},
    ),
    definition(
        "ev.by-asset", [{"stepId": "a", "taskId": "noop"}], {"eventPattern": "ev_asset"}, {"eventPattern": "ev_watched"}
    ),
]


class World:
    """A running Airflow with the definitions of this module."""

    def __init__(self, airflow: RunningAirflow, database: Database) -> None:
        self.airflow = airflow
        self.client = airflow.client
        self.database = database
        self.events = Events(database)

    def instances(self, workflow_id: str) -> list[Instance]:
        page = InstanceList(self.database).page(InstanceFilter(workflow_id=workflow_id), limit=200)
        return [Instances(self.database).get(each.id) for each in page.items]

    def ended(self, workflow_id: str, number: int) -> list[Instance]:
        """The instances of a workflow, as soon as so many have ended."""

        def look() -> list[Instance] | None:
            found = [each for each in self.instances(workflow_id) if each.status in ("completed", "failed")]
            return found if len(found) >= number else None

        return poll(look, seconds=SECONDS, what=f"{number} instances of {workflow_id} to end")

    def waiting(self, workflow_id: str, number: int) -> None:
        def look() -> bool | None:
            return len(Waits(self.database).list(workflow_ids=[workflow_id])) == number or None

        poll(look, seconds=SECONDS, what=f"{number} steps of {workflow_id} to wait")

    def send(self, *given: Any) -> None:
        self.events.accept(given)


@pytest.fixture(scope="module")
def world(running_airflow: RunningAirflow) -> Iterator[World]:
    (running_airflow.dags_folder / "ev_assets.py").write_text(ASSETS)
    with Database(running_airflow.workflows_url) as database:
        for document in DEFINITIONS:
            Definitions(database).publish(parse_definition(document), document)
        found = World(running_airflow, database)
        for name in [*(document["workflowId"] for document in DEFINITIONS), "ev_plain_dag"]:
            found.client.wait_for_dag(name, seconds=SECONDS)
        yield found


def test_e2_to_e5_an_event_starts_an_instance_whose_step_gets_another(world: World) -> None:
    world.send(event("o1", "ev.order.created", data={"id": 1}), event("o2", "ev.order.created", data={"id": 2}))
    world.send(event("o1", "ev.order.created", data={"id": 1}))
    world.waiting("ev.order", 2)
    # One payment from outside, twice; one that another workflow publishes.
    world.send(event("p1", "ev.payment.received", data={"order": 1, "amount": 5}))
    world.send(event("p1", "ev.payment.received", data={"order": 1, "amount": 5}))
    world.client.trigger("ev.payer", {"order": 2, "amount": 6})
    found = {each.input["order"]: each for each in world.ended("ev.order", 2)}
    assert {order: (each.status, each.output) for order, each in found.items()} == {
        1: ("completed", {"paid": 5}),
        2: ("completed", {"paid": 6}),
    }
    assert found[1].event is not None
    assert found[1].event["id"] == found[1].input["by"] == "o1"
    assert found[1].trigger_event_id is not None
    published = world.events.list(EventFilter(source="/workflows/ev.payer", type="ev.payment.received"))
    assert [each.event.data for each in published] == [{"order": 2, "amount": 6}]
    assert Waits(world.database).list(workflow_ids=["ev.order"]) == ()
    reported = world.events.list(EventFilter(source="/workflows/ev.order", type="workflow.completed"))
    assert {each.event.subject for each in reported} == {str(each.id) for each in found.values()}


def test_e5_a_loop_receives_one_event_after_the_other(world: World) -> None:
    world.send(event("t1", "ev.payment.x", data={"order": 77, "amount": 4}))
    world.client.trigger("ev.twice", {"order": 77})
    world.waiting("ev.twice", 1)
    world.send(event("t2", "ev.payment.x", data={"order": 77, "amount": 7}))
    (ended,) = world.ended("ev.twice", 1)
    assert (ended.status, ended.output) == ("completed", {"sum": 11})


def test_e5_a_step_that_waits_too_long_is_routed(world: World) -> None:
    world.client.trigger("ev.impatient", {})
    (ended,) = world.ended("ev.impatient", 1)
    assert (ended.status, ended.output) == ("completed", {"late": True})
    assert ended.state.steps["pay"].error["type"] == "TimeoutError"


def test_a_failed_workflow_starts_the_one_that_follows_it(world: World) -> None:
    world.client.trigger("ev.failing", {})
    (ended,) = world.ended("ev.follower", 1)
    assert ended.input == {"of": "ev.failing", "code": "E1"}


def test_e4_asset_events_start_instances_and_a_watcher_makes_them_of_events(world: World) -> None:
    assets = {each["name"]: each["id"] for each in world.client.request("GET", "/assets")["assets"]}
    for number in range(5):
        body = {"asset_id": assets["ev_asset"], "extra": {"n": number}}
        world.client.request(
            "POST", "/assets/events", json=body if number % 2 else {**body, "partition_key": f"k{number}"}
        )
    found = world.ended("ev.by-asset", 5)
    assert sorted(each.input["n"] for each in found) == list(range(5))

    def watched() -> Any:
        # A watcher tells of what comes after it has begun; so one is sent until it tells.
        world.send(event(f"signal-{world.events.list(limit=1)[0].sequence}", "ev.signal.on", data={"on": True}))
        reported = world.events.list(EventFilter(type="ev_watched"))
        return reported or None

    reported = poll(watched, seconds=SECONDS, what="the watcher to tell", interval=3)
    assert reported[0].event.data["payload"]["type"] == "ev.signal.on"
    assert len(world.ended("ev.by-asset", 6)) >= 6
