"""Definitions of other systems are converted through the API as on the command line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.api import Api, problem

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

MACHINE = {
    "StartAt": "Charge",
    "States": {
        "Charge": {
            "Type": "Task",
            "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:charge",
            "Next": "Done",
        },
        "Done": {"Type": "Succeed"},
    },
}


def sent(content: Any, name: str = "payment.asl.json", dialect: str = "stepfunctions") -> dict[str, Any]:
    text = content if isinstance(content, str) else json.dumps(content)
    return {"dialect": dialect, "sources": [{"name": name, "content": text}]}


def test_a_definition_is_converted_and_can_be_published(api: Api) -> None:
    client = api.as_role("admin")
    (found,) = client.post("import", json=sent(MACHINE)).json()["items"]
    assert (found["source"], found["valid"], found["counts"]["refused"]) == ("payment.asl.json", True, 0)
    assert [each["workflowId"] for each in found["workflows"]] == ["payment"]
    assert {each["construct"] for each in found["entries"]} >= {"Resource", "Succeed"}
    assert client.get("definitions").json()["items"] == []

    for task in found["tasks"]:
        assert client.put(f"tasks/{task['taskId']}", json=task).status_code < 300
    (workflow,) = found["workflows"]
    published = client.put(f"definitions/{workflow['workflowId']}", json=workflow)
    assert published.status_code < 300, published.text


def test_a_viewer_may_convert_and_nobody_else_is_asked_to_sign_in(api: Api) -> None:
    assert api.as_role("viewer").post("import", json=sent(MACHINE)).status_code == 200
    problem(api.as_role(None).post("import", json=sent(MACHINE)), 401, "not-authenticated")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "not an object"),
        ("[]", "not an object"),
        ("{", ""),
        ("\ud800: 1", ""),
        ('{"StartAt": "A"}', ""),
        ("a: &a [*a]", "alias"),
        ("[" * 100_000, ""),
        ('{"a": 1, "a": 2}', "twice"),
    ],
    ids=["empty", "list", "open", "surrogate", "no states", "cycle", "deep", "twice"],
)
def test_a_source_that_cannot_be_read_is_refused_with_a_reason(api: Api, content: str, said: str) -> None:
    answer = api.as_role("viewer").post(
        "import", content=json.dumps(sent(content)), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["items"]
    assert (found["valid"], found["complete"], found["workflows"], found["tasks"]) == (False, False, [], [])
    assert [each["result"] for each in found["entries"]] == ["refused"]
    assert said in found["entries"][0]["message"]


@pytest.mark.parametrize(
    "body",
    [
        {"dialect": "bpmn", "sources": [{"name": "a", "content": "{}"}]},
        {"dialect": "conductor", "sources": []},
        {"dialect": "conductor", "sources": [{"name": "a", "content": "{}"}] * 51},
        {"dialect": "conductor", "sources": [{"name": "", "content": "{}"}]},
        {"dialect": "conductor", "sources": [{"name": "a", "content": {}}]},
        {"dialect": "conductor", "sources": [{"name": "a", "content": "{}", "path": "/etc/passwd"}]},
    ],
)
def test_another_body_is_refused_with_its_place(api: Api, body: dict[str, Any]) -> None:
    found = problem(api.as_role("viewer").post("import", json=body), 422, "bad-request")
    assert found["diagnostics"]


def test_two_sources_of_one_name_do_not_become_one_definition(api: Api) -> None:
    body = {
        "dialect": "stepfunctions",
        "sources": [*sent(MACHINE)["sources"], *sent(MACHINE, "x/PAYMENT.yaml")["sources"]],
    }
    first, second = api.as_role("viewer").post("import", json=body).json()["items"]
    assert (first["counts"]["refused"], second["counts"]["refused"]) == (0, 1)
    assert "rename" in second["entries"][-1]["message"]
