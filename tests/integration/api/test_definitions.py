"""Workflow definitions over HTTP (rules D2, D4)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import bindparam
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB

from tests.support.api import Api, load_dag, problem
from tests.support.documents import step, workflow

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]


def test_d4_put_publishes_and_get_gives_it_back(api: Api) -> None:
    client = api.as_role("user")
    document = workflow(step("a"), step("b"))
    created = client.put("definitions/example", json=document)
    assert created.status_code == 201, created.text
    revision = created.json()["revision"]
    assert created.headers["ETag"] == f'"{revision}"'
    again = client.put("definitions/example", json=document)
    assert (again.status_code, again.json()["outcome"]) == (200, "unchanged")
    found = client.get("definitions/example")
    assert found.json()["document"] == document
    assert found.json()["createdBy"] == "user"
    assert found.headers["ETag"] == f'"{revision}"'
    assert [each["workflowId"] for each in client.get("definitions").json()["items"]] == ["example"]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", ["invoice", "order-approval"]),
        ("ORDER who", ["order-approval"]),
        ("order invoice", []),
        (" voice ", ["invoice"]),
        ("%", []),
    ],
)
def test_d4_the_list_is_searched_by_words_and_paged(api: Api, search: str, found: list[str]) -> None:
    api.publish(workflow(workflowId="order-approval", name="Orders", description="Who approves"))
    api.publish(workflow(workflowId="invoice", name="Invoices"))
    client, pages = api.as_role("viewer"), []
    asked: dict[str, Any] = {"search": search, "limit": 1}
    while True:
        body = client.get("definitions", params=asked).json()
        pages.append([each["workflowId"] for each in body["items"]])
        if body["next"] is None:
            break
        asked["after"] = body["next"]
    assert pages == ([[each] for each in found] or [[]])


def test_the_list_says_who_may_publish(api: Api) -> None:
    shown = {role: api.as_role(role).get("definitions").json()["editable"] for role in ("viewer", "user", "admin")}
    assert shown == {"viewer": False, "user": True, "admin": True}


def test_d4_version_rules_are_conflicts(api: Api) -> None:
    client = api.as_role("user")
    client.put("definitions/example", json=workflow(version="1.1.0"))
    body = problem(
        client.put("definitions/example", json=workflow(version="1.1.0", name="Other")), 409, "version-reused"
    )
    assert body["pointer"] == "/version"
    problem(client.put("definitions/example", json=workflow(version="1.0.0")), 409, "version-lower")
    assert client.put("definitions/example?force=true", json=workflow(version="1.0.0")).status_code == 200
    versions = client.get("definitions/example/versions").json()["items"]
    assert [each["version"] for each in versions] == ["1.0.0", "1.1.0"]
    old = client.get("definitions/example", params={"version": "1.1.0"})
    assert old.json()["version"] == "1.1.0"


def test_d4_if_match_refuses_what_somebody_else_changed(api: Api) -> None:
    client = api.as_role("user")
    new = {"If-None-Match": "*"}
    tag = client.put("definitions/example", json=workflow(), headers=new).headers["ETag"]
    problem(client.put("definitions/example", json=workflow(version="1.0.1"), headers=new), 412, "revision-changed")
    second = client.put("definitions/example", json=workflow(version="1.1.0"), headers={"If-Match": tag})
    assert second.status_code == 200
    third = client.put("definitions/example", json=workflow(version="1.2.0"), headers={"If-Match": tag})
    problem(third, 412, "revision-changed")
    problem(client.put("definitions/example", json=workflow(), headers={"If-Match": "x"}), 412, "revision-changed")
    assert client.get("definitions/example").json()["version"] == "1.1.0"


def test_d2_every_finding_is_reported_and_nothing_is_stored(api: Api) -> None:
    client = api.as_role("user")
    document = workflow(step("a", "nothing", next=[{"nextStepId": "b"}]), version="1", colour="red")
    body = problem(client.put("definitions/example", json=document), 422, "invalid-definition")
    assert {each["code"] for each in body["diagnostics"]} >= {"WF110", "WF124"}
    checked = client.post("definitions/validate", json=document).json()
    assert checked == {"valid": False, "diagnostics": checked["diagnostics"], "fixes": []}
    assert len(checked["diagnostics"]) == len(body["diagnostics"])
    problem(client.get("definitions/example"), 404, "not-found")
    assert client.post("definitions/validate", json=workflow()).json() == {
        "valid": True,
        "diagnostics": [],
        "fixes": [],
    }
    other = problem(client.put("definitions/other", json=workflow()), 422, "invalid-definition")
    assert other["diagnostics"][0]["pointer"] == "/workflowId"


def test_validation_names_the_fixes_of_findings_that_have_exactly_one(api: Api) -> None:
    client = api.as_role("user")

    def fixes(document: Any) -> set[tuple[str, str, str]]:
        checked = client.post("definitions/validate", json=document).json()
        return {(each["pointer"], each["part"], each["name"]) for each in checked["fixes"]}

    assert fixes(workflow(step("a", "nooop", nxt=[]))) == {
        ("/steps/0/nxt", "key", "next"),
        ("/steps/0/taskId", "value", "noop"),
    }
    assert fixes(workflow()) == set()


def test_the_id_of_another_dag_is_taken(api: Api) -> None:
    load_dag(workflow(workflowId="foreign"), 1)
    answer = api.as_role("user").put("definitions/foreign", json=workflow(workflowId="foreign"))
    problem(answer, 409, "dag-id-taken")


def test_diff_names_steps_by_their_ids(api: Api) -> None:
    client = api.as_role("user")
    client.put("definitions/example", json=workflow(step("a"), step("b")))
    client.put("definitions/example", json=workflow(step("a", name="A"), version="1.1.0"))
    found = client.get("definitions/example/diff", params={"old": "1.0.0"}).json()["changes"]
    places = {(each["pointer"], each["change"]) for each in found}
    assert places == {("/version", "changed"), ("/steps/a/name", "added"), ("/steps/b", "removed")}
    problem(client.get("definitions/example/diff", params={"old": "9.9.9"}), 404, "not-found")


def test_bodies_are_strict(api: Api) -> None:
    client = api.as_role("user")
    json_type = {"Content-Type": "application/json"}

    def put(content: bytes, **headers: str) -> Any:
        return client.put("definitions/example", content=content, headers={**json_type, **headers})

    problem(put(b"{"), 400, "bad-json")
    twice = problem(put(b'{"name": "a", "name": "b"}'), 400, "bad-json")
    assert twice["diagnostics"][0]["code"] == "WF101"
    problem(put(b"{}", **{"Content-Type": "text/plain"}), 415, "unsupported-media-type")
    problem(put(b"{}", **{"Content-Type": "application/json; charset=latin-1"}), 415, "unsupported-media-type")
    problem(put(b'"' + b"a" * 9_000_000 + b'"'), 413, "body-too-large")
    problem(put(b""), 422, "bad-request")
    problem(put(b"[" * 100_000), 400, "bad-json")
    start = client.post("definitions/example/instances", content=b'{"inputs": {}}', headers=json_type)
    assert problem(start, 422, "bad-request")["diagnostics"][0]["pointer"] == "/inputs"
    start = client.post("definitions/example/instances", content=b'{"input": {"a": "\\u0000"}}', headers=json_type)
    assert problem(start, 422, "bad-request")["diagnostics"][0]["pointer"] == "/input/a"


def test_tasks_are_published_and_used(api: Api) -> None:
    client = api.as_role("user")
    task = {"taskId": "greet", "name": "Greet", "operator": "set", "arguments": {"text": "hello"}}
    assert client.put("tasks/greet", json=task).status_code == 201
    again = client.put("tasks/greet", json=task)
    assert (again.status_code, again.json()["outcome"]) == (200, "unchanged")
    changed = client.put("tasks/greet", json={**task, "name": "Hi"}, headers={"If-Match": again.headers["ETag"]})
    assert changed.json()["outcome"] == "updated"
    problem(client.put("tasks/greet", json=task, headers={"If-Match": '"1"'}), 412, "revision-changed")
    problem(client.put("tasks/greet", json={**task, "operator": "os.system"}), 422, "invalid-definition")
    problem(client.put("tasks/other", json=task), 422, "invalid-definition")
    listed = {each["taskId"]: each["source"] for each in client.get("tasks").json()["items"]}
    assert (listed["greet"], listed["noop"]) == ("stored", "built-in")
    schemas = {each["taskId"]: each["argumentsSchema"] for each in client.get("tasks").json()["items"]}
    assert "connection" in schemas["http"]["properties"]
    assert client.get("tasks/greet").json()["document"]["name"] == "Hi"
    assert len(client.get("tasks/greet/versions").json()["items"]) == 2
    old = again.json()["revision"]
    difference = client.get("tasks/greet/diff", params={"old": old}).json()["changes"]
    assert difference == [{"pointer": "/name", "change": "changed", "old": "Greet", "new": "Hi"}]
    assert client.put("definitions/example", json=workflow(step("a", "greet"))).status_code == 201
    problem(client.get("tasks/noop"), 404, "not-found")


def test_simulate_answers_questions_and_sends_events_in_virtual_time(api: Api) -> None:
    waits = step("paid", "receive", arguments={"eventPattern": "payment.*", "timeout": "P2D"})
    body = {
        "definition": workflow(step("ask", "approval", arguments={"subject": "Buy?"}), waits),
        "start": "2026-01-01T00:00:00Z",
        "answers": {"ask": [{"decision": "approve", "by": "Ada", "after": "PT1H"}]},
        "events": [{"after": "P1D", "event": {"type": "payment.made", "data": {"amount": 7}}}],
    }
    client = api.as_role("user")
    found = client.post("simulate", json=body).json()
    assert (found["status"], found["warnings"]) == ("completed", [])
    steps = found["state"]["steps"]
    assert steps["ask"]["completedAt"].startswith("2026-01-01T01:00:00")
    assert steps["paid"]["completedAt"].startswith("2026-01-02T00:00:00")
    refused = client.post("simulate", json={**body, "answers": {"ask": [{"decision": "perhaps"}]}}).json()
    assert any("perhaps" in each for each in refused["warnings"])
    for wrong in (
        {"events": [{"after": "soon", "event": {}}]},
        {"events": [{"after": "P9999999D", "event": {"type": "payment.made"}}]},
        {"start": "9999-12-31T23:00:00Z"},
        {"start": "0001-01-01T00:00:00+14:00"},
    ):
        problem(client.post("simulate", json={**body, **wrong}), 422, "bad-request")


def test_simulate_runs_a_document_or_a_stored_workflow(api: Api) -> None:
    client = api.as_role("viewer")
    document = workflow(step("a", "set", arguments={"x": 1}), step("b", "unknown"))
    answer = client.post("simulate", json={"definition": document, "mocks": {"b": [{"output": {"y": 2}}]}})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["status"], body["output"]) == ("completed", {"y": 2})
    assert [entry["stepId"] for entry in body["path"]] == ["a", "b"]
    problem(client.post("simulate", json={}), 422, "bad-request")
    problem(client.post("simulate", json={"workflowId": "nothing"}), 404, "not-found")
    problem(client.post("simulate", json={"definition": {}}), 422, "invalid-definition")
    problem(client.post("simulate", json={"definition": document, "mocks": {"z": []}}), 422, "unknown-mock")
    endless = workflow(step("a", next=[{"nextStepId": "a"}]), settings={"maxIterations": 1_000_000})
    problem(client.post("simulate", json={"definition": endless}), 422, "simulation-too-long")
    api.publish(workflow())
    assert client.post("simulate", json={"workflowId": "example"}).json()["status"] == "completed"


def test_pages_continue_over_what_is_read_at_a_time(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_workflow_provider.api import visible

    monkeypatch.setattr(visible, "BATCH", 2)
    client = api.as_role("user")
    for number in range(7):
        document = workflow(step("a"), workflowId=f"w{number}", name="Größe" if number % 2 else "Other")
        client.put(f"definitions/w{number}", json=document)
    client.post("definitions/w3/deactivate")

    def listed(**params: Any) -> list[str]:
        found, after = [], None
        while True:
            answer = client.get("definitions", params={**params, **({"after": after} if after else {})}).json()
            found += [each["workflowId"] for each in answer["items"]]
            after = answer["next"]
            if after is None:
                return found

    assert listed(limit=3) == [f"w{number}" for number in range(7)]
    assert listed(limit=1, search="GRÖSSE") == ["w1", "w3", "w5"]
    assert listed(limit=2, search="größe", active=True) == ["w1", "w5"]
    assert listed(limit=1000, active=False) == ["w3"]


def test_d4_the_text_is_kept_as_its_author_wrote_it(api: Api) -> None:
    client = api.as_role("admin")
    text = (
        '{"version": "1.0.0",   "name": "Written", "workflowId": "written",\n'
        '  "steps": [{"stepId": "z", "taskId": "set", "arguments": {"zebra": 1.50, "ant": "\\u00e9"}}]}\n'
    )
    headers = {"Content-Type": "application/json"}
    client.put("definitions/written", content=text, headers=headers).raise_for_status()
    found = client.get("definitions/written").json()
    assert found["source"] == text
    assert list(found["document"]) == ["version", "name", "workflowId", "steps"]
    assert list(found["document"]["steps"][0]["arguments"]) == ["zebra", "ant"]
    manually = "UPDATE workflow_definition_versions SET document = document || :more WHERE workflow_id = 'written'"
    with api.database.begin() as connection:
        connection.execute(sql(manually).bindparams(bindparam("more", {"name": "by hand"}, JSONB)))
    changed = client.get("definitions/written").json()
    assert (changed["source"], changed["document"]["name"]) == (None, "by hand")
