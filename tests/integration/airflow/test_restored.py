"""An instance that was restored from an older backup, in a real Airflow that knows more (rules I1, I2)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.tables import workflow_instances as instances
from tests.support.airflow import RunningAirflow
from tests.support.documents import step
from tests.support.scenarios import Scenario
from tests.support.steering import SECONDS, Steering

pytestmark = [pytest.mark.daemons, pytest.mark.slow, pytest.mark.xdist_group("airflow-2")]

Json = dict[str, Any]

# Airflow counts a task that continues on a busy machine as lost now and then; what is proved here is something else.
PATIENT = {"retryPolicy": {"maxAttempts": 5, "delay": "PT1S"}}
STEPS = [
    step("a", "work", **PATIENT),
    step("b", "work", **PATIENT),
    step("c", "set", arguments={"from": {"type": "cel", "expression": "steps.b.output.n"}}),
]


class Backup:
    """The row of one instance, of a database that others use too."""

    def __init__(self, airflow: RunningAirflow, instance: str) -> None:
        self._url, self._wanted = airflow.workflows_url, instances.c.id == UUID(instance)
        with Database(self._url) as database, database.begin() as connection:
            # What PostgreSQL computes of the others cannot be written.
            kept = [column for column in instances.c if column.name != "id" and column.computed is None]
            self._values = dict(connection.execute(select(*kept).where(self._wanted)).one()._mapping)

    @property
    def steps(self) -> dict[str, Any]:
        return dict(self._values["state"]["steps"])

    def restore(self) -> None:
        with Database(self._url) as database, database.begin() as connection:
            connection.execute(update(instances).where(self._wanted).values(**self._values))


def started(airflow: RunningAirflow, steering: Steering, name: str, sleep: float) -> tuple[str, Backup]:
    """Start an instance; return it with a backup from the time in which its first step ran."""
    mocks = {"a": [{"sleep": 6, "output": {"n": 1}}], "b": [{"sleep": sleep, "output": {"n": 2}}, {"output": {"n": 2}}]}
    document = {"name": "Restored", "version": "1.0.0", "steps": STEPS}
    steering.scenarios.publish([Scenario(name, document, mocks=mocks)])

    def attempt() -> tuple[str, Backup] | None:
        instance = steering.started(name)
        steering.wait_for_start(instance, "a")
        backup = Backup(airflow, instance)
        # On a busy machine the step may have ended before it was seen.
        return (instance, backup) if backup.steps["a"]["status"] == "running" else None

    return poll(attempt, seconds=SECONDS, what="a backup of an instance whose first step runs")


def suspended(steering: Steering, instance: str) -> None:
    """Wait until an instance is suspended, and its run waits at the first step that the instance does not know."""
    steering.wait_for(instance, a="awaiting_input")
    found = [row["data"]["found"] for row in steering.log(instance) if row["event"] == "instance.reconciled"]
    assert found == ["database-restored"]
    assert steering.get(instance)["status"] == "suspended"


def test_a_task_that_runs_while_its_instance_is_restored_makes_nothing_up(
    running_airflow: RunningAirflow, steering: Steering
) -> None:
    instance, backup = started(running_airflow, steering, "restored.running", sleep=8)
    steering.wait_for_start(instance, "b")
    backup.restore()
    suspended(steering, instance)
    assert "output" not in steering.get(instance)["state"]["steps"]["a"]
    steering.do(instance, "resume", reason="both steps may be repeated")
    assert steering.ended(instance)["output"] == {"from": 2}


def test_a_run_that_had_ended_starts_again_and_waits_for_a_decision(
    running_airflow: RunningAirflow, steering: Steering
) -> None:
    instance, backup = started(running_airflow, steering, "restored.ended", sleep=0)
    steering.ended(instance)
    backup.restore()
    suspended(steering, instance)
    steering.do(instance, "cancel", reason="it was done")
    assert steering.ended(instance, "failed")["error"]["type"] == "Cancelled"
