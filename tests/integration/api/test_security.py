"""Nobody does what they may not: every route of the OpenAPI document, as everybody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from airflow_workflow_provider.api.app import create_app
from airflow_workflow_provider.api.openapi import openapi_document
from airflow_workflow_provider.store.database import Database
from tests.support.api import ROLES, Api, problem, publish, writes
from tests.support.business_roles import SIMPLE, cells, walked
from tests.support.documents import step, workflow
from tests.support.people import ask_all

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

TASK = {"taskId": "greet", "name": "Greet", "operator": "set"}
EXAMPLE = workflow(step("long", "wait", arguments={"duration": "PT1H"}), triggers=[{"eventPattern": "shop.order"}])
ACTIONS = ("answer", "candidates", "claim", "delegate", "release")
ASKING = workflow(
    step(
        "all",
        parallelBranches=[
            {"branchId": name, "steps": [step(name, "approval", arguments={"subject": name})]} for name in ACTIONS
        ],
    ),
    workflowId="asking",
)
BODIES: dict[str, Any] = {
    "/api/v1/questions/{question_id}/answer": {"decision": "approve"},
    "/api/v1/questions/{question_id}/delegate": {"to": "op"},
    "/api/v1/definitions/{workflow_id}": EXAMPLE,
    "/api/v1/definitions/validate": workflow(),
    "/api/v1/tasks/{task_id}": TASK,
    "/api/v1/tasks/validate": TASK,
    "/api/v1/simulate": {"definition": workflow()},
    "/api/v1/import": {"dialect": "stepfunctions", "sources": [{"name": "a.json", "content": "{}"}]},
    "/api/v1/definitions/{workflow_id}/instances": {"input": {}},
    "/api/v1/instances/bulk": {"operation": "suspend", "filter": {}},
    "/api/v1/instances/{instance_id}/skip": {"output": {}},
    "/api/v1/instances/{instance_id}/skip/preview": {"output": {}},
    "/api/v1/events": {"specversion": "1.0", "id": "e-1", "source": "/shop", "type": "shop.order"},
}
NEEDS_OP = {("POST", "/api/v1/events"), ("GET", "/api/v1/events/{id}")}
NEEDS_ANSWER = {("GET", "/api/v1/questions/{question_id}/candidates")}
"""Reading for those who may answer: viewers may not."""
"""Airflow's simple roles let operators create asset events, and nobody below."""


NOT_NOW = {"retry", "skip", "preview", "compensate", "redrive", "migrate", "reconciliations"}
"""What a status refuses that the others lead to, or a server's own work at that moment."""


def operations() -> Iterator[tuple[str, str]]:
    document = openapi_document(create_app())
    for path, item in sorted(document["paths"].items()):
        for method in item:
            yield method.upper(), path


# What is switched off is switched on again before it is started, and an instance is cancelled before it is restarted.
FIRST = ("deactivate", "suspend", "resume", "cancel")
ORDER = {name: place for place, name in enumerate(FIRST)}
OPERATIONS = sorted(operations(), key=lambda each: ORDER.get(each[1].rpartition("/")[2], len(FIRST)))


def succeeded(answer: Any, path: str) -> bool:
    """Tell whether a request was permitted and sensible."""
    return bool(answer.is_success or (answer.status_code == 409 and path.rpartition("/")[2] in NOT_NOW))


@pytest.fixture
def filled(api: Api) -> dict[str, str]:
    return fill(api.database, api.as_role("admin"))


def fill(database: Database, admin: Any) -> dict[str, str]:
    """Make something of every kind, and return what the routes' addresses can name."""
    publish(database, EXAMPLE)
    assert admin.put("tasks/greet", json=TASK).is_success
    started = admin.post("definitions/example/instances", json={})
    assert started.is_success, started.text
    event = admin.post("events", json=BODIES["/api/v1/events"]).json()["items"][0]["id"]
    delivery = admin.get("deliveries").json()["items"][0]["id"]
    publish(database, ASKING)
    asking = admin.post("definitions/asking/instances", json={}).json()["id"]
    asked = {name: str(each.id) for name, each in ask_all(database, UUID(asking)).items()}
    return {
        **asked,
        "question_id": asked["answer"],
        "workflow_id": "example",
        "task_id": "greet",
        "instance_id": started.json()["id"],
        "id": event,
        "delivery_id": str(delivery),
        "step_id": "long",
        "run_id": started.json()["runId"],
    }


def send(client: Any, method: str, path: str, filled: dict[str, str]) -> Any:
    action = path.rpartition("/")[2]
    named = {**filled, "question_id": filled[action]} if action in ACTIONS else filled
    address = path.removeprefix("/api/v1/").format(**named)
    query = {"old": "1" if "tasks" in path else "1.0.0"} if path.endswith("diff") else {}
    if path.endswith("tasks/{task_id}/diff"):
        query = {"old": str(client.get("tasks/greet").json().get("revision", 1))}
    if path.endswith("overviews"):
        query = {"workflowId": "example"}
    if path.endswith("run-view"):
        query = {"dagId": "example", "runId": filled["run_id"]}
    return client.request(method, address, json=BODIES.get(path), params=query)


def test_every_route_is_walked() -> None:
    assert len(OPERATIONS) >= 20
    assert all(path in BODIES for method, path in OPERATIONS if method == "PUT")


def test_nobody_gets_anything_without_signing_in(api: Api, filled: dict[str, str]) -> None:
    nobody = api.as_role(None)
    stranger = api.as_role(None, Authorization="Bearer not-a-token")
    for method, path in OPERATIONS:
        for client in (nobody, stranger):
            answer = send(client, method, path, filled)
            problem(answer, 401, "not-authenticated")
            assert answer.headers["WWW-Authenticate"] == "Bearer"
    for place in ("openapi.json", "../../docs", "../../redoc", "../../openapi.json", "nothing", "../../nothing"):
        assert nobody.get(place).status_code == 401, place


@pytest.mark.parametrize("role", ROLES)
def test_roles_read_everything_and_only_users_write(api: Api, filled: dict[str, str], role: str) -> None:
    client = api.as_role(role)
    for method, path in OPERATIONS:
        answer = send(client, method, path, filled)
        lacking = role in ("viewer", "user") and (method, path) in NEEDS_OP
        if lacking or (role == "viewer" and (writes(method, path) or (method, path) in NEEDS_ANSWER)):
            problem(answer, 403, "forbidden")
        else:
            assert succeeded(answer, path), (method, path, answer.text)
    assert client.get("openapi.json").json()["info"]["title"] == "Airflow workflows"
    assert client.get("../../docs").status_code == 404


@pytest.mark.parametrize("role", SIMPLE)
def test_each_route_lets_in_whom_it_is_for(api: Api, filled: dict[str, str], role: str) -> None:
    client = api.as_role(SIMPLE[role])
    found = walked(OPERATIONS, lambda method, path: send(client, method, path, filled), succeeded)
    assert found == cells(role, fab=False)


def test_nothing_changes_by_get(api: Api) -> None:
    assert not [path for method, path in OPERATIONS if method not in ("GET", "PUT", "POST")]
    client = api.as_role("admin")
    for place in ("definitions/example/deactivate", "definitions/validate/instances", "simulate"):
        assert client.get(place).status_code in (404, 405), place


def test_a_cookie_alone_changes_nothing(api: Api, filled: dict[str, str]) -> None:
    browser = api.with_cookie("admin")
    own = api.with_cookie("admin", **{"X-Requested-With": "XMLHttpRequest"})
    other = api.with_cookie("admin", **{"X-Requested-With": "XMLHttpRequest", "Sec-Fetch-Site": "cross-site"})
    for method, path in OPERATIONS:
        if method == "GET":
            assert send(other, method, path, filled).is_success
        else:
            problem(send(browser, method, path, filled), 403, "csrf-header-missing")
            problem(send(other, method, path, filled), 403, "cross-site-request")
            assert succeeded(send(own, method, path, filled), path), path


def test_what_may_not_be_read_is_not_there(api: Api, filled: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

    api.publish(workflow(workflowId="open"))
    visible = api.as_role("user").post("definitions/open/instances", json={}).json()["id"]
    original = SimpleAuthManager.is_authorized_dag

    def only_open(self: Any, *, details: Any = None, **more: Any) -> bool:
        return (details is None or details.id == "open") and original(self, details=details, **more)

    monkeypatch.setattr(SimpleAuthManager, "is_authorized_dag", only_open)
    client = api.as_role("user")
    for method, path in OPERATIONS:
        unreadable = ("{workflow_id}", "{instance_id}", "{delivery_id}", "{question_id}", "run-view")
        if any(name in path for name in unreadable):
            problem(send(client, method, path, filled), 404, "not-found")
    assert [each["workflowId"] for each in client.get("definitions").json()["items"]] == ["open"]
    assert [each["id"] for each in client.get("instances").json()["items"]] == [visible]
    assert client.get("instances", params={"workflowId": "example"}).json()["items"] == []
    assert client.get("overviews", params={"workflowId": "example"}).json()["items"] == []
    assert client.get("deliveries").json()["items"] == []
    assert client.get("questions", params={"mine": "false"}).json()["items"] == []
    problem(client.post("simulate", json={"workflowId": "example"}), 404, "not-found")


def test_every_write_is_in_the_audit_log(api: Api, filled: dict[str, str]) -> None:
    from airflow.models.log import Log
    from airflow.utils.session import create_session
    from sqlalchemy import func, select

    client = api.as_role("op")
    for method, path in OPERATIONS:
        if not writes(method, path):
            continue
        with create_session() as session:
            before = session.scalar(select(func.count()).select_from(Log).where(Log.owner == "op")) or 0
        send(client, method, path, filled)
        with create_session() as session:
            assert session.scalar(select(func.count()).select_from(Log).where(Log.owner == "op")) == before + 1, path


def test_a_token_needs_no_other_header_where_everybody_is_an_administrator(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS", "True")
    assert api.as_role("op").put("tasks/greet", json=TASK).status_code == 201
    browser = api.with_cookie("op")
    problem(browser.put("tasks/other", json={**TASK, "taskId": "other"}), 403, "csrf-header-missing")
    foreign = {"X-Requested-With": "x", "Sec-Fetch-Site": "cross-site"}
    problem(browser.put("tasks/other", json={**TASK, "taskId": "other"}, headers=foreign), 403, "cross-site-request")
