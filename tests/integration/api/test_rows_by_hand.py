"""Rows that somebody has changed by hand into nonsense: a problem document with the place, never an internal error."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from airflow_workflow_provider.api.app import create_app
from airflow_workflow_provider.api.openapi import openapi_document
from tests.fixtures.api import Api
from tests.fixtures.documents import step, workflow

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

STATES: list[Any] = [
    *(None, [], "state", 7, {}, {"steps": {}}, {"steps": [], "scopes": {}}),
    *(
        {"": key, "put": value}
        for key in ("instance", "steps", "scopes", "data", "variables", "activeSteps", "completed")
        for value in (None, [7], "x", {"a": 7})
        if not (isinstance(value, dict) and key in ("data", "variables"))
    ),
]
"""Whole states, and parts that take the place of what is there."""

OPERATIONS = [
    (method, path.removeprefix("/api/v1/"), operation)
    for path, item in openapi_document(create_app())["paths"].items()
    for method, operation in item.items()
]


def requests(ids: dict[str, str], *, writing: bool) -> list[tuple[str, str]]:
    """Return the requests that say which instance, question, event or workflow they mean."""
    found = []
    for method, path, _ in OPERATIONS:
        for name, value in ids.items():
            path = path.replace("{" + name + "}", value)  # noqa: PLW2901 - one after the other
        if "{" not in path and "simulate" not in path and (writing or method == "get"):
            found.append((method, path))
    return found


def check(api: Api, ids: dict[str, str], *, writing: bool, what: str) -> set[str]:
    """Send every request; return the codes of the problems."""
    client, codes = api.as_role("admin"), set()
    for method, path in requests(ids, writing=writing):
        body = None if method in ("get", "delete") else {"output": {}, "decision": "approve"}
        answer = client.request(method, path, json=body)
        assert answer.status_code < 500, (what, method, path, answer.text)
        if answer.status_code >= 400:
            codes.add(answer.json()["code"])
        elif answer.content and "json" in answer.headers["content-type"]:
            json.loads(answer.text, parse_constant=pytest.fail)
    return codes


def execute(api: Api, statement: str, **values: Any) -> None:
    with api.database.begin() as connection:
        connection.execute(text(statement), values)


@pytest.fixture
def instance(api: Api) -> dict[str, str]:
    api.publish(workflow(step("a"), step("b"), uiComponents=[{"componentId": "workflow-progress"}]))
    answer = api.as_role("admin").post("definitions/example/instances", json={"input": {"n": 1}})
    assert answer.status_code == 201, answer.text
    return {"id": answer.json()["id"], "instance_id": answer.json()["id"], "workflow_id": "example", "step_id": "a"}


def test_a_state_that_means_nothing_is_a_conflict_with_its_place(api: Api, instance: dict[str, str]) -> None:
    for state in STATES:
        if isinstance(state, dict) and "put" in state:
            change = "jsonb_set(state, ARRAY[CAST(:key AS text)], CAST(:put AS jsonb))"
            values = {"key": state[""], "put": json.dumps(state["put"])}
        else:
            change, values = "CAST(:put AS jsonb)", {"put": json.dumps(state)}
        kept = "UPDATE workflow_instances SET state = :kept WHERE id = :id"
        with api.database.begin() as connection:
            before = connection.execute(text("SELECT CAST(state AS text) FROM workflow_instances")).scalar_one()
        execute(api, f"UPDATE workflow_instances SET state = {change}", **values)  # noqa: S608 - ours
        codes = check(api, instance, writing=True, what=str(state))
        assert "stored-state-unreadable" in codes, state
        found = api.as_role("admin").get(f"instances/{instance['id']}").json()
        assert (found["status"], found["code"]) == (409, "stored-state-unreadable"), (state, found)
        assert found["suggestion"]
        execute(api, kept.replace(":kept", "CAST(:kept AS jsonb)"), kept=before, id=UUID(instance["id"]))
    assert api.as_role("admin").get(f"instances/{instance['id']}").status_code == 200


@pytest.mark.parametrize("column", ["input", "error", "event", "output"])
def test_other_columns_of_an_instance_are_read_or_refused(api: Api, instance: dict[str, str], column: str) -> None:
    for value in ("null", "[]", '"x"', "7"):
        execute(api, f"UPDATE workflow_instances SET {column} = CAST(:put AS jsonb)", put=value)  # noqa: S608 - ours
        check(api, instance, writing=False, what=f"{column} = {value}")


def test_a_definition_that_means_nothing_is_a_conflict(api: Api, instance: dict[str, str]) -> None:
    for document in ("null", "[]", '"x"', "{}", '{"workflowId": "example", "steps": 7}', '{"steps": [{"stepId": []}]}'):
        execute(api, "UPDATE workflow_definition_versions SET document = CAST(:put AS jsonb)", put=document)
        check(api, instance, writing=True, what=document)
    for column in ("steps", "triggers", "input_schema", "ui_components", "execution_log", "settings", "on_failure"):
        execute(api, f"""UPDATE workflow_definitions SET {column} = '"x"'""")  # noqa: S608 - ours
    check(api, instance, writing=True, what="the head")


def test_events_tasks_and_log_rows_that_mean_nothing_are_read_all_the_same(api: Api, instance: dict[str, str]) -> None:
    client = api.as_role("admin")
    given = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": {"a": 1}, "colour": "red"}
    kept = client.post("events", json=given, headers={"Content-Type": "application/cloudevents+json"}).json()
    event = {**instance, "id": kept["items"][0]["id"]}
    for value in ("[]", '"x"', '{"id": "2", "time": 7, "datacontenttype": {}, "data_base64": [1]}', "7"):
        execute(api, "UPDATE workflow_events SET attributes = CAST(:put AS jsonb)", put=value)
        execute(api, "UPDATE workflow_execution_logs SET data = CAST(:put AS jsonb)", put=value)
        execute(api, "UPDATE workflow_execution_logs SET actor = CAST(:put AS jsonb)", put=value)
        check(api, event, writing=False, what=value)
        check(api, instance, writing=False, what=value)
