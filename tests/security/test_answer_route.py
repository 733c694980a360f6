"""Airflow's own route for answers is guarded in every spelling in which Airflow reads it."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

import pytest
from starlette.routing import Match

from airflow_workflow_provider.api.required_actions import _task_of
from tests.support.api import Api
from tests.support.documents import step, workflow
from tests.support.people import ask_all

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

DOCUMENT = workflow(step("a", "approval", arguments={"subject": "May I?", "assignees": {"users": ["nobody-else"]}}))
PREFIX = "/api/v2/dags/example/dagRuns/r/taskInstances/a"
INDEXES = (
    "-1",
    "-1.0",
    "-01",
    "+1",
    " -1",
    "-1 ",
    "-1e0",
    "-1_0",
    "\uff0d1",
    "-1\n",
    "x",
    "%2D1",
    "--1",
    "0",
    "99",
    "-1;x",
)
PATHS = (
    *(f"{PREFIX}/{index}/hitlDetails" for index in INDEXES),
    f"{PREFIX}/-1/hitlDetails/",
    f"{PREFIX}/-1/hitlDetails//",
    f"{PREFIX}/-1/hitlDetails\n",
    f"{PREFIX}//-1//hitlDetails",
    f"/{PREFIX}/-1/hitlDetails",
    f"/airflow{PREFIX}/-1/hitlDetails",
    PREFIX.replace("/api/v2", "/ui") + "/-1/hitlDetails",
    "/api/v2/dags/ex ample/dagRuns/r\n/taskInstances/a.b[1]/-1/hitlDetails",
)


def scope(path: str, method: str = "PATCH") -> dict[str, Any]:
    return {"type": "http", "method": method, "path": path, "root_path": "", "headers": [], "query_string": b""}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["PATCH", "patch"])
def test_every_spelling_is_taken_for_an_answer(path: str, method: str) -> None:
    assert _task_of(scope(path, method)) is not None


def test_what_airflow_would_take_for_an_answer_is_one_to_us(airflow_app: Any) -> None:
    others = [
        path.replace("hitlDetails", name) for path in PATHS for name in ("hitldetails", "HITLDetails", "hitlDetails/x")
    ]
    for path in (*PATHS, *others):
        routes = [route for route in airflow_app.routes if route.matches(scope(path))[0] == Match.FULL]
        if any("hitl" in getattr(route, "path", "") for route in routes):
            assert _task_of(scope(path)) is not None, path


def test_airflow_has_no_other_route_that_takes_answers(airflow_app: Any) -> None:
    found = {
        (method, route.path)
        for route in airflow_app.routes
        for method in getattr(route, "methods", None) or ()
        if "hitl" in route.path.lower() and method not in ("GET", "HEAD")
    }
    path = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/hitlDetails"
    assert found == {("PATCH", path)}


@pytest.mark.parametrize("path", [PREFIX, f"{PREFIX}/-1", f"{PREFIX}/-1/hitlDetails/tries/1", "/hitlDetails"])
def test_other_routes_are_left_to_airflow(path: str) -> None:
    assert _task_of(scope(path)) is None


def test_looking_is_left_to_airflow() -> None:
    assert _task_of(scope(PATHS[0], "GET")) is None


@pytest.mark.parametrize("index", ["-1", "-1.0", "%2D1", "-1%20", "%2D1%2E0"])
def test_who_is_not_asked_is_refused_by_every_spelling(api: Api, index: str) -> None:
    api.publish(DOCUMENT)
    started = api.as_role("admin").post("definitions/example/instances", json={}).json()
    ask_all(api.database, UUID(started["id"]))
    path = f"/api/v2/dags/example/dagRuns/{started['runId']}/taskInstances/a/{index}/hitlDetails"
    body = {"chosen_options": ["approve"], "params_input": {}}
    answer = api.as_role("user").patch(f"http://testserver{path}", json=body)
    assert answer.status_code == 403, answer.text
    assert "is for others" in answer.json()["detail"] or "not an assignee" in answer.json()["detail"]


def test_a_long_path_does_not_stop_the_server() -> None:
    began = time.process_time()
    for path in (
        "/" * 60_000,
        "/dags" * 12_000,
        PREFIX + "/-1/hitlDetails" + " " * 60_000 + "x",
        PREFIX + "/ " * 30_000,
    ):
        assert _task_of(scope(path)) is None
    assert time.process_time() - began < 1
