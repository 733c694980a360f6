"""Rule I5: operations over HTTP, where no scheduler runs: what they change, who may, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.store.instances import Instances
from airflow_workflow_provider.store.wakeups import Wakeups
from tests.support.api import Api, end_run, moved, problem, runs, start_of, vanish
from tests.support.documents import step, workflow

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

LONG = workflow(
    step("long", "set", arguments={"k": 1}, output={"type": "jmespath", "expression": "{kept: output.k}"}),
    step("after", "noop"),
    workflowId="long",
    settings={"timeout": "PT1H"},
    inputSchema={"type": "object", "properties": {"n": {"type": "integer", "default": 1}}},
)


def started(api: Api, document: dict[str, Any] = LONG, **body: Any) -> str:
    return start_of(api, document, **body)


def fail(machine: Machine, step_id: str = "long") -> None:
    now = datetime.now(UTC)
    assert machine.begin("", step_id, "r", now).action == "run"
    machine.fail("", step_id, "r", Failure.named("Broken", "not today"), now)


def tasks(dag_id: str) -> dict[str, tuple[str | None, int]]:
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        found = session.scalars(select(TaskInstance).where(TaskInstance.dag_id == dag_id)).all()
        return {each.task_id: (each.state, each.max_tries) for each in found}


def actions(client: Any, instance: str) -> list[tuple[str, str, str | None]]:
    """Return what people did to an instance after they had started it."""
    rows = client.get(f"instances/{instance}/log").json()["items"]
    done = [(row["event"], row["data"]["via"], row["message"]) for row in rows if row["actor"] is not None]
    assert done.pop(0) == ("instance.started", "api", None)
    return done


def test_i3_suspend_and_resume_are_repeated_without_harm(api: Api) -> None:
    instance = started(api)
    client = api.as_role("user", **{"X-Workflows-Client": "ui"})
    assert client.get(f"instances/{instance}").json()["operations"] == ["suspend", "cancel"]
    first = client.post(f"instances/{instance}/suspend", json={"reason": "night"}).json()
    assert (first["status"], first["operations"]) == ("suspended", ["resume", "cancel"])
    assert client.post(f"instances/{instance}/suspend").json() == first
    resumed = client.post(f"instances/{instance}/resume").json()
    assert resumed["status"] == "running"
    assert resumed["deadlineAt"] > first["deadlineAt"]
    assert client.post(f"instances/{instance}/resume").json() == resumed
    assert actions(client, instance) == [("instance.suspended", "ui", "night"), ("instance.resumed", "ui", None)]
    problem(
        api.as_role("user", **{"X-Workflows-Client": "phone"}).post(f"instances/{instance}/suspend"), 422, "bad-request"
    )


def test_i3_held_tasks_are_notified_in_the_same_transaction(api: Api) -> None:
    instance = started(api)
    client = api.as_role("user")
    client.post(f"instances/{instance}/suspend")
    moved(api, instance, lambda machine: machine.state.held.append("long"))
    assert Wakeups(api.database).claim() == ()
    client.post(f"instances/{instance}/resume")
    (wakeup,) = Wakeups(api.database).claim()
    assert (wakeup.dag_id, wakeup.task_id, wakeup.question_id) == ("long", "long", None)


def test_i5_a_failed_instance_is_retried(api: Api) -> None:
    instance = started(api)
    moved(api, instance, fail)
    end_run("long")
    client = api.as_role("user")
    assert client.get(f"instances/{instance}").json()["operations"] == ["retry", "restart", "skip"]
    again = client.post(f"instances/{instance}/retry", json={"reason": "it is back"})
    assert again.status_code == 200, again.text
    assert (again.json()["status"], again.json()["error"], again.json()["completedAt"]) == ("running", None, None)
    assert [run.state for run in runs("long")] == ["queued"]
    assert {state for state, _ in tasks("long").values()} == {None}
    problem(client.post(f"instances/{instance}/retry"), 409, "not-failed")
    assert actions(client, instance) == [("instance.retried", "api", "it is back")]


def test_i5_a_skipped_step_is_not_run_by_its_cleared_task(api: Api) -> None:
    instance = started(api)
    moved(api, instance, fail)
    end_run("long")
    client = api.as_role("user")
    problem(client.post(f"instances/{instance}/skip", json={"output": {}, "stepId": "after"}), 409, "step-not-failed")
    problem(client.post(f"instances/{instance}/skip", json={"output": {}, "stepId": "nowhere"}), 404, "unknown-step")
    problem(client.post(f"instances/{instance}/skip", json={}), 422, "bad-request")
    answer = client.post(f"instances/{instance}/skip", json={"output": {"k": 7}})
    assert answer.status_code == 200, answer.text
    record = answer.json()["state"]["steps"]["long"]
    assert (record["status"], record["output"]) == ("completed", {"kept": 7})
    _, tries = tasks("long")["long"]
    begun: list[Any] = []
    moved(api, instance, lambda m: begun.append(m.begin("", "long", "new", datetime.now(UTC), generation=tries)))
    assert (begun[0].action, begun[0].decision.next) == ("decided", "after")


def test_i5_a_skip_is_shown_before_it_is_made(api: Api) -> None:
    instance = started(api)
    problem(api.as_role("user").post(f"instances/{instance}/skip/preview", json={"output": {}}), 409, "not-failed")
    moved(api, instance, fail)
    end_run("long")
    client = api.as_role("user")
    before = client.get(f"instances/{instance}").json()

    def preview(output: Any, **more: Any) -> Any:
        return client.post(f"instances/{instance}/skip/preview", json={"output": output, **more})

    assert preview({"k": 7}).json() == {"stepId": "long", "output": {"kept": 7}, "next": "after"}
    # What is entered is the task's result; a step's output made of it that is null is seen before it is too late.
    assert preview({"kept": 7}).json()["output"] == {"kept": None}
    problem(preview({}, stepId="after"), 409, "step-not-failed")
    problem(preview({}, stepId="nowhere"), 404, "unknown-step")
    problem(preview([]), 422, "bad-request")
    problem(api.as_role("viewer").post(f"instances/{instance}/skip/preview", json={"output": {}}), 403, "forbidden")
    assert client.get(f"instances/{instance}").json() == before
    assert actions(client, instance) == []
    detail = client.get(f"instances/{instance}/steps/long").json()
    assert detail["outputTransform"] == "{kept: output.k}"


def test_i5_an_instance_is_restarted_with_another_input(api: Api) -> None:
    instance = started(api, input={"n": 4})
    moved(api, instance, fail)
    end_run("long")
    client = api.as_role("user")
    refused = client.post(f"instances/{instance}/restart", json={"input": {"n": "four"}})
    assert problem(refused, 422, "invalid-input")["diagnostics"][0]["pointer"] == "/input/n"
    assert client.get(f"instances/{instance}").json()["status"] == "failed"
    problem(client.post(f"instances/{instance}/restart", json={"fromStepId": "after"}), 409, "step-not-run")
    again = client.post(f"instances/{instance}/restart", json={"input": {}})
    assert again.status_code == 200, again.text
    assert (again.json()["input"], again.json()["state"]["steps"]) == ({"n": 1}, {})
    assert again.json()["state"]["activeSteps"] == ["long"]
    problem(client.post(f"instances/{instance}/restart"), 409, "instance-live")


@pytest.mark.parametrize("operation", ["retry", "skip", "restart"])
def test_i5_a_run_that_airflow_has_deleted_is_made_again(api: Api, operation: str) -> None:
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    instance = started(api, input={"n": 2})
    moved(api, instance, fail)
    (old,) = runs("long")
    with create_session() as session:
        session.execute(delete(DagRun).where(DagRun.dag_id == "long"))
    client = api.as_role("user")
    body = {"output": {"kept": 1}} if operation == "skip" else {}
    answer = client.post(f"instances/{instance}/{operation}", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "running"
    assert answer.json()["state"]["activeSteps"] == (["after"] if operation == "skip" else ["long"])
    (new,) = runs("long")
    assert (new.run_id, new.state, new.bundle_version) == (old.run_id, "queued", old.bundle_version)
    assert new.conf == ({"n": 2} if operation == "restart" else old.conf)
    assert [name for name, *_ in actions(client, instance)] == [
        {"skip": "step.skippedByHand", "retry": "instance.retried", "restart": "instance.restarted"}[operation]
    ]
    if operation == "skip":
        # The new task finds that its step is done, and a user can still clear it.
        skipped = Instances(api.database).get(UUID(instance)).state.steps["long"]
        assert skipped.generation == tasks("long")["long"][1]


def test_i5_a_paused_dag_is_said(api: Api) -> None:
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session
    from sqlalchemy import update

    instance = started(api)
    moved(api, instance, fail)
    end_run("long")
    client = api.as_role("user")
    with create_session() as session:
        session.execute(update(DagModel).where(DagModel.dag_id == "long").values(is_paused=True))
    problem(client.post(f"instances/{instance}/retry"), 409, "workflow-paused")
    with create_session() as session:
        session.execute(update(DagModel).where(DagModel.dag_id == "long").values(is_paused=False))
    assert client.post(f"instances/{instance}/retry").status_code == 200


def test_i5_nothing_is_kept_where_airflow_does_not_clear(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_workflow_provider.airflow_db import clearing

    instance = started(api)
    moved(api, instance, fail)
    end_run("long")

    def broken(*_: Any, **__: Any) -> None:
        message = "no"
        raise RuntimeError(message)

    monkeypatch.setattr(clearing, "clear_task_instances", broken)
    client = api.as_role("user")
    before = client.get(f"instances/{instance}").json()
    problem(client.post(f"instances/{instance}/retry"), 500, "internal-error")
    assert client.get(f"instances/{instance}").json() == before
    assert [run.state for run in runs("long")] == ["failed"]


def test_i5_the_newest_version_must_be_loaded(api: Api) -> None:
    from airflow_workflow_provider.model.validate import validate_document
    from airflow_workflow_provider.store.definitions import Definitions

    instance = started(api)
    moved(api, instance, fail)
    end_run("long")
    newer = {**LONG, "version": "1.1.0"}
    Definitions(api.database).publish(validate_document(newer).accepted(), newer)
    client = api.as_role("user")
    answer = client.post(f"instances/{instance}/retry", json={"version": "newest"})
    problem(answer, 409, "workflow-not-loaded")
    assert int(answer.headers["Retry-After"]) > 0
    same = client.post(f"instances/{instance}/retry")
    assert (same.status_code, same.json()["version"]) == (200, "1.0.0")


def test_p5_a_child_whose_parent_does_not_wait_is_refused(api: Api) -> None:
    from airflow_workflow_provider.instances.session import Parent

    instance = started(api)
    moved(api, instance, fail)
    end_run("long")
    parent = Parent("00000000-0000-0000-0000-000000000001", "", "call", 1, 1, 1).to_json()
    with Instances(api.database).locked(UUID(instance)) as record:
        record.state.instance.parent = parent
        record.save()
    problem(api.as_role("user").post(f"instances/{instance}/retry"), 409, "parent-not-waiting")


def test_who_may_only_read_operates_nothing(api: Api) -> None:
    instance = started(api)
    viewer = api.as_role("viewer")
    assert viewer.get(f"instances/{instance}").json()["operations"] == []
    for operation in ("suspend", "resume", "cancel", "retry", "restart"):
        problem(viewer.post(f"instances/{instance}/{operation}"), 403, "forbidden")
    problem(viewer.post("instances/bulk", json={"operation": "cancel", "filter": {}}), 403, "forbidden")
    named: dict[str, Any] = {"operation": "cancel", "filter": {"workflowId": "long"}}
    problem(viewer.post("instances/bulk", json=named), 403, "forbidden")
    named["filter"]["workflowId"] = "unheard-of"
    assert viewer.post("instances/bulk", json=named).status_code in (403, 404)


def test_i5_many_are_looked_at_first_and_then_operated(api: Api) -> None:
    ids = [started(api) for _ in range(5)]
    moved(api, ids[0], fail)
    client = api.as_role("user")
    wanted = {"operation": "suspend", "filter": {"workflowId": "long"}, "reason": "night"}
    would = client.post("instances/bulk", json={**wanted, "dryRun": True}).json()
    outcomes = {each["instanceId"]: (each["outcome"], each["code"]) for each in would["items"]}
    assert outcomes == {ids[0]: ("refused", "instance-over"), **dict.fromkeys(ids[1:], ("would", None))}
    assert {client.get(f"instances/{each}").json()["status"] for each in ids[1:]} == {"running"}
    first = client.post("instances/bulk", json={**wanted, "limit": 2}).json()
    assert [each["outcome"] for each in first["items"]] == ["done", "done"]
    rest = client.post("instances/bulk", json={**wanted, "after": first["next"]}).json()
    assert ([each["outcome"] for each in rest["items"]], rest["next"]) == (["done", "done", "refused"], None)
    again = client.post("instances/bulk", json={**wanted, "filter": {"workflowId": "long", "status": ["suspended"]}})
    assert {each["outcome"] for each in again.json()["items"]} == {"unchanged"}
    assert len(again.json()["items"]) == 4
    later = {**wanted, "filter": {"startedFrom": "2999-01-01T00:00:00Z"}}
    assert client.post("instances/bulk", json=later).json() == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"operation": "explode", "filter": {}}, "/operation"),
        ({"operation": "cancel"}, "/filter"),
        ({"operation": "cancel", "filter": {"status": ["happy"]}}, "/filter/status/0"),
        ({"operation": "cancel", "filter": {}, "limit": 1000}, "/limit"),
        ({"operation": "skip", "filter": {}}, ""),
        ({"operation": "cancel", "filter": {}, "reason": "x" * 1001}, "/reason"),
    ],
)
def test_what_bulk_cannot_read_is_said(api: Api, body: dict[str, Any], pointer: str) -> None:
    found = problem(api.as_role("admin").post("instances/bulk", json=body), 422, "bad-request")
    assert [each["pointer"] for each in found["diagnostics"]] == [pointer]


UNDONE = workflow(
    step("reserve", "noop", compensation={"taskId": "noop"}),
    step("pay", "noop", compensation={"taskId": "noop"}),
    step("ship", "noop"),
    workflowId="undone",
    onFailure={"action": "stop", "compensate": True},
)


def paid(machine: Machine) -> None:
    now = datetime.now(UTC)
    for step_id in ("reserve", "pay"):
        machine.begin("", step_id, "r", now)
        machine.succeed("", step_id, "r", {}, now)


def test_f7_a_cancelled_instance_owes_its_compensations_until_they_are_run(api: Api) -> None:
    instance = started(api, UNDONE)
    moved(api, instance, paid)
    client = api.as_role("user")
    problem(client.post(f"instances/{instance}/compensate"), 409, "not-failed")
    cancelled = client.post(f"instances/{instance}/cancel").json()
    assert (cancelled["status"], cancelled["compensationsOwed"]) == ("failed", 2)
    assert "compensate" in cancelled["operations"]
    assert "instance.compensationOwed" in [
        row["event"] for row in client.get(f"instances/{instance}/log").json()["items"]
    ]
    for owed, expected in (("true", [instance]), ("false", [])):
        found = client.get("instances", params={"workflowId": "undone", "compensationOwed": owed}).json()["items"]
        assert [each["id"] for each in found] == expected
    assert client.get(f"instances/{instance}/view").json()["compensationsOwed"] == 2

    answer = client.post(f"instances/{instance}/compensate", json={"reason": "refund"}).json()

    assert (answer["status"], answer["compensationsOwed"]) == ("running", 0)
    assert actions(client, instance)[-1] == ("instance.compensationStarted", "api", "refund")
    found = tasks("undone")
    # The task in which they run is to run, and one before it leads there; no step runs again.
    assert found["fail.on_failure"][0] is None
    states = {found[step_id][0] for step_id in ("reserve", "pay", "ship")}
    assert states <= {"skipped", "failed", "upstream_failed", "success"}
    assert not states.isdisjoint({"failed", "upstream_failed"})
    problem(client.post(f"instances/{instance}/compensate"), 409, "not-failed")


def test_f7_compensations_that_are_owed_are_run_although_the_run_was_deleted(api: Api) -> None:
    instance = started(api, UNDONE)
    moved(api, instance, paid)
    client = api.as_role("user")
    assert client.post(f"instances/{instance}/cancel").json()["compensationsOwed"] == 2
    end_run("undone")
    vanish()

    answer = client.post(f"instances/{instance}/compensate", json={"reason": "refund"})

    assert answer.status_code == 200, answer.text
    assert (answer.json()["status"], answer.json()["compensationsOwed"]) == ("running", 0)
    (run,) = runs("undone")
    assert (run.run_id, run.state) == (answer.json()["runId"], "queued")
    done: list[tuple[str, str]] = []

    def compensate(machine: Machine) -> None:
        now = datetime.now(UTC)
        while ready := machine.ready(now):
            each = ready[0]
            done.append((each.step_id, machine.begin(each.scope, each.step_id, "new", now).action))
            machine.succeed(each.scope, each.step_id, "new", {}, now)

    moved(api, instance, compensate)
    assert done == [("pay", "run"), ("reserve", "run")]
    ended = client.get(f"instances/{instance}").json()
    assert (ended["status"], ended["error"]["type"], ended["compensationsOwed"]) == ("failed", "Cancelled", 0)
    problem(client.post(f"instances/{instance}/compensate"), 409, "nothing-owed")


def test_f7_without_compensations_there_is_nothing_to_run(api: Api) -> None:
    instance = started(api)
    moved(api, instance, fail)
    end_run("long")
    client = api.as_role("user")
    assert client.get(f"instances/{instance}").json()["compensationsOwed"] == 0
    problem(client.post(f"instances/{instance}/compensate"), 409, "nothing-owed")


def test_f7_many_instances_that_owe_can_be_compensated_at_once(api: Api) -> None:
    instance = started(api, UNDONE)
    moved(api, instance, paid)
    client = api.as_role("user")
    client.post(f"instances/{instance}/cancel")
    body = {"operation": "compensate", "filter": {"workflowId": "undone", "compensationOwed": True}}
    (row,) = client.post("instances/bulk", json={**body, "dryRun": True}).json()["items"]
    assert (row["instanceId"], row["outcome"]) == (instance, "would")
    (row,) = client.post("instances/bulk", json=body).json()["items"]
    assert row["outcome"] == "done"
    assert client.post("instances/bulk", json=body).json()["items"] == []
