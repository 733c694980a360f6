"""What users do in a running Airflow itself, and what the execution log says of it (rule L1)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from getpass import getuser
from typing import Any

import pytest

from airflow_workflow_provider.errors import NotFound, WorkflowsError
from airflow_workflow_provider.local.client import AirflowClient, poll
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.instances import Instance, Instances, instance_id
from airflow_workflow_provider.store.logs import LogRow, Logs
from tests.support.airflow import RunningAirflow
from tests.support.documents import step, workflow

pytestmark = [pytest.mark.daemons, pytest.mark.slow, pytest.mark.xdist_group("airflow-2")]

USERS = ("admin", "operator", "user", "viewer")
WORKFLOWS = (
    workflow(step("a", "fail", arguments={"type": "Broken"}), step("b"), workflowId="who.broken"),
    workflow(step("a", "wait", arguments={"duration": "PT1H"}), workflowId="who.waiting"),
)


class Users:
    """Airflow's public API, as each of its users."""

    def __init__(self, clients: dict[str, AirflowClient], database: Database) -> None:
        self._clients = clients
        self._database = database

    def __getitem__(self, name: str) -> AirflowClient:
        return self._clients[name]

    def until(self, workflow_id: str, run_id: str, *statuses: str) -> Instance:
        def look() -> Instance | None:
            try:
                found = Instances(self._database).get(instance_id(workflow_id, run_id))
            except NotFound:
                return None
            return found if found.status in statuses else None

        return poll(look, seconds=300, what=f"{run_id} of {workflow_id} to be {statuses}")

    def until_task(self, workflow_id: str, run_id: str, state: str) -> None:
        def look() -> bool | None:
            found = {each["task_id"]: each["state"] for each in self["admin"].task_instances(workflow_id, run_id)}
            return True if found["a"] == state else None

        poll(look, seconds=300, what=f"task a of {run_id} to be {state}")

    def log(self, instance: Instance, prefix: str) -> list[LogRow]:
        return [each for each in Logs(self._database).read(instance.id) if each.event.startswith(prefix)]

    def actions(self, instance: Instance, number: int) -> list[LogRow]:
        def look() -> list[LogRow] | None:
            found = self.log(instance, "airflow.")
            return found if len(found) >= number else None

        return poll(look, seconds=300, what=f"{number} user actions of {instance.id}")


@pytest.fixture(scope="module")
def users(running_airflow: RunningAirflow) -> Iterator[Users]:
    with ExitStack() as stack:
        clients = {name: stack.enter_context(running_airflow.environment.client(name)) for name in USERS}
        database = stack.enter_context(Database(running_airflow.workflows_url))
        for document in WORKFLOWS:
            clients["admin"].workflows("PUT", f"/definitions/{document['workflowId']}", json=document)
            clients["admin"].wait_for_dag(document["workflowId"], seconds=300)
        yield Users(clients, database)


def reported(rows: list[LogRow]) -> list[tuple[str, str, str | None, Any]]:
    return [
        (each.event, (each.actor or {})["name"], (each.data or {}).get("task"), (each.data or {})["via"])
        for each in rows
    ]


def test_l1_who_triggered_cleared_and_marked_in_airflow(users: Users) -> None:
    dag_id, run_id = "who.broken", "by-hand"
    users["user"].trigger(dag_id, {"n": 1}, run_id=run_id)
    instance = users.until(dag_id, run_id, "failed")
    # While a run still ends, its scheduler may undo what Airflow's API does to its tasks.
    users["admin"].wait_for_run(dag_id, run_id)
    task = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/a"
    with pytest.raises(WorkflowsError, match="403"):
        users["viewer"].request("PATCH", task, json={"new_state": "success"})

    clear = {"dry_run": False, "dag_run_id": run_id, "task_ids": ["a"], "include_downstream": True}
    users["operator"].request("POST", f"/dags/{dag_id}/clearTaskInstances", json={**clear, "note": "once more"})
    poll(
        lambda: True if len(users.log(instance, "instance.failed")) == 2 else None,
        seconds=300,
        what="the instance to fail again",
    )
    users["admin"].wait_for_run(dag_id, run_id)
    users["admin"].request("PATCH", task, json={"new_state": "success", "note": "paid by cheque"})
    users.until(dag_id, run_id, "completed")

    rows = users.actions(instance, 3)
    assert reported(rows) == [
        ("airflow.triggered", "user", None, "airflow"),
        ("airflow.cleared", "operator", "a", "airflow"),
        ("airflow.marked-success", "admin", "a", "airflow"),
    ]
    assert [each.message for each in rows] == [None, "once more", "paid by cheque"]
    assert [each.step_id for each in rows] == [None, "a", "a"]
    assert rows[1].data is not None
    assert rows[1].data["includeDownstream"] is True


def test_l1_who_marked_a_task_and_a_run_as_failed_in_airflow(users: Users) -> None:
    dag_id = "who.waiting"
    for run_id in ("task-failed", "run-failed"):
        users["operator"].trigger(dag_id, run_id=run_id)
    for run_id in ("task-failed", "run-failed"):
        users.until(dag_id, run_id, "running")
        users.until_task(dag_id, run_id, "deferred")
    users["user"].request(
        "PATCH", f"/dags/{dag_id}/dagRuns/task-failed/taskInstances/a", json={"new_state": "failed", "note": "too slow"}
    )
    users["user"].request("PATCH", f"/dags/{dag_id}/dagRuns/run-failed", json={"state": "failed"})

    by_task = users.until(dag_id, "task-failed", "failed")
    by_run = users.until(dag_id, "run-failed", "failed")
    first, second = users.actions(by_task, 2), users.actions(by_run, 2)
    assert reported(first)[1] == ("airflow.marked-failed", "user", "a", "airflow")
    assert first[1].message == "too slow"
    assert reported(second)[1] == ("airflow.run-marked", "user", None, "airflow")
    assert (second[1].data or {})["newState"] == "failed"


def test_l1_who_triggered_by_airflow_s_command_line(users: Users, running_airflow: RunningAirflow) -> None:
    running_airflow.environment.run_airflow("dags", "trigger", "who.waiting", "--run-id", "by-cli")
    (row,) = users.actions(users.until("who.waiting", "by-cli", "running"), 1)
    assert reported([row]) == [("airflow.triggered", getuser(), None, "airflow")]
    users["admin"].request("PATCH", "/dags/who.waiting/dagRuns/by-cli", json={"state": "failed"})
