"""Runs that Airflow triggered with integers that its protocol between processes has no room for (rule E4)."""

from __future__ import annotations

from uuid import UUID

import pytest

from airflow_workflow_provider.airflow_db.dag_runs import start_run
from airflow_workflow_provider.listeners.dag_runs import REFUSER, on_dag_run_running
from airflow_workflow_provider.operations.ended_run import UncarriedRun
from airflow_workflow_provider.operations.uncarried import fail_uncarried
from airflow_workflow_provider.store.instances import instance_id
from tests.support.api import Api, runs
from tests.support.documents import step, workflow

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]


def test_e4_a_run_whose_tasks_cannot_start_ends_and_its_instance_says_why(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.publish(workflow(step("a"), workflowId="uncarried"))
    for run_id, conf in (("long", {"n": {"of": [2**64]}}), ("short", {"n": 2**64 - 1})):
        start_run("uncarried", run_id, conf, user_name="ada")
    noted: list[UncarriedRun] = []
    monkeypatch.setattr(REFUSER, "add", noted.append)
    for run in runs("uncarried"):
        on_dag_run_running(run, "started")
    assert [(each.run_id, each.triggered_by) for each in noted] == [("long", "ada")]

    assert fail_uncarried(noted[0], api.database)
    assert not fail_uncarried(noted[0], api.database)

    assert {run.run_id: str(run.state) for run in runs("uncarried")} == {"long": "failed", "short": "queued"}
    id_of_run: UUID = instance_id("uncarried", "long")
    found = api.as_role("op").get(f"instances/{id_of_run}").json()
    assert (found["status"], found["error"]["type"], found["error"]["code"]) == (
        "failed", "ValidationError", "integer-too-long"
    )  # fmt: skip
    assert [each["pointer"] for each in found["error"]["details"]["errors"]] == ["/n/of/0"]
