"""Events over HTTP (rules E1 to E3)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_workflow_provider.store.deliveries import Deliveries
from tests.support.api import Api, problem
from tests.support.documents import workflow

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

STRUCTURED = {"Content-Type": "application/cloudevents+json"}
BATCH = {"Content-Type": "application/cloudevents-batch+json"}
TRIGGERED = workflow(triggers=[{"eventPattern": "shop.order.*"}])


def event(number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"e-{number}",
        "source": "/shop",
        "type": "shop.order.placed",
        "data": {"n": 1},
        **more,
    }


def test_e2_an_event_is_accepted_once_in_every_mode(api: Api) -> None:
    api.publish(TRIGGERED)
    client = api.as_role("op")
    first = client.post("events", content=json.dumps(event()), headers=STRUCTURED)
    assert first.status_code == 202, first.text
    accepted = first.json()["items"][0]
    assert (accepted["eventId"], accepted["created"]) == ("e-1", True)
    binary = {"ce-specversion": "1.0", "ce-id": "e-1", "ce-source": "/shop", "ce-type": "shop.order.placed"}
    again = client.post("events", json={"n": 1}, headers=binary)
    assert again.json()["items"] == [{**accepted, "created": False}]
    batch = client.post("events", content=json.dumps([event(1), event(2)]), headers=BATCH)
    assert [each["created"] for each in batch.json()["items"]] == [False, True]
    listed = client.get("events").json()["items"]
    assert [each["eventId"] for each in listed] == ["e-2", "e-1"]
    page = client.get("events", params={"limit": 1}).json()
    assert client.get("events", params={"before": page["next"]}).json()["items"] == listed[1:]
    assert "data" not in json.dumps(listed)
    assert client.get(f"events/{accepted['id']}").json()["event"]["data"] == {"n": 1}
    deliveries = client.get("deliveries", params={"event": accepted["id"]}).json()["items"]
    assert [(each["workflowId"], each["status"]) for each in deliveries] == [("example", "pending")]


def test_e3_dead_letters_are_seen_and_driven_again(api: Api) -> None:
    api.publish(TRIGGERED)
    client = api.as_role("op")
    client.post("events", content=json.dumps(event()), headers=STRUCTURED)
    (claimed,) = Deliveries(api.database).claim()
    Deliveries(api.database).dead(claimed.id, {"type": "ValidationError", "message": "no"})
    (dead,) = client.get("deliveries", params={"status": "dead"}).json()["items"]
    assert dead["reason"] == {"type": "ValidationError", "message": "no"}
    assert dead["mayRedrive"]
    (seen,) = api.as_role("viewer").get("deliveries").json()["items"]
    assert not seen["mayRedrive"]
    problem(api.as_role("viewer").post(f"deliveries/{dead['id']}/redrive"), 403, "forbidden")
    assert client.post(f"deliveries/{dead['id']}/redrive").json()["status"] == "pending"
    assert client.post(f"deliveries/{dead['id']}/redrive").status_code == 202
    problem(client.post("deliveries/999999/redrive"), 404, "not-found")


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{", STRUCTURED, 400),
        (b"{}", STRUCTURED, 422),
        (b'{"id": "1", "id": "2"}', STRUCTURED, 400),
        (b"[{}, 1]", BATCH, 422),
        (b"hello", {"Content-Type": "text/plain"}, 415),
        (b"x" * 9_000_000, STRUCTURED, 413),
    ],
)
def test_bad_events_are_refused_whole(api: Api, content: bytes, headers: dict[str, str], status: int) -> None:
    client = api.as_role("op")
    answer = client.post("events", content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert client.get("events").json()["items"] == []


def test_publishing_needs_the_permission_to_create_asset_events(api: Api) -> None:
    for role, status in (("viewer", 403), ("user", 403), ("op", 202), ("admin", 202)):
        answer = api.as_role(role).post("events", content=json.dumps(event()), headers=STRUCTURED)
        assert answer.status_code == status, role
    assert api.as_role("viewer").get("events").status_code == 200
    assert api.as_role("viewer").get("waits").json() == {"items": []}
