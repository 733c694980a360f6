"""Rows that somebody has changed by hand into nonsense: a problem document with the place, never an internal error."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from airflow_workflow_provider.api.app import create_app
from airflow_workflow_provider.api.openapi import openapi_document
from tests.support.api import Api
from tests.support.documents import step, workflow
from tests.support.people import ask_all

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


def test_questions_that_mean_nothing_are_a_conflict_and_hide_no_other(api: Api) -> None:
    """Every column that a person could have changed, in every request about questions."""
    form = {"type": "object", "properties": {"n": {"type": "integer"}}}
    branches = [
        {"branchId": each["stepId"], "steps": [each]}
        for each in (
            step("odd", "form", arguments={"subject": "Odd?", "schema": form}),
            step("fine", "approval", arguments={"subject": "Fine?"}),
        )
    ]
    api.publish(workflow(step("all", parallelBranches=branches)))
    started = api.as_role("admin").post("definitions/example/instances", json={}).json()["id"]
    questions = {name: str(each.id) for name, each in ask_all(api.database, UUID(started)).items()}
    ids = {"question_id": questions["odd"], "instance_id": started, "workflow_id": "example", "step_id": "odd"}
    execute(api, "CREATE TABLE kept_questions AS SELECT * FROM workflow_questions")
    execute(api, "CREATE TABLE kept_instances AS SELECT * FROM workflow_instances")
    for column in ("schema", "defaults", "excluded", "votes", "plan", "claimed_by", "answer", "assignees"):
        for value in ("7", '"x"', "[[]]", '[{"at": 7, "by": [], "decision": {}}]', '{"type": 7, "users": 7}'):
            what = f"{column} = {value}"
            changed = f"UPDATE workflow_questions SET {column} = CAST(:put AS jsonb) WHERE id = :id"  # noqa: S608 - ours
            execute(api, changed, put=value, id=questions["odd"])
            check(api, ids, writing=False, what=what)
            shown = api.as_role("admin").get("questions").json()["items"]
            assert "fine" in [each["stepId"] for each in shown], what
            for action, body in (
                ("claim", None),
                ("release", None),
                ("answer", {"decision": "submit", "form": {"n": 1}}),
            ):
                answer = api.as_role("admin").post(f"questions/{questions['odd']}/{action}", json=body)
                assert answer.status_code < 500, (what, action, answer.text)
            execute(api, "DELETE FROM workflow_questions")
            execute(api, "INSERT INTO workflow_questions SELECT * FROM kept_questions")
            execute(
                api,
                "UPDATE workflow_instances SET state = kept.state, status = kept.status FROM kept_instances AS kept",
            )


def test_task_definitions_that_mean_nothing_are_a_problem_or_left_out(api: Api, instance: dict[str, str]) -> None:
    task = {"taskId": "own", "name": "Own", "operator": "noop"}
    ids = {**instance, "task_id": "own"}
    assert api.as_role("admin").put("tasks/own", json=task).status_code == 201
    uses_it = workflow(step("a", "own"), workflowId="uses-it")
    assert api.as_role("admin").put("definitions/uses-it", json=uses_it).status_code == 201
    for value in (
        "null",
        "[]",
        '"x"',
        "7",
        "{}",
        '{"taskId": "own", "operator": 7}',
        '{"taskId": {}, "inputSchema": 7}',
    ):
        for table in ("task_definition_versions", "task_definitions"):
            columns = {"task_definition_versions": ("document",), "task_definitions": ("arguments", "input_schema")}
            for column in columns[table]:
                execute(api, f"UPDATE {table} SET {column} = CAST(:put AS jsonb)", put=value)  # noqa: S608 - ours
        check(api, ids, writing=False, what=value)
        for path, body in (
            ("definitions/uses-it/instances", {"input": {}}),
            ("definitions/validate", workflow(step("a", "own"))),
            ("simulate", {"definition": workflow(step("a", "own"))}),
            ("tasks/validate", {**task, "description": value}),
        ):
            answer = api.as_role("admin").post(path, json=body)
            assert answer.status_code < 500, (value, path, answer.text)
        for path, body in (("definitions/uses-it", {**uses_it, "name": value}), ("tasks/own", {**task, "name": value})):
            answer = api.as_role("admin").put(path, json=body)
            assert answer.status_code < 500, (value, path, answer.text)


GHOSTS = [
    ("steps", {"ghost": {"status": "completed", "output": {}, "visit": 1, "attempt": 1}}),
    ("activeSteps", ["ghost"]),
    ("completed", [{"stepId": "ghost", "scope": "", "visit": 1}]),
]


@pytest.mark.parametrize(("key", "value"), GHOSTS, ids=[key for key, _ in GHOSTS])
def test_a_step_that_the_definition_does_not_have_is_no_internal_error(
    api: Api, instance: dict[str, str], key: str, value: Any
) -> None:
    execute(
        api,
        "UPDATE workflow_instances SET state = jsonb_set(state, ARRAY[CAST(:key AS text)], CAST(:put AS jsonb))",
        key=key,
        put=json.dumps(value),
    )
    check(api, {**instance, "step_id": "ghost"}, writing=True, what=key)


@pytest.mark.parametrize("phase", ["ready", "running", "waiting", "nonsense"])
def test_a_live_step_that_the_definition_does_not_have_is_no_internal_error(
    api: Api, instance: dict[str, str], phase: str
) -> None:
    execute(
        api,
        """UPDATE workflow_instances SET current_step_id = 'ghost', state = jsonb_set(jsonb_set(state,
        ARRAY['scopes', '', 'current', 'stepId'], '"ghost"'), ARRAY['scopes', '', 'current', 'phase'],
        CAST(:phase AS jsonb))""",
        phase=json.dumps(phase),
    )
    check(api, {**instance, "step_id": "ghost"}, writing=True, what=phase)
