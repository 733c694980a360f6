"""Instances over HTTP (rules I1, I2, I5, X6, L4)."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

import pytest

from airflow_workflow_provider.engine.phases import InstanceStatus
from airflow_workflow_provider.store.instances import Instances, instance_id
from airflow_workflow_provider.store.listing import InstanceList
from tests.support.api import Api, load_dag, problem, runs
from tests.support.documents import step, workflow

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

SCHEMA = {
    "type": "object",
    "properties": {
        "amount": {"type": "number", "minimum": 1},
        "customer": {"type": "string"},
        "currency": {"type": "string", "default": "EUR"},
        "pin": {"type": "string", "writeOnly": True},
    },
    "required": ["amount"],
    "additionalProperties": False,
}
ORDER = workflow(step("check"), step("ship"), workflowId="order", inputSchema=SCHEMA)


def start(client: Any, workflow_id: str = "order", **body: Any) -> Any:
    key = body.pop("key", None)
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(f"definitions/{workflow_id}/instances", json=body, headers=headers)


def test_i2_start_makes_the_run_and_the_row(api: Api) -> None:
    api.publish(ORDER)
    client = api.as_role("user")
    started = start(client, input={"amount": 5}, correlationId="o-1")
    assert started.status_code == 201, started.text
    body = started.json()
    assert started.headers["Location"] == f"/workflows/api/v1/instances/{body['id']}"
    assert UUID(body["id"]) == instance_id("order", body["runId"])
    assert body["status"] == "running"
    assert body["input"] == {"amount": 5, "currency": "EUR"}
    assert body["state"]["activeSteps"] == ["check"]
    run = next(run for run in runs("order") if run.run_id == body["runId"])
    assert (run.conf["amount"], list(run.conf["_workflow"])) == (5, ["start"])
    assert (run.state, run.triggering_user_name, run.bundle_version) == ("queued", "user", str(body["revision"]))
    assert client.get(f"instances/{body['id']}").json() == body
    log = client.get(f"instances/{body['id']}/log").json()
    assert [row["event"] for row in log["items"]] == ["instance.started"]


def test_x6_every_finding_is_reported_and_nothing_is_made(api: Api) -> None:
    api.publish(ORDER)
    before = len(runs("order"))
    answer = start(api.as_role("user"), input={"amount": 0, "customer": 7, "other": 1})
    body = problem(answer, 422, "invalid-input")
    assert [each["pointer"] for each in body["diagnostics"]] == ["/input", "/input/amount", "/input/customer"]
    assert len(runs("order")) == before
    assert InstanceList(api.database).page().items == ()


def test_x6_a_reserved_name_is_no_input(api: Api) -> None:
    api.publish(workflow(workflowId="any"))
    problem(start(api.as_role("user"), "any", input={"_workflow": {"correlationId": "x"}}), 422, "invalid-input")


def test_e4_unknown_unloaded_inactive_and_paused_workflows_do_not_start(api: Api) -> None:
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session
    from sqlalchemy import update

    client = api.as_role("user")
    problem(start(client, "nothing"), 404, "not-found")
    client.put("definitions/fresh", json=workflow(workflowId="fresh"))
    unloaded = start(client, "fresh")
    problem(unloaded, 409, "workflow-not-loaded")
    assert unloaded.headers["Retry-After"] == "5"
    api.publish(workflow(workflowId="asleep"))
    with create_session() as session:
        session.execute(update(DagModel).where(DagModel.dag_id == "asleep").values(is_paused=True))
    problem(start(client, "asleep"), 409, "workflow-paused")
    api.publish(workflow(workflowId="off"))
    assert client.post("definitions/off/deactivate").json()["active"] is False
    problem(start(client, "off"), 409, "workflow-inactive")
    assert client.post("definitions/off/activate").json()["active"] is True
    assert start(client, "off").status_code == 201


def test_d4_a_task_that_changes_makes_a_new_revision_of_its_workflows(api: Api) -> None:
    client = api.as_role("user")
    task = {"taskId": "greet", "name": "Greet", "operator": "set"}
    client.put("tasks/greet", json=task)
    document = workflow(step("a", "greet"), workflowId="greeting")
    client.put("definitions/greeting", json=document)
    changed = {**task, "arguments": {"text": "hello"}}
    revision = client.put("tasks/greet", json=changed).json()["revision"]
    load_dag(document, revision, changed)
    body = start(client, "greeting").json()
    assert body["revision"] == revision
    assert client.get(f"instances/{body['id']}").json()["version"] == "1.0.0"
    assert client.post(f"instances/{body['id']}/cancel").json()["status"] == "failed"


def test_i5_the_same_key_starts_once(api: Api) -> None:
    api.publish(ORDER)
    client = api.as_role("user")
    first = start(client, input={"amount": 5}, key="k-1")
    again = start(client, input={"amount": 5}, key="k-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json()["id"] == first.json()["id"]
    problem(start(client, input={"amount": 6}, key="k-1"), 409, "idempotency-key-reused")
    other = start(api.as_role("admin"), input={"amount": 5}, key="k-1")
    assert other.json()["id"] != first.json()["id"]


def test_i5_a_race_with_one_key_makes_one_instance(api: Api) -> None:
    api.publish(workflow(workflowId="race"))
    answers: list[Any] = []
    barrier = threading.Barrier(6)

    def run() -> None:
        client = api.as_role("user")
        barrier.wait()
        answers.append(start(client, "race", key="one"))

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201], [a.text for a in answers]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(runs("race")) == 1


def test_i1_cancel_ends_instance_and_run(api: Api) -> None:
    api.publish(workflow(step("long", "wait", arguments={"duration": "PT1H"}), workflowId="longrun"))
    client = api.as_role("user")
    started = start(client, "longrun").json()
    cancelled = client.post(f"instances/{started['id']}/cancel", json={"reason": "no longer wanted"})
    assert cancelled.status_code == 200, cancelled.text
    body = cancelled.json()
    assert (body["status"], body["error"]["type"]) == ("failed", "Cancelled")
    assert body["error"]["message"] == "Cancelled by user: no longer wanted"
    assert body["completedAt"] is not None
    assert body["state"]["activeSteps"] == []
    assert [run.state for run in runs("longrun") if run.run_id == started["runId"]] == ["failed"]
    rows = client.get(f"instances/{started['id']}/log").json()["items"]
    assert [row["event"] for row in rows] == ["instance.started", "instance.cancelled", "instance.failed"]
    assert rows[1]["actor"] == {"id": "user", "name": "user"}
    again = client.post(f"instances/{started['id']}/cancel")
    assert again.status_code == 200
    assert again.json()["completedAt"] == body["completedAt"]


def test_i1_what_has_ended_otherwise_cannot_be_cancelled(api: Api) -> None:
    api.publish(ORDER)
    client = api.as_role("user")
    started = start(client, input={"amount": 5}).json()
    with Instances(api.database).locked(UUID(started["id"])) as record:
        record.status = record.state.status = InstanceStatus.COMPLETED
        record.save()
    problem(client.post(f"instances/{started['id']}/cancel"), 409, "instance-over")
    problem(client.post("instances/00000000-0000-0000-0000-000000000000/cancel"), 404, "not-found")


def test_i5_cancelling_ends_the_children_too(api: Api) -> None:
    api.publish(workflow(workflowId="parent"))
    api.publish(workflow(workflowId="child"))
    client = api.as_role("user")
    parent, child = start(client, "parent").json(), start(client, "child").json()
    from sqlalchemy import update

    from airflow_workflow_provider.store.tables import workflow_instances

    with api.database.begin() as connection:
        child_row = update(workflow_instances).where(workflow_instances.c.id == UUID(child["id"]))
        connection.execute(child_row.values(parent_instance_id=UUID(parent["id"])))
    client.post(f"instances/{parent['id']}/cancel")
    found = client.get(f"instances/{child['id']}").json()
    assert found["error"]["type"] == "Cancelled"


def test_lists_filter_and_page(api: Api) -> None:
    api.publish(ORDER)
    api.publish(workflow(workflowId="other"))
    client = api.as_role("user")
    ids = [
        start(client, input={"amount": 5 + n, "customer": f"c-{n}"}, correlationId=f"o-{n}").json()["id"]
        for n in range(5)
    ]
    start(client, "other")

    def found(**query: Any) -> list[str]:
        answer = client.get("instances", params=query)
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()["items"]]

    assert len(found()) == 6
    assert found(workflowId="order") == ids[::-1]
    assert found(correlationId="o-3") == [ids[3]]
    assert found(workflowId="order", input=["$.amount >= 8"]) == ids[:2:-1]
    assert found(workflowId="order", input=["$.amount >= 8", '$.customer == "c-4"']) == [ids[4]]
    assert found(workflowId="order", input=["$.nothing"]) == []
    assert found(currentStepId="check", status=["running", "failed"]) == ids[::-1]
    assert found(startedBefore="2020-01-01T00:00:00Z") == []
    first = client.get("instances", params={"workflowId": "order", "limit": 2}).json()
    rest = client.get("instances", params={"workflowId": "order", "after": first["next"]}).json()
    assert [each["id"] for each in first["items"] + rest["items"]] == ids[::-1]
    assert rest["next"] is None


@pytest.mark.parametrize(
    "query",
    [
        {"status": "done"},
        {"colour": "red"},
        {"after": "x"},
        {"limit": 0},
        {"startedFrom": "2020-01-01T00:00:00"},
        {"input": "$.amount == 1"},
        {"workflowId": "order", "input": "amount"},
        {"workflowId": "order", "input": "$.a ? (@ like_regex '.*')"},
        {"workflowId": "order", "input": "$.a == {}"},
        {"workflowId": "order", "input": "$.a == 1 OR 1 = 1"},
    ],
)
def test_bad_filters_are_refused(api: Api, query: dict[str, Any]) -> None:
    answer = api.as_role("viewer").get("instances", params=query)
    assert answer.status_code == 422, answer.text


SECRETIVE: dict[str, Any] = {
    "workflowId": "secretive",
    "name": "Secretive",
    "version": "1.0.0",
    "inputSchema": {
        "properties": {
            "users": {"items": {"properties": {"pin": {"writeOnly": True}}}},
            "pair": {"prefixItems": [True, {"type": "object", "properties": {"key": {"writeOnly": True}}}]},
        }
    },
    "executionLog": {"redact": ["input.codes[1]", "input.any.*", "input.names[*].first"]},
    "steps": [{"stepId": "a", "taskId": "noop"}],
}
HELD: dict[str, Any] = {
    "users": [{"pin": "alpha-111"}],
    "pair": [1, {"key": "bravo-222"}],
    "codes": ["open", "charlie-333"],
    "any": ["delta-444"],
    "names": [{"first": "echo-555"}],
    "copy": "alpha-111",
    "nested": [{"copies": ["charlie-333", "x"]}],
    "open": "seen",
}


@pytest.mark.parametrize(
    "condition",
    [
        '$.users.pin == "alpha-111"',
        '$.users[0].pin >= "alpha"',
        "$.users[0].pin",
        '$.pair.key == "bravo-222"',
        '$.pair[1].key < "c"',
        '$.codes == "charlie-333"',
        '$.codes[1] == "charlie-333"',
        '$.any == "delta-444"',
        '$.any[0] == "delta-444"',
        '$.names.first == "echo-555"',
        '$.names[0].first > "e"',
        '$.copy == "alpha-111"',
        '$.copy >= "alpha"',
        '$.nested.copies == "charlie-333"',
        '$.nested[0].copies[0] > "c"',
    ],
)
def test_l4_no_condition_finds_a_secret(api: Api, secretive: str, condition: str) -> None:
    asked = api.as_role("viewer").get("instances", params={"workflowId": "secretive", "input": condition})
    assert secretive not in asked.text
    assert asked.status_code == 422 or asked.json() == {"items": [], "next": None}


def test_conditions_on_what_is_no_secret_find_instances_that_have_some(api: Api, secretive: str) -> None:
    client = api.as_role("viewer")
    for condition in ('$.open == "seen"', '$.open > "s"', "$.open"):
        asked = client.get("instances", params={"workflowId": "secretive", "input": condition})
        assert [each["id"] for each in asked.json()["items"]] == [secretive], condition


@pytest.fixture
def secretive(api: Api) -> str:
    api.publish(SECRETIVE)
    identifier = api.as_role("user").post("definitions/secretive/instances", json={"input": HELD}).json()["id"]
    return str(identifier)


def test_l4_secrets_are_masked_and_cannot_be_guessed(api: Api) -> None:
    api.publish(ORDER)
    client = api.as_role("user")
    started = start(client, input={"amount": 5, "pin": "47-11-secret"})
    assert "47-11-secret" not in started.text
    assert started.json()["input"]["pin"] == "***"
    assert "47-11-secret" not in client.get(f"instances/{started.json()['id']}/log").text
    asked = client.get("instances", params={"workflowId": "order", "input": '$.pin == "47-11-secret"'})
    problem(asked, 422, "bad-filter")
    from airflow.models.log import Log
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        rows = session.execute(select(Log.event, Log.owner, Log.dag_id, Log.extra)).all()
    assert ("workflow.start", "user", "order") in {(row.event, row.owner, row.dag_id) for row in rows}
    assert not [row for row in rows if "47-11" in (row.extra or "")]


@pytest.mark.parametrize("via", ["cli", "ui", "api"])
def test_l1_the_log_says_by_which_way_an_instance_was_started(api: Api, via: str) -> None:
    api.publish(workflow(step("a")))
    client = api.as_role("admin", **({} if via == "api" else {"X-Workflows-Client": via}))
    answer = client.post("definitions/example/instances", json={"input": {}})
    assert answer.status_code == 201, answer.text
    log = client.get(f"instances/{answer.json()['id']}/log").json()["items"]
    assert [row["data"]["via"] for row in log if row["event"] == "instance.started"] == [via]


def test_i3_people_read_whether_an_instance_waits_was_suspended_or_cancelled(api: Api) -> None:
    api.publish(ORDER)
    client = api.as_role("admin")
    started = start(client, input={"amount": 5}).json()

    def shown() -> list[tuple[str, str]]:
        (listed,) = client.get("instances", params={"workflowId": started["workflowId"]}).json()["items"]
        alone = client.get(f"instances/{started['id']}").json()
        return [(each["status"], each["displayStatus"]) for each in (listed, alone)]

    assert shown() == [("running", "running")] * 2
    with Instances(api.database).locked(UUID(started["id"])) as record:
        record.status = record.state.status = InstanceStatus.SUSPENDED
        record.save()
    assert shown() == [("suspended", "waiting")] * 2
    client.post(f"instances/{started['id']}/suspend").raise_for_status()
    assert shown() == [("suspended", "suspended")] * 2
    client.post(f"instances/{started['id']}/cancel").raise_for_status()
    assert shown() == [("failed", "cancelled")] * 2
