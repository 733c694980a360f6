"""The workflow database is away, or takes no writes, while tasks run: nothing is lost, done twice, or failed for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from airflow_workflow_provider import settings
from airflow_workflow_provider.dag.builder import build_dag
from airflow_workflow_provider.local.postgres import PostgresServer
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.instances import Instance, Instances, instance_id
from airflow_workflow_provider.store.logs import Logs
from airflow_workflow_provider.tasks.registry import REGISTRY, workflow_task
from tests.support.airflow import AirflowInProcess

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

Json = dict[str, Any]


@dataclass
class Outages:
    """Runs workflows whose step ``work`` takes the database away for a moment, as its work ends."""

    airflow: AirflowInProcess
    server: PostgresServer
    database: Database
    spool: Path
    seconds: float = 1.5
    calls: list[str] = field(default_factory=list)
    spooled: list[int] = field(default_factory=list)

    def run(self, *steps: Json, **more: Any) -> Instance:
        """Run a workflow to its end."""
        document = {"workflowId": "w", "name": "W", "version": "1.0.0", "steps": list(steps), **more}
        definition = parse_definition(document)
        published = Definitions(self.database).publish(definition, document)
        run = self.airflow.run(build_dag(definition, {}, revision=published.revision))
        return Instances(self.database).get(instance_id(run.dag_id, run.run_id))

    def begin(self) -> None:
        """Take no writes for some seconds, and end what is connected."""
        name = sql.Identifier(str(make_url(self.database.url).database))
        self._change("ALTER DATABASE {} SET default_transaction_read_only = on", name)
        ended = "SELECT count(pg_terminate_backend(pid))::text FROM pg_stat_activity WHERE datname = %s"
        self.server.ask(ended, [str(self.database.url.database)])
        again = threading.Timer(
            self.seconds, self._change, ("ALTER DATABASE {} RESET default_transaction_read_only", name)
        )
        looking = threading.Timer(self.seconds / 2, lambda: self.spooled.append(len(list(self.spool.glob("*.result")))))
        for timer in (again, looking):
            timer.start()

    def _change(self, statement: str, name: sql.Identifier) -> None:
        self.server.administer(sql.SQL(statement).format(name))


@pytest.fixture
def outages(
    airflow_in_process: AirflowInProcess,
    postgres_server: PostgresServer,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Outages]:
    # So short that what waits in its process has to wait several times.
    monkeypatch.setattr(settings, "SHORT_WAIT", 0.2)
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__SPOOL_FOLDER", str(tmp_path / "spool"))
    monkeypatch.setattr(REGISTRY, "_tasks", dict(REGISTRY._tasks), raising=False)
    made = Outages(airflow_in_process, postgres_server, Database(database_url), tmp_path / "spool")

    @workflow_task("outage")
    def outage(step_input: Json) -> Json:  # noqa: ARG001
        made.calls.append("outage")
        made.begin()
        return {"paid": True}

    yield made
    made.database.close()


def step(step_id: str, task_id: str = "noop", **more: Any) -> Json:
    return {"stepId": step_id, "taskId": task_id, **more}


def events(outages: Outages, instance: Instance) -> list[str]:
    return [row.event for row in Logs(outages.database).read(instance.id)]


def test_i2_a_result_is_kept_until_it_can_be_stored(outages: Outages) -> None:
    found = outages.run(step("work", "outage"), step("after"))
    assert (found.status, found.error) == ("completed", None)
    assert outages.calls == ["outage"]
    assert found.state.steps["work"].output == {"paid": True}
    assert found.state.steps["work"].attempt == 1
    # While it could not be stored, it was on disk; now it is not.
    assert outages.spooled == [1]
    assert list(outages.spool.iterdir()) == []


def test_i2_so_it_is_in_a_loop(outages: Outages) -> None:
    again = [{"nextStepId": "work", "condition": "steps.after.visit < 2"}, {"nextStepId": "end"}]
    found = outages.run(step("work", "outage"), step("after", next=again))
    assert (found.status, found.error) == ("completed", None)
    assert outages.calls == ["outage", "outage"]
    assert found.state.steps["work"].visit == 2
    assert found.state.steps["work"].attempt == 1
    assert list(outages.spool.iterdir()) == []


@pytest.mark.usefixtures("airflow_metadata")
def test_airflow_waits_at_growing_delays_for_what_it_cannot_start() -> None:
    """A task that could not be sent, or whose DAG could not be loaded, has no code that could wait: Airflow does."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.serialization.serialized_objects import DagSerialization

    again = [{"nextStepId": "b", "condition": "steps.c.visit < 2"}, {"nextStepId": "d"}]
    steps = [step("a", onFailure={"action": "retry"}), step("b"), step("c", next=again), step("d")]
    document = {
        "workflowId": "w", "name": "W", "version": "1.0.0", "steps": steps,
        "onFailure": {"action": "stop", "compensate": True},
    }  # fmt: skip
    dag = DagSerialization.from_dict(DagSerialization.to_dict(build_dag(parse_definition(document), {}, revision=1)))
    patience, longest = timedelta(hours=12), timedelta(minutes=1)
    for task in dag.task_dict.values():
        if task.task_type == "EmptyOperator":
            continue
        found = TaskInstance(task, dag_version_id=None, run_id="r")
        found.end_date = datetime.now(UTC)
        delays = []
        for try_number in range(1, task.retries + 1):
            found.try_number = try_number
            delays.append(found.next_retry_datetime() - found.end_date)
        assert timedelta(seconds=1) <= delays[0] <= timedelta(seconds=2), task.task_id
        assert sum(delays[:7], timedelta()) > timedelta(seconds=60), task.task_id
        assert max(delays) == longest, task.task_id
        assert sum(delays, timedelta()) >= patience, task.task_id
