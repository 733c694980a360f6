"""Rule F3: what takes longer than a timeout that only alerts is reported once, whoever looks and however many."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text

from airflow_workflow_provider.api.services import Services
from airflow_workflow_provider.engine.alerts import is_overdue, overdue_in
from airflow_workflow_provider.engine.failure import timestamp
from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.suspension import suspend
from airflow_workflow_provider.instances.session import InstanceSession, Run
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.alerts import Alerts
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.instances import Instances
from airflow_workflow_provider.store.logs import Logs
from airflow_workflow_provider.workers.alerts import Alerter
from tests.support.documents import step, workflow

pytestmark = pytest.mark.postgres

NOW = datetime.now(UTC)
LATE = {"timeout": "PT10S", "onTimeout": "alert"}
NOTIFIERS = {"pager": {"class": "x.Y", "on": ["overdue"]}, "others": {"class": "x.Y"}}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database(database_url, retry_for=20) as database:
        yield database


class Slow:
    """A published workflow whose step began a minute ago and takes its time."""

    def __init__(self, database: Database, **more: Any) -> None:
        document = workflow(step("a", **more.pop("step", LATE)), step("b"), **more)
        definition = parse_definition(document)
        self.database = database
        self.revision = Definitions(database).publish(definition, document).revision
        self.graph = Graph.of(definition)
        self.run = Run("workflow", "r")
        self.began = NOW - timedelta(minutes=1)
        self.change(lambda machine: machine.begin("", "a", "r", self.began))

    def session(self) -> InstanceSession:
        instances = Instances(self.database)
        return InstanceSession(self.graph, self.revision, self.run, instances=instances, clock=lambda: self.began)

    def change(self, work: Any) -> Any:
        return self.session().change(work)

    def alerter(self, database: Database | None = None) -> Alerter:
        database = database or self.database
        return Alerter(Services(database, load_settings()).operation_context, database)

    def looked_at_by_two(self, url: str) -> int:
        """Let two api-servers look at the same moment; return how many reports they made together."""
        barrier = Barrier(2)

        def look(_: int) -> int:
            with Database(url) as own:
                alerter = self.alerter(own)
                barrier.wait()
                return alerter.work()

        with ThreadPoolExecutor(2) as pool:
            return sum(pool.map(look, range(2)))

    def log(self) -> list[str]:
        rows = Logs(self.database).read(self.run.instance_id, limit=100)
        return [row.event for row in rows if row.event.endswith(".overdue")]

    def notified(self) -> list[tuple[str, str]]:
        query = text("SELECT occasion, notifier FROM workflow_notifications ORDER BY id")
        return self.database.run(lambda connection: [tuple(row) for row in connection.execute(query)])


def test_f3_what_takes_longer_is_reported_once_by_two_api_servers(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__NOTIFIERS", json.dumps(NOTIFIERS))
    slow = Slow(database, settings={**LATE, "timeout": "PT20S"})
    assert slow.looked_at_by_two(database_url) == 1

    assert slow.log() == ["step.overdue", "instance.overdue"]
    assert slow.notified() == [("overdue", "pager")]
    assert slow.alerter().next_due() is None
    state = Instances(database).get(slow.run.instance_id).state
    assert overdue_in(state)["steps"][0]["step_id"] == "a"
    assert state.live_step("", "a") is not None, "it continues"
    slow.change(lambda machine: machine.succeed("", "a", "r", {}, NOW))
    assert overdue_in(Instances(database).get(slow.run.instance_id).state)["steps"] == []


def test_f3_what_ends_in_time_is_not_reported(database: Database) -> None:
    slow = Slow(database, step={"timeout": "P1D", "onTimeout": "alert"})
    due = slow.alerter().next_due()
    assert due is not None
    assert timedelta(0) < due < timedelta(days=1)
    assert slow.alerter().work() == 0

    slow.change(lambda machine: machine.succeed("", "a", "r", {}, NOW))

    assert slow.alerter().next_due() is None
    assert slow.log() == []


def test_f3_a_task_that_reports_its_end_first_reports_that_it_was_late(database: Database) -> None:
    slow = Slow(database)

    def end(machine: Machine) -> None:
        machine.expire(NOW)
        machine.succeed("", "a", "r", {}, NOW)

    slow.change(end)

    assert slow.log() == ["step.overdue"]
    assert slow.alerter().work() == 0


def test_f3_a_task_of_many_steps_reports_what_is_late_between_two_of_its_turns(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__NOTIFIERS", json.dumps(NOTIFIERS))
    slow = Slow(database)
    turns = slow.session().turns()
    with turns() as machine:
        assert list(machine.live())
    with turns() as machine:
        assert machine.expire(NOW)
    with turns() as machine:
        machine.succeed("", "a", "r", {}, NOW)

    assert slow.log() == ["step.overdue"]
    assert slow.notified() == [("overdue", "pager")]
    assert slow.alerter().work() == 0


def test_f3_a_deadline_is_reported_once_by_two_api_servers_also_while_the_instance_is_suspended(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__NOTIFIERS", json.dumps(NOTIFIERS))
    slow = Slow(database, settings={"deadline": "PT20S"}, step={})
    slow.change(lambda machine: suspend(machine, {"id": "ada"}, None, slow.began))
    assert slow.looked_at_by_two(database_url) == 1

    rows = [row.event for row in Logs(database).read(slow.run.instance_id, limit=100)]
    assert rows.count("instance.deadlineMissed") == 1
    assert slow.notified() == [("overdue", "pager")]
    assert slow.alerter().next_due() is None
    state = Instances(database).get(slow.run.instance_id).state
    assert is_overdue(state)
    assert overdue_in(state)["deadline"] == timestamp(slow.began + timedelta(seconds=20))


def test_i3_the_time_of_a_suspended_instance_does_not_pass(database: Database) -> None:
    slow = Slow(database, settings=LATE, step={})
    slow.change(lambda machine: suspend(machine, {"id": "ada"}, None, slow.began))

    assert slow.alerter().work() == 0
    assert slow.alerter().next_due() is None


def test_an_instance_that_cannot_be_read_does_not_stop_the_others(database: Database) -> None:
    slow = Slow(database)
    broken = text("UPDATE workflow_instances SET state = '{}'")
    database.run(lambda connection: connection.execute(broken))

    assert slow.alerter().work() == 0
    assert Alerts(database).due() == ()
