"""The same permissions with Airflow's FAB auth manager, whose roles can be limited to single DAGs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from airflow_workflow_provider.people.auth_manager import AuthManagerResolver, declare_resource
from tests.integration.api.test_security import NEEDS_ANSWER, NEEDS_OP, OPERATIONS, fill, send, succeeded
from tests.support.api import API, Api, problem, writes
from tests.support.business_roles import SIMPLE, cells, walked
from tests.support.documents import step, workflow
from tests.support.fab import RESOURCE, ROLES
from tests.support.people import ask_all

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

PUBLISHING = {
    "PUT /definitions/{workflow_id}",
    "POST /definitions/{workflow_id}/activate",
    "POST /definitions/{workflow_id}/deactivate",
    "PUT /tasks/{task_id}",
}
EVENT = {"specversion": "1.0", "id": "e-1", "source": "/shop", "type": "shop.order"}


@pytest.fixture
def client_of(fab_app: Any, fab_users: dict[str, Any], api: Any) -> Iterator[Any]:  # noqa: ARG001 - the databases are there
    from airflow.api_fastapi import app as airflow_app
    from airflow.providers.fab.auth_manager.fab_auth_manager import FabAuthManager
    from fastapi.testclient import TestClient

    def client(role: str) -> Any:
        token = airflow_app.get_auth_manager().generate_jwt(fab_users[role])
        return TestClient(
            fab_app,
            base_url=f"http://testserver{API}",
            headers={"Authorization": f"Bearer {token}"},
            raise_server_exceptions=False,
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__CORE__AUTH_MANAGER", f"{FabAuthManager.__module__}.{FabAuthManager.__name__}")
        patch.setattr(airflow_app._AuthManagerState, "instance", fab_app.state.auth_manager)
        yield client


def test_roles_of_fab(client_of: Any, api: Any) -> None:
    api.publish(workflow())
    for role in ROLES:
        client = client_of(role)
        assert client.get("definitions/example").status_code == 200, role
        assert client.get("instances").status_code == 200, role
        started = client.post("definitions/example/instances", json={})
        published = client.put("definitions/example", json=workflow())
        event = client.post("events", content=json.dumps(EVENT), headers={"Content-Type": "application/json"})
        if role == "Viewer":
            for answer in (started, published, event):
                problem(answer, 403, "forbidden")
        else:
            assert (started.status_code, published.status_code) == (201, 200), (role, started.text, published.text)
            identifier = started.json()["id"]
            problem(client_of("Viewer").post(f"instances/{identifier}/cancel"), 403, "forbidden")
            assert client.post(f"instances/{identifier}/cancel").status_code == 200
        if role in ("Op", "Admin"):
            assert event.status_code == 202, event.text


@pytest.mark.parametrize("role", [None, *ROLES])
def test_roles_of_fab_on_every_route(fab_app: Any, client_of: Any, api: Api, role: str | None) -> None:
    named = fill(api.database, client_of("Admin"))
    client = client_of(role) if role is not None else TestClient(fab_app, base_url=f"http://testserver{API}")
    for method, path in OPERATIONS:
        answer = send(client, method, path, named)
        if role is None:
            problem(answer, 401, "not-authenticated")
        elif role == "Viewer" and (writes(method, path) or (method, path) in NEEDS_OP | NEEDS_ANSWER):
            problem(answer, 403, "forbidden")
        elif role == "User" and (method, path) in NEEDS_OP:
            assert answer.status_code in (202, 200, 403), answer.text
        else:
            assert succeeded(answer, path), (method, path, answer.text)


@pytest.mark.parametrize("role", SIMPLE)
def test_each_route_lets_in_whom_it_is_for(client_of: Any, api: Api, role: str) -> None:
    named = fill(api.database, client_of("Admin"))
    client = client_of(role)
    found = walked(OPERATIONS, lambda method, path: send(client, method, path, named), succeeded)
    assert found == cells(role, fab=True)


def test_a_role_limited_to_one_dag_sees_that_one_alone(client_of: Any, api: Any) -> None:
    api.publish(workflow(workflowId="open"))
    api.publish(workflow(workflowId="closed"))
    admin, limited = client_of("Admin"), client_of("Limited")
    instance = admin.post("definitions/closed/instances", json={}).json()["id"]
    seen = admin.post("definitions/open/instances", json={}).json()["id"]
    assert [each["workflowId"] for each in limited.get("definitions").json()["items"]] == ["open"]
    assert [each["id"] for each in limited.get("instances").json()["items"]] == [seen]
    problem(limited.get("definitions/closed"), 404, "not-found")
    problem(limited.get(f"instances/{instance}"), 404, "not-found")
    problem(limited.post("definitions/closed/instances", json={}), 404, "not-found")
    problem(limited.post("definitions/open/instances", json={}), 403, "forbidden")
    problem(limited.put("definitions/open", json=workflow(workflowId="open", version="2.0.0")), 403, "forbidden")
    problem(limited.put("tasks/greet", json={"taskId": "greet", "name": "G", "operator": "set"}), 403, "forbidden")


def test_k3_roles_of_fab_answer_questions(client_of: Any, fab_users: dict[str, Any], api: Any) -> None:
    document = workflow(
        step(
            "all",
            parallelBranches=[
                {"branchId": name, "steps": [step(name, "approval", arguments={"subject": name, **arguments})]}
                for name, arguments in (
                    # As SimpleAuthManager calls it; the examples do.
                    ("ops", {"assignees": {"roles": ["op"]}}),
                    ("eyes", {"excludeInitiator": True}),
                    ("user", {"assignees": {"users": ["user"]}}),
                )
            ],
        ),
        workflowId="asking",
    )
    api.publish(document)
    instance = client_of("Admin").post("definitions/asking/instances", json={}).json()["id"]
    asked = {name: f"questions/{each.id}" for name, each in ask_all(api.database, UUID(instance)).items()}

    def mine(role: str) -> list[str]:
        return [each["stepId"] for each in client_of(role).get("questions").json()["items"]]

    assert (mine("Op"), mine("User"), mine("Admin")) == (["ops", "eyes"], ["eyes", "user"], [])
    approve = {"decision": "approve"}
    problem(client_of("User").post(f"{asked['ops']}/answer", json=approve), 403, "not-asked")
    problem(client_of("Viewer").post(f"{asked['ops']}/answer", json=approve), 403, "forbidden")
    problem(client_of("Limited").post(f"{asked['ops']}/answer", json=approve), 404, "not-found")
    problem(client_of("Admin").post(f"{asked['eyes']}/answer", json=approve), 403, "initiator-excluded")
    answered = client_of("Op").post(f"{asked['ops']}/answer", json=approve).json()
    assert (answered["status"], answered["answer"]["by"]["name"]) == ("answered", "op")
    # FAB's ids are numbers, and it finds names in any case; who started the instance is not let in by either.
    delegate = f"{asked['eyes']}/delegate"
    problem(client_of("User").post(delegate, json={"to": "admin"}), 422, "initiator-excluded")
    problem(client_of("User").post(delegate, json={"to": "ADMIN"}), 422, "unknown-user")
    number = str(fab_users["Admin"].get_id())
    assert client_of("User").post(delegate, json={"to": number}).json()["claimedBy"]["id"] == number
    problem(client_of("Admin").post(f"{asked['eyes']}/answer", json=approve), 403, "initiator-excluded")
    by_id = str(fab_users["Op"].get_id())
    assert client_of("Op").post(f"{asked['user']}/answer", json=approve).status_code == 403
    assert client_of("User").post(f"{asked['user']}/delegate", json={"to": by_id}).status_code == 200
    assert client_of("Op").post(f"{asked['user']}/answer", json=approve).status_code == 200

    (admin,) = [each for each in AuthManagerResolver().users("DMI", 20) if each[0] == "admin"]
    assert admin[1] != ""
    assert AuthManagerResolver().users("%", 20) == []
    knows = AuthManagerResolver().knows
    assert knows("role", "op")
    assert [knows("role", "Op"), knows("role", "ops"), knows("user", "user"), knows("user", "eve")] == [
        True,
        False,
        True,
        False,
    ]


def test_publishing_takes_a_permission_of_its_own_where_one_is_configured(
    client_of: Any, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__PUBLISH_RESOURCE", RESOURCE)
    # As another server that starts.
    declare_resource(RESOURCE)
    for role in (*SIMPLE, "User", "Op", "Admin", "publisher"):
        named = fill(api.database, client_of("Admin"))
        found = walked(OPERATIONS, partial(send, client_of(role), filled=named), succeeded)
        may = role in ("Admin", "administrator", "publisher")
        assert {route for route in PUBLISHING if found[route]} == (PUBLISHING if may else set()), role
        if role in SIMPLE:
            expected = cells(role, fab=True)
            assert {route for route in found if found[route] != expected[route]} <= PUBLISHING
    (overview,) = client_of("starter").get("overviews", params={"workflowId": "example"}).json()["items"]
    assert overview["permissions"] == ["start"]


def test_no_permission_to_publish_is_of_use_without_that_on_the_dag(
    client_of: Any, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.publish(workflow())
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__PUBLISH_RESOURCE", RESOURCE)
    problem(client_of("only-publisher").put("definitions/example", json=workflow()), 403, "forbidden")
    problem(client_of("only-publisher").put("tasks/greet", json={}), 403, "forbidden")
