"""Rule I8: live instances continue in another version, over HTTP, where no scheduler runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.store.instances import Instances
from tests.support.api import Api, moved, problem, runs, start_of, vanish
from tests.support.documents import step, workflow

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

WAIT = {"arguments": {"duration": "PT1H"}}


def version(number: str, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return workflow(*steps, workflowId="order", version=number, **more)


FIRST = version("1.0.0", step("a", "noop"), step("b", "wait", **WAIT), step("c", "noop"))
SECOND = version(
    "1.1.0",
    step("a", "noop", retryPolicy={"maxAttempts": 9}),
    step("b", "wait", **WAIT),
    step("d", "noop"),
    step("c", "noop"),
    inputSchema={"type": "object", "properties": {"n": {"type": "integer", "default": 7}}},
)
OTHER = version("2.0.0", step("a", "noop"), step("new", "noop"), step("b", "noop"))


def tasks() -> dict[str, Any]:
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        found = session.scalars(select(TaskInstance).where(TaskInstance.dag_id == "order")).all()
        session.expunge_all()
    return {each.task_id: each for each in found}


def set_tasks(**states: str) -> None:
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import update

    with create_session() as session:
        for task_id, state in states.items():
            found = update(TaskInstance).where(TaskInstance.dag_id == "order", TaskInstance.task_id == task_id)
            session.execute(found.values(state=state, try_number=1))


def waits(machine: Machine) -> None:
    """Let the first step be done and the second wait, as their tasks would."""
    now = datetime.now(UTC)
    machine.begin("", "a", "r", now, generation=1)
    machine.succeed("", "a", "r", {}, now)
    machine.begin("", "b", "r", now, generation=1)
    machine.park("", "b", "r", {"limit": "attempt", "deferral": None}, now)


@pytest.fixture
def instance(api: Api) -> str:
    """Return an instance of the first version whose second step waits."""
    found = start_of(api, FIRST)
    moved(api, found, waits)
    set_tasks(a="success", b="deferred")
    return found


def bundle_versions() -> set[str | None]:
    from airflow.models.dag_version import DagVersion
    from airflow.utils.session import create_session

    with create_session() as session:
        of_tasks = {session.get(DagVersion, each.dag_version_id).bundle_version for each in tasks().values()}
        (run,) = runs("order")
        pinned = session.get(DagVersion, run.created_dag_version_id)
        assert pinned.bundle_version == run.bundle_version
    return of_tasks | {run.bundle_version}


def test_i8_a_live_instance_continues_in_the_newest_version(api: Api, instance: str) -> None:
    client = api.as_role("user")
    assert client.get(f"instances/{instance}").json()["operations"] == ["suspend", "cancel"]
    revision = api.publish(SECOND)
    assert client.get(f"instances/{instance}").json()["operations"] == ["suspend", "cancel", "migrate"]
    before = tasks()

    answer = client.post(f"instances/{instance}/migrate", json={"reason": "the price list"})

    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["version"], found["status"], found["input"]) == ("1.1.0", "running", {"n": 7})
    assert found["operations"] == ["suspend", "cancel"]
    assert {name: record["status"] for name, record in found["state"]["steps"].items()} == {
        "a": "completed",
        "b": "waiting",
    }
    after = tasks()
    assert {name: each.state for name, each in after.items()} == {
        "a": "success", "b": None, "c": None, "d": None, "end": None,
    }  # fmt: skip
    assert after["b"].id != before["b"].id
    (run,) = runs("order")
    assert run.bundle_version == str(revision)
    # The tasks of the version find what is done, and wait on.
    tried: Mapping[str, int] = {name: each.max_tries for name, each in after.items()}
    begun: list[str] = []

    def begin(machine: Machine) -> None:
        now = datetime.now(UTC)
        for step_id in ("a", "b"):
            begun.append(machine.begin("", step_id, "new", now, generation=tried[step_id]).action)

    moved(api, instance, begin)
    assert begun == ["decided", "resume"]
    row = next(
        row for row in client.get(f"instances/{instance}/log").json()["items"] if row["event"] == "instance.migrated"
    )
    assert (row["actor"]["id"], row["message"]) == ("user", "the price list")
    assert (row["data"]["oldVersion"], row["data"]["version"]) == ("1.0.0", "1.1.0")


def test_i8_migrating_again_changes_nothing(api: Api, instance: str) -> None:
    api.publish(SECOND)
    client = api.as_role("user")
    first = client.post(f"instances/{instance}/migrate").json()
    before = tasks()
    assert client.post(f"instances/{instance}/migrate").json() == first
    assert tasks()["b"].id == before["b"].id
    events = [row["event"] for row in client.get(f"instances/{instance}/log").json()["items"]]
    assert events.count("instance.migrated") == 1


def test_i8_a_version_that_does_not_fit_is_refused_with_every_reason(api: Api, instance: str) -> None:
    api.publish(OTHER)
    client = api.as_role("user")
    before = client.get(f"instances/{instance}").json(), tasks()["b"].id
    found = problem(client.post(f"instances/{instance}/migrate"), 409, "version-incompatible")
    assert [(each["code"], each["pointer"]) for each in found["diagnostics"]] == [
        ("wait-changed", "/steps/1"),
        ("path-changed", "/steps/1"),
    ]
    assert (client.get(f"instances/{instance}").json(), tasks()["b"].id) == before


def test_i8_a_version_can_be_named_whether_or_not_it_is_the_newest(api: Api, instance: str) -> None:
    api.publish(SECOND)
    api.publish(OTHER)
    client = api.as_role("user")
    found = client.post(f"instances/{instance}/migrate", json={"toVersion": "1.1.0"})
    assert found.status_code == 200, found.text
    assert found.json()["version"] == "1.1.0"
    assert {name for name, each in tasks().items() if each.state is None} == {"b", "c", "d", "end"}
    assert len(bundle_versions()) == 2
    # And back.
    found = client.post(f"instances/{instance}/migrate", json={"toVersion": "1.0.0"})
    assert (found.status_code, found.json()["version"]) == (200, "1.0.0")
    problem(client.post(f"instances/{instance}/migrate", json={"toVersion": "9.0.0"}), 404, "not-found")


def test_i8_what_waits_for_its_turn_in_airflow_is_moved_and_what_runs_is_waited_for(api: Api, instance: str) -> None:
    api.publish(SECOND)
    client = api.as_role("user")
    set_tasks(b="running")
    found = problem(client.post(f"instances/{instance}/migrate"), 409, "step-running")
    assert "['b']" in found["detail"]
    assert client.get(f"instances/{instance}").json()["version"] == "1.0.0"
    set_tasks(b="queued")
    assert client.post(f"instances/{instance}/migrate").json()["version"] == "1.1.0"


def test_i8_an_attempt_that_runs_is_waited_for(api: Api) -> None:
    instance = start_of(api, FIRST)
    moved(api, instance, lambda machine: machine.begin("", "a", "r", datetime.now(UTC)))
    api.publish(SECOND)
    found = problem(api.as_role("user").post(f"instances/{instance}/migrate"), 409, "version-incompatible")
    (finding,) = found["diagnostics"]
    assert (finding["code"], finding["pointer"]) == ("step-running", "/steps/0")
    assert finding["suggestion"].startswith("suspend the instance")


def test_i8_an_instance_whose_run_was_deleted_continues_in_a_new_one(api: Api, instance: str) -> None:
    revision = api.publish(SECOND)
    vanish()
    found = api.as_role("user").post(f"instances/{instance}/migrate")
    assert found.status_code == 200, found.text
    (run,) = runs("order")
    assert (run.run_id, run.bundle_version) == (found.json()["runId"], str(revision))
    tried = {name: each.max_tries for name, each in tasks().items()}
    begun: list[str] = []
    moved(
        api,
        instance,
        lambda machine: begun.append(machine.begin("", "a", "n", datetime.now(UTC), generation=tried["a"]).action),
    )
    assert begun == ["decided"]


def test_i8_an_instance_that_has_ended_is_not_migrated(api: Api, instance: str) -> None:
    api.publish(SECOND)
    client = api.as_role("user")
    client.post(f"instances/{instance}/cancel")
    problem(client.post(f"instances/{instance}/migrate"), 409, "instance-over")


def test_i8_a_suspended_instance_stays_suspended(api: Api, instance: str) -> None:
    api.publish(SECOND)
    client = api.as_role("user")
    client.post(f"instances/{instance}/suspend", json={"reason": "to migrate it"})
    found = client.post(f"instances/{instance}/migrate").json()
    assert (found["version"], found["status"]) == ("1.1.0", "suspended")
    assert client.post(f"instances/{instance}/resume").json()["status"] == "running"


def test_i8_many_are_looked_at_before_they_are_moved(api: Api, instance: str) -> None:
    client = api.as_role("user")
    started = str(client.post("definitions/order/instances", json={}).json()["id"])
    api.publish(OTHER)
    body = {"operation": "migrate", "filter": {"workflowId": "order"}}

    rows = {
        row["instanceId"]: row for row in client.post("instances/bulk", json={**body, "dryRun": True}).json()["items"]
    }

    assert (rows[started]["outcome"], rows[started]["findings"]) == ("would", [])
    refused = rows[instance]
    assert (refused["outcome"], refused["code"]) == ("refused", "version-incompatible")
    assert [each["code"] for each in refused["findings"]] == ["wait-changed", "path-changed"]
    assert client.get(f"instances/{started}").json()["version"] == "1.0.0"

    rows = {row["instanceId"]: row["outcome"] for row in client.post("instances/bulk", json=body).json()["items"]}
    assert rows == {started: "done", instance: "refused"}
    assert client.get(f"instances/{started}").json()["version"] == "2.0.0"
    rows = {row["instanceId"]: row["outcome"] for row in client.post("instances/bulk", json=body).json()["items"]}
    assert rows == {started: "unchanged", instance: "refused"}
    api.publish(version("2.1.0", *FIRST["steps"]))
    named = {**body, "toVersion": "2.1.0", "filter": {"ids": [instance]}}
    (row,) = client.post("instances/bulk", json=named).json()["items"]
    assert (row["outcome"], UUID(row["instanceId"])) == ("done", UUID(instance))


MANY = int(os.environ.get("WORKFLOWS_MIGRATED_INSTANCES", "40"))
BATCH = 50


def test_i8_many_are_moved_while_others_start_and_none_is_half_moved(api: Api) -> None:
    """Some wait, run, have ended or have not begun; each is reported, and its run has the version of its row."""
    client = api.as_role("user")
    first = api.publish(FIRST)
    started = [client.post("definitions/order/instances", json={}).json()["id"] for _ in range(MANY)]
    waiting, running, ended, fresh = (started[kind::4] for kind in range(4))
    for instance in waiting:
        moved(api, instance, waits)
    for instance in running:
        moved(api, instance, lambda machine: machine.begin("", "a", "r", datetime.now(UTC)))
    for instance in ended:
        client.post(f"instances/{instance}/cancel").raise_for_status()
    second = api.publish(SECOND)
    later: list[str] = []

    def start() -> None:
        other = api.as_role("user")
        later.extend(other.post("definitions/order/instances", json={}).json()["id"] for _ in range(20))

    rows: dict[str, Any] = {}
    with ThreadPoolExecutor(1) as beside:
        starting = beside.submit(start)
        for number in range(0, MANY, BATCH):
            body = {"operation": "migrate", "filter": {"ids": started[number : number + BATCH]}}
            answer = client.post("instances/bulk", json=body).raise_for_status().json()
            rows |= {row["instanceId"]: row for row in answer["items"]}
        starting.result()

    reported = {instance: (row["outcome"], row.get("code")) for instance, row in rows.items()}
    assert reported == {
        **dict.fromkeys([*waiting, *fresh], ("done", None)),
        **dict.fromkeys(running, ("refused", "version-incompatible")),
        **dict.fromkeys(ended, ("refused", "instance-over")),
    }
    versions = {run.run_id: run.bundle_version for run in runs("order")}
    stored = {each: Instances(api.database).get(UUID(each)) for each in (*started, *later)}
    assert {instance: each.revision for instance, each in stored.items()} == {
        **dict.fromkeys([*waiting, *fresh, *later], second),
        **dict.fromkeys([*running, *ended], first),
    }
    assert {each.run_id: str(each.revision) for each in stored.values()} == versions
