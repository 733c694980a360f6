"""Two whole api-servers on one database, with either auth manager: who gets what, and events that kill evaluators."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.delivering import MAX_KILLS, MAX_LAPSES
from airflow_workflow_provider.store.tables import workflow_event_deliveries as deliveries
from tests.integration.api.test_security import OPERATIONS, fill, send, succeeded
from tests.support.api import problem, publish
from tests.support.api_servers import ApiServers, administrator_of
from tests.support.bombs import definition, transform
from tests.support.business_roles import SIMPLE, cells, walked
from tests.support.events import due_now

pytestmark = [
    pytest.mark.daemons,
    pytest.mark.xdist_group("airflow-api-servers"),
    pytest.mark.postgres,
    pytest.mark.airflow,
]


@pytest.mark.parametrize("role", SIMPLE)
@pytest.mark.parametrize("manager", ["simple", "fab"])
def test_each_route_lets_in_whom_it_is_for(api_servers: ApiServers, manager: str, role: str) -> None:
    server = getattr(api_servers, manager)
    server.wait()
    with administrator_of(server) as administrator, server.client(role) as client:
        named = fill(api_servers.database, administrator)
        found = walked(OPERATIONS, lambda method, path: send(client, method, path, named), succeeded)
    assert found == cells(role, fab=manager == "fab")


@pytest.mark.parametrize("manager", ["simple", "fab"])
def test_nobody_gets_anything_without_a_token_of_this_server(api_servers: ApiServers, manager: str) -> None:
    server = getattr(api_servers, manager)
    server.wait()
    with administrator_of(server) as administrator:
        named = fill(api_servers.database, administrator)
        for forged in (None, "Bearer not-a-token", f"Basic {named['instance_id']}"):
            administrator.headers.pop("Authorization", None)
            if forged is not None:
                administrator.headers["Authorization"] = forged
            for method, path in OPERATIONS:
                problem(send(administrator, method, path, named), 401, "not-authenticated")


POISON = transform("jsonata calls itself at the tail")
SECONDS = 120


def waiting_for(database: Database, event_type: str, **trigger: Any) -> str:
    """Publish a workflow that an event starts; return the workflow's id."""
    name = event_type.replace(".", "-")
    publish(database, definition(workflowId=name, triggers=[{"eventPattern": event_type, **trigger}]))
    return name


def happens(client: httpx.Client, event_type: str, *identifiers: str) -> None:
    events = [
        {"specversion": "1.0", "id": each, "source": "/shop", "type": event_type, "data": {"password": "hunter2"}}
        for each in identifiers
    ]
    headers = {"Content-Type": "application/cloudevents-batch+json"}
    answer = client.post("events", json=events, headers=headers)
    assert answer.is_success, answer.text


def found(client: httpx.Client, workflow_id: str, status: str) -> list[dict[str, Any]]:
    answer = client.get("deliveries", params={"workflowId": workflow_id, "status": status})
    assert answer.is_success, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def started(client: httpx.Client, workflow_id: str, number: int) -> None:
    """Wait until so many events have started a workflow."""
    poll(lambda: len(found(client, workflow_id, "started")) == number or None, seconds=SECONDS, what=workflow_id)


def dead(database: Database, client: httpx.Client, workflow_id: str, number: int = 1) -> list[dict[str, Any]]:
    """Return so many dead letters of a workflow, whose tries do not wait for each other."""

    def look() -> list[dict[str, Any]] | None:
        due_now(database, leased=False)
        letters = found(client, workflow_id, "dead")
        return letters if len(letters) == number else None

    return poll(look, seconds=SECONDS, what=f"the dead letters of {workflow_id}")


def claimed(database: Database, workflow_id: str) -> bool | None:
    query = select(deliveries.c.held).where(deliveries.c.workflow_id == workflow_id)
    return database.run(lambda connection: connection.execute(query).scalar_one()) or None


@pytest.fixture(scope="module")
def impatient(api_servers: ApiServers) -> ApiServers:
    """The servers with less time for an evaluation than JSONata allows itself, so that one has to be killed."""
    for each in api_servers.both:
        each.restart(AIRFLOW__WORKFLOWS__EVALUATION_SECONDS="1")
    return api_servers


def clients(servers: ApiServers) -> tuple[httpx.Client, httpx.Client]:
    for each in servers.both:
        each.wait()
    return administrator_of(servers.simple), administrator_of(servers.fab)


def test_others_are_started_beside_an_event_that_kills_its_evaluator(impatient: ApiServers) -> None:
    database = impatient.database
    poisoned = waiting_for(database, "poison.made", transform=POISON)
    healthy = waiting_for(database, "order.made")
    one, other = clients(impatient)
    with one, other:
        happens(one, "poison.made", "p1", "p2")
        happens(one, "order.made", *(f"a{n}" for n in range(5)))
        happens(other, "order.made", *(f"b{n}" for n in range(5)))
        # Nobody hurries the poisoned ones meanwhile: their tries are seconds apart.
        started(one, healthy, 10)
        for letter in dead(database, other, poisoned, 2):
            assert letter["reason"]["code"] == "limit-exceeded"
            assert f"{MAX_KILLS} times" in letter["reason"]["message"]
            assert "hunter2" not in str(letter)
        assert len(found(other, healthy, "started")) == 10
        happens(other, "order.made", "after")
        started(one, healthy, 11)


def test_an_event_whose_servers_die_is_taken_over_and_becomes_a_dead_letter(impatient: ApiServers) -> None:
    database = impatient.database
    doomed = waiting_for(database, "doom.made", transform=POISON)
    fatal = waiting_for(database, "fatal.made", transform=POISON)
    healthy = waiting_for(database, "survivor.made")
    one, other = clients(impatient)
    with one, other:
        happens(one, "doom.made", "d1")
        happens(one, "fatal.made", "f1")
        for name in (doomed, fatal):
            poll(lambda name=name: claimed(database, name), seconds=SECONDS, what=name, interval=0.02)  # type: ignore[misc]
        for server in impatient.both:
            server.kill()
    with database.begin() as connection:
        # As if this had been so nine times before.
        lapsed = update(deliveries).where(deliveries.c.workflow_id == fatal).values(lapses=MAX_LAPSES - 1, held=True)
        connection.execute(lapsed)
    due_now(database)
    server = impatient.simple
    server.start()
    server.wait()
    with administrator_of(server) as client:
        happens(client, "survivor.made", "s1")
        started(client, healthy, 1)
        (letter,) = dead(database, client, fatal)
        assert letter["reason"]["type"] == "WorkerLost"
        (letter,) = dead(database, client, doomed)
        assert letter["reason"]["code"] == "limit-exceeded"
