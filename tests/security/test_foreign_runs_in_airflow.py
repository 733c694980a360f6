"""A real Airflow: a run that somebody made under the id of a sub-workflow's run is not taken for it (rule P5)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from airflow_workflow_provider.instances.run_conf import ABOUT
from airflow_workflow_provider.instances.session import Parent
from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.operators.child import run_id_of
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.instances import Instances, instance_id
from tests.support.airflow import RunningAirflow
from tests.support.documents import step, workflow
from tests.support.store import publish

pytestmark = [pytest.mark.daemons, pytest.mark.slow, pytest.mark.xdist_group("airflow-3")]

CHILD = workflow(step("give", "set", arguments={"approved": True}), workflowId="foreign-child")
PARENT = workflow(
    step("first", "wait", arguments={"duration": "PT10S"}),
    step("call", "workflow:foreign-child", arguments={"input": {}}),
    workflowId="foreign-parent",
)


def test_p5_the_result_of_somebody_elses_run_is_not_taken(running_airflow: RunningAirflow) -> None:
    airflow = running_airflow.client
    with Database(running_airflow.workflows_url) as database:
        publish(database, CHILD)
        publish(database, PARENT)
        for workflow_id in ("foreign-child", "foreign-parent"):
            airflow.wait_for_dag(workflow_id)
        started = airflow.workflows("POST", "/definitions/foreign-parent/instances", json={"input": {}})
        attempt = Parent(started["id"], "", "call", 1, 1, 1)
        forged: dict[str, Any] = {ABOUT: {"parent": attempt.to_json(), "startedBy": {"name": "admin"}}}
        airflow.trigger("foreign-child", forged, run_id=run_id_of(attempt))

        def ended() -> Any:
            found = Instances(database).get(UUID(started["id"]))
            return found if found.status in ("completed", "failed") else None

        found = poll(ended, seconds=300, what="the parent to end")
        assert found.status == "failed"
        assert found.error is not None
        assert (found.error["stepId"], found.error["code"]) == ("call", "run-not-ours")
        other = Instances(database).get(instance_id("foreign-child", run_id_of(attempt)))
        assert (other.parent_instance_id, other.state.instance.parent) == (None, None)
