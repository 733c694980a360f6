"""Faults in a real Airflow: the workflow database away, a killed process, a task marked by hand, a cancelled order."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from airflow_workflow_provider.local.client import poll
from tests.integration.airflow.test_steering import DONE, SLEEP, definition
from tests.support.airflow import RunningAirflow
from tests.support.documents import step
from tests.support.scenarios import Scenario
from tests.support.steering import Steering

pytestmark = [pytest.mark.daemons, pytest.mark.slow, pytest.mark.xdist_group("airflow-3")]

Json = dict[str, Any]

UNDO: Json = {"compensation": {"taskId": "undo"}}
COMPENSATED: Json = {"onFailure": {"action": "stop", "compensate": True}}


@contextmanager
def changed(running: RunningAirflow, begin: str, end: str) -> Iterator[None]:
    """Change the workflow database for a while, and end its connections."""
    server, name = running.environment.postgres, str(make_url(running.workflows_url).database)

    def alter(what: str) -> None:
        server.administer(sql.SQL("ALTER DATABASE {} " + what).format(sql.Identifier(name)))

    alter(begin)
    server.ask("SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE datname = %s", [name])
    try:
        yield
    finally:
        alter(end)


def read_only(running: RunningAirflow) -> AbstractContextManager[None]:
    """Let the workflow database take no writes, as after a failover."""
    name = "default_transaction_read_only"
    return changed(running, f"SET {name} = on", f"RESET {name}")


def away(running: RunningAirflow) -> AbstractContextManager[None]:
    """Let nobody connect to the workflow database."""
    return changed(running, "ALLOW_CONNECTIONS false", "ALLOW_CONNECTIONS true")


def calls(running: RunningAirflow, instance: str) -> Json:
    return dict(json.loads((running.scripts / f"{instance}.calls").read_text()))


def compensated(found: Json) -> list[tuple[str, str]]:
    return [(each["stepId"], each["status"]) for each in found["error"]["details"]["compensated"]]


def test_i2_a_process_killed_while_its_result_waits_for_the_database_loses_nothing(
    running_airflow: RunningAirflow, steering: Steering
) -> None:
    document = definition(step("pay", "work"), step("after"))
    instance = steering.start(Scenario("fault.spool", document, mocks={"pay": [{**DONE, **SLEEP}]}))
    steering.wait_for_start(instance, "pay")
    process = running_airflow.scripts / f"{instance}.pid"
    poll(lambda: True if process.exists() else None, seconds=300, what="the work to begin")
    spool = running_airflow.environment.layout.home / "workflow-results"
    with read_only(running_airflow):
        poll(lambda: True if list(spool.glob("*.result")) else None, seconds=300, what="the result on disk")
        os.kill(int(process.read_text()), signal.SIGKILL)
    found = steering.ended(instance)
    assert found["state"]["steps"]["pay"]["output"] == {"done": True}
    assert calls(running_airflow, instance)["pay"] == 1
    assert "step.failed" not in [row["event"] for row in steering.log(instance)]
    assert list(spool.glob("*.result")) == []


def test_a_wait_that_is_due_during_an_outage_ends_late(running_airflow: RunningAirflow, steering: Steering) -> None:
    """And a worker that does not have the version on its disk waits for the database too."""
    document = definition(step("rest", "wait", arguments={"duration": "PT10S"}), step("after"))
    instance = steering.start(Scenario("fault.wait", document))
    steering.wait_for(instance, rest="deferred")
    about = steering.get(instance)
    with away(running_airflow):
        # The files of the dag-processor are here too; without its own Airflow would count the DAG as deleted.
        for file in running_airflow.environment.layout.bundles.rglob("versions/*/workflow-fault.wait.py"):
            file.unlink()

        def failed() -> bool | None:
            found = steering.airflow.task_instances(about["dagId"], about["runId"])
            return True if any(each["task_id"] == "rest" and each["try_number"] > 2 for each in found) else None

        poll(failed, seconds=200, what="tries to end without the database")
    steering.ended(instance)
    rows = [row for row in steering.log(instance) if row["stepId"] == "rest"]
    assert {row["attempt"] for row in rows} == {1}
    assert {"step.failed", "step.retrying"}.isdisjoint(row["event"] for row in rows)


def test_f7_a_task_marked_as_failed_manually_is_compensated_and_the_error_says_who(steering: Steering) -> None:
    document = definition(step("reserve", "work", **UNDO), step("ship", "work", **UNDO), **COMPENSATED)
    instance = steering.start(Scenario("fault.marked", document, mocks={"ship": [{**DONE, **SLEEP}]}))
    steering.wait_for_start(instance, "ship")
    about = steering.get(instance)
    path = f"/dags/{about['dagId']}/dagRuns/{about['runId']}/taskInstances/ship"
    steering.airflow.request("PATCH", path, json={"new_state": "failed"})
    found = steering.ended(instance, "failed")
    assert found["error"]["type"] == "MarkedFailed"
    assert compensated(found) == [("reserve", "completed")]
    assert found["compensationsOwed"] == 0


def test_f7_what_a_cancelled_instance_owes_is_compensated_once(steering: Steering) -> None:
    steps = (step("reserve", "work", **UNDO), step("pay", "work", **UNDO), step("ship", "work"))
    document = definition(*steps, **COMPENSATED)
    instance = steering.start(Scenario("fault.owed", document, mocks={"ship": [{**DONE, "sleep": 60}]}))
    steering.wait_for_start(instance, "ship")
    steering.do(instance, "cancel")
    assert steering.ended(instance, "failed")["compensationsOwed"] == 2
    assert steering.do(instance, "compensate", reason="refund")["status"] == "running"
    found = steering.ended(instance, "failed")
    assert found["error"]["type"] == "Cancelled"
    assert compensated(found) == [("pay", "completed"), ("reserve", "completed")]
    assert (found["compensationsOwed"], steering.refused(instance, "compensate")) == (0, "nothing-owed")
    assert steering.tasks(instance)["fail.on_failure"] == "success"
    began = [row["stepId"] for row in steering.log(instance) if row["event"] == "step.started"]
    assert began == ["reserve", "pay", "ship"]
