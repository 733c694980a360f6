"""The same permissions with Airflow's FAB auth manager, whose roles can be limited to single DAGs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from airflow_workflow_provider.people.auth_manager import AuthManagerResolver
from tests.fixtures.airflow import AirflowInProcess
from tests.fixtures.api import API, Api, problem, writes
from tests.fixtures.business_roles import FAB, cells, walked
from tests.fixtures.documents import step, workflow
from tests.fixtures.people import ask_all
from tests.integration.api.test_security import NEEDS_OP, OPERATIONS, fill, send, succeeded

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

ROLES = ("Viewer", "User", "Op", "Admin")
EVENT = {"specversion": "1.0", "id": "e-1", "source": "/shop", "type": "shop.order"}


@pytest.fixture(scope="module")
def fab_app(airflow_metadata: AirflowInProcess) -> Iterator[Any]:  # noqa: ARG001 - Airflow's database is there
    """Airflow's application with FAB and a user of every role, and one that may read a single DAG."""
    with pytest.MonkeyPatch.context() as patch:
        manager = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
        patch.setenv("AIRFLOW__CORE__AUTH_MANAGER", manager)
        patch.setenv(
            "AIRFLOW__API_AUTH__JWT_SECRET", "a-secret-for-tests-that-is-long-enough-for-any-algorithm-of-jwt-00"
        )
        patch.setenv("AIRFLOW__API__SECRET_KEY", "another-secret-for-tests")
        from airflow.api_fastapi import app as airflow_app
        from airflow.providers.fab.auth_manager.models.db import FABDBManager
        from airflow.utils.session import create_session

        before = airflow_app._AuthManagerState.instance
        airflow_app._AuthManagerState.instance = None
        with create_session() as session:
            FABDBManager(session).initdb()
        app = airflow_app.create_app(apps="core")
        yield app
        airflow_app._AuthManagerState.instance = before


@pytest.fixture(scope="module")
def users(fab_app: Any) -> dict[str, Any]:  # noqa: ARG001 - FAB is set up
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.providers.fab.www.app import create_app as flask_app

    made = {}
    with flask_app(enable_plugins=False).app_context():
        manager = get_auth_manager().security_manager  # type: ignore[attr-defined]
        for role in ROLES:
            made[role] = manager.add_user(
                role.lower(), role, "Test", f"{role}@example.org", manager.find_role(role), "x"
            )
        for name, permissions in FAB.items():
            role = manager.add_role(name)
            for action, resource in permissions:
                manager.add_permission_to_role(role, manager.create_permission(action, resource))
            made[name] = manager.add_user(name, name, "Test", f"{name}@example.org", role, "x")
        limited = manager.add_role("Limited")
        for action, resource in (("can_read", "DAG:open"), ("can_read", "DAG Run:open"), ("can_read", "DAG Runs")):
            manager.add_permission_to_role(limited, manager.create_permission(action, resource))
        made["Limited"] = manager.add_user("limited", "L", "Test", "l@example.org", limited, "x")
    return made


@pytest.fixture
def client_of(fab_app: Any, users: dict[str, Any], api: Any) -> Iterator[Any]:  # noqa: ARG001 - the databases are there
    from airflow.api_fastapi import app as airflow_app
    from airflow.providers.fab.auth_manager.fab_auth_manager import FabAuthManager
    from fastapi.testclient import TestClient

    def client(role: str) -> Any:
        token = airflow_app.get_auth_manager().generate_jwt(users[role])
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
    named = fill(api, client_of("Admin"))
    client = client_of(role) if role is not None else TestClient(fab_app, base_url=f"http://testserver{API}")
    for method, path in OPERATIONS:
        answer = send(client, method, path, named)
        if role is None:
            problem(answer, 401, "not-authenticated")
        elif role == "Viewer" and (writes(method, path) or (method, path) in NEEDS_OP):
            problem(answer, 403, "forbidden")
        elif role == "User" and (method, path) in NEEDS_OP:
            assert answer.status_code in (202, 200, 403), answer.text
        else:
            assert succeeded(answer, path), (method, path, answer.text)


@pytest.mark.parametrize("role", FAB)
def test_each_route_lets_in_whom_it_is_for(client_of: Any, api: Api, role: str) -> None:
    named = fill(api, client_of("Admin"))
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


def test_k3_roles_of_fab_answer_questions(client_of: Any, users: dict[str, Any], api: Any) -> None:
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
    number = str(users["Admin"].get_id())
    assert client_of("User").post(delegate, json={"to": number}).json()["claimedBy"]["id"] == number
    problem(client_of("Admin").post(f"{asked['eyes']}/answer", json=approve), 403, "initiator-excluded")
    by_id = str(users["Op"].get_id())
    assert client_of("Op").post(f"{asked['user']}/answer", json=approve).status_code == 403
    assert client_of("User").post(f"{asked['user']}/delegate", json={"to": by_id}).status_code == 200
    assert client_of("Op").post(f"{asked['user']}/answer", json=approve).status_code == 200

    knows = AuthManagerResolver().knows
    assert knows("role", "op")
    assert [knows("role", "Op"), knows("role", "ops"), knows("user", "user"), knows("user", "eve")] == [
        True,
        False,
        True,
        False,
    ]
