"""Rule I7 in a real Airflow: instances with one key run one after the other, in their order, however they started."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.instances import Instances, instance_id
from tests.support.airflow import RunningAirflow
from tests.support.documents import step
from tests.support.scenarios import Scenario
from tests.support.steering import SECONDS, Steering

pytestmark = [pytest.mark.daemons, pytest.mark.slow, pytest.mark.xdist_group("airflow-2"), pytest.mark.timeout(900)]

Json = dict[str, Any]

CUSTOMER = {"type": "jmespath", "expression": "input.customer"}
ONE = {"concurrency": {"limit": 1, "key": CUSTOMER}}
NEVER: Json = {"arguments": {"eventPattern": "never.comes"}}


def test_i7_those_that_wait_run_in_their_order(steering: Steering, running_airflow: RunningAirflow) -> None:
    document = {
        "name": "L",
        "version": "1.0.0",
        "steps": [step("hold", "receive", **NEVER), step("b")],
        "settings": ONE,
    }
    given = {"customer": 7}
    first = steering.start(Scenario("limits.one", document, input=given))
    second = steering.started("limits.one", given)
    # Airflow's own trigger knows nothing of the limit: the instance is stored when its first task runs.
    run_id = running_airflow.client.trigger("limits.one", given)["dag_run_id"]
    third = str(instance_id("limits.one", run_id))
    with Database(running_airflow.workflows_url) as database:

        def queued() -> bool | None:
            rows = database.run(
                lambda connection: connection.exec_driver_sql("SELECT id FROM workflow_instances").all()
            )
            return True if UUID(third) in {row.id for row in rows} else None

        poll(queued, seconds=SECONDS, what="the instance of the run that Airflow started")
        positions = [
            (steering.get(each)["displayStatus"], steering.get(each)["queuePosition"]) for each in (second, third)
        ]
        assert positions == [("queued", 1), ("queued", 2)]
        steering.wait_for(first, hold="deferred")
        for waiting in (second, third):
            steering.wait_for(waiting, hold="awaiting_input")
        for running, waiting in ((first, second), (second, third)):
            steering.do(running, "cancel", reason="enough")
            steering.wait_for(waiting, hold="deferred")
            found = [Instances(database).get(UUID(each)) for each in (running, waiting)]
            begun = found[1].state.steps["hold"].started_at
            assert begun is not None
            assert found[0].completed_at is not None
            assert begun >= found[0].completed_at.isoformat()
        steering.do(third, "cancel", reason="enough")
        steering.ended(third, "failed")
