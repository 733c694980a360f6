"""Rule I2 on real connections: rows before steps, and no update that is lost."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from airflow_workflow_provider.engine.phases import StepStatus
from airflow_workflow_provider.engine.step_records import StepRecord
from airflow_workflow_provider.errors import Misuse, NotFound, StoreUnavailable
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.instances import Instances, Record, instance_id
from airflow_workflow_provider.store.logs import LogEntry, Logs
from airflow_workflow_provider.store.tables import workflow_instances
from tests.support.store import document, new_instance, publish, state

pytestmark = pytest.mark.postgres


@pytest.fixture
def instances(database: Database) -> Instances:
    publish(database, document())
    return Instances(database)


def count(database: Database) -> int:
    return database.run(lambda connection: connection.execute(select(func.count(workflow_instances.c.id))).scalar_one())


def lose_connection(record: Record, database: Database) -> None:
    backend = record.connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with Database(database.url, pooled=False).begin() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": backend})


def test_i2_open_is_idempotent(database: Database, instances: Instances) -> None:
    started = LogEntry("instance.started")
    new = new_instance(event={"id": "e"}, correlation_id="c", log=[started])
    first = instances.open(new)
    with instances.locked(first.id) as record:
        record.state.steps["a"] = StepRecord(status=StepStatus.RUNNING)
        record.save()

    again = instances.open(new_instance(input={"n": 2}, log=[started]))

    assert first.id == instance_id("order", "run-1") == again.id
    assert again.state.steps["a"].status == "running"
    assert (again.input, again.event, again.correlation_id) == ({"n": 1}, {"id": "e"}, "c")
    assert [row.event for row in Logs(database).read(first.id)] == ["instance.started"]
    assert instances.get(instance_id("order", "run-1")) == again


@pytest.mark.usefixtures("instances")
def test_i2_eight_starts_at_once_make_one_row(database_url: str, database: Database) -> None:
    barrier = Barrier(8)

    def start(number: int) -> tuple[Any, bool]:
        with Database(database_url) as own:
            barrier.wait(timeout=120)
            with Instances(own).locked(
                instance_id("order", "run-1"), lambda _: new_instance(input={"n": number}, log=[LogEntry("started")])
            ) as record:
                return record.stored.input, record.created

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(start, range(8)))

    assert count(database) == 1
    assert sum(created for _, created in results) == 1
    assert len({str(given) for given, _ in results}) == 1
    assert len(Logs(database).read(instance_id("order", "run-1"))) == 1


def test_i2_parallel_writers_lose_no_update(database_url: str, database: Database, instances: Instances) -> None:
    threads, rounds = 8, 15
    opened = instances.open(new_instance(state=state(variables={"counter": 0})))

    def write(number: int) -> None:
        def work(record: Record) -> None:
            record.state.variables["counter"] += 1
            record.state.data.setdefault(f"s{number}", []).append(record.state.variables["counter"])
            record.save()
            record.log([LogEntry("counted", data={"counter": record.state.variables["counter"]})])

        with Database(database_url) as own:
            for turn in range(rounds):
                if turn % 2:
                    Instances(own).update(opened.id, work)
                else:
                    with Instances(own).locked(opened.id) as record:
                        work(record)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(write, range(threads)))

    found = instances.get(opened.id).state
    assert found.variables["counter"] == threads * rounds
    assert sorted(number for name, counted in found.data.items() if name != "n" for number in counted) == list(
        range(1, 1 + threads * rounds)
    )
    # Ids of the log grow in the order in which the entries became visible.
    logged = [row.data["counter"] for row in Logs(database).read(opened.id) if row.data]
    assert logged == list(range(1, 1 + threads * rounds))


def test_i2_state_and_log_are_one_transaction(database: Database, instances: Instances) -> None:
    opened = instances.open(new_instance())

    def write_and_die(record: Record) -> None:
        record.state.steps["a"] = StepRecord()
        record.save()
        record.log([LogEntry("step.started", step_id="a")])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        instances.update(opened.id, write_and_die)
    assert instances.get(opened.id) == opened
    assert Logs(database).read(opened.id) == ()


def test_everything_that_a_record_can_change(instances: Instances) -> None:
    opened = instances.open(new_instance())
    now = datetime.now(UTC)
    with instances.locked(opened.id) as record:
        record.status, record.current_step_id, record.correlation_id = "failed", "check", "k"
        record.output, record.error = [1], {"type": "Cancelled"}
        record.completed_at, record.deadline_at = now, now + timedelta(hours=1)
        record.save()
    changed = instances.get(opened.id)
    assert (changed.status, changed.current_step_id, changed.correlation_id) == ("failed", "check", "k")
    assert (changed.output, changed.error) == ([1], {"type": "Cancelled"})
    assert (changed.completed_at, changed.deadline_at) == (now, now + timedelta(hours=1))
    assert changed.updated_at > opened.updated_at
    assert changed.started_at == opened.started_at


def test_i1_a_status_is_one_of_the_four(instances: Instances) -> None:
    opened = instances.open(new_instance())

    def cancel(record: Record) -> None:
        record.status = "cancelled"
        record.save()

    with pytest.raises(IntegrityError):
        instances.update(opened.id, cancel)


def test_what_does_not_exist_is_named(database: Database, instances: Instances) -> None:
    nobody = uuid4()
    with pytest.raises(NotFound, match=str(nobody)):
        instances.get(nobody)
    with pytest.raises(NotFound, match=str(nobody)), instances.locked(nobody):
        pass
    with pytest.raises(NotFound, match="no workflow 'ghost'"):
        instances.open(new_instance(workflow_id="ghost"))
    with pytest.raises(ValueError, match="expected"), instances.locked(nobody, lambda _: new_instance()):
        pass
    with pytest.raises(Misuse, match="300 characters"):
        instances.open(new_instance(correlation_id="x" * 300))
    assert count(database) == 0


def test_data_that_postgresql_cannot_store_loses_the_character_only(database: Database, instances: Instances) -> None:
    opened = instances.open(new_instance(input={"nul\x00": "\ud800 \\u0000"}, correlation_id="a\x00"))
    with instances.locked(opened.id) as record:
        record.state = state(data={"a": "\x00\x00é"})
        record.save()
        record.log([LogEntry("step", message="\x00", data={"x": "\x00"})])
    stored = instances.get(opened.id)
    assert stored.input == {"nul\ufffd": "\ufffd \\u0000"}
    assert stored.correlation_id == "a\ufffd"
    assert stored.state.data == {"a": "\ufffd\ufffdé"}
    assert [(row.message, row.data) for row in Logs(database).read(opened.id)] == [("\ufffd", {"x": "\ufffd"})]


def test_a_large_state_is_kept(instances: Instances) -> None:
    incompressible = {f"s{number}": {"output": {"text": os.urandom(500).hex()}} for number in range(1000)}
    opened = instances.open(new_instance())
    with instances.locked(opened.id) as record:
        record.state = state(data=incompressible)
        record.save()
    assert instances.get(opened.id).state.data == incompressible


def test_i2_a_lost_connection_is_retried_from_a_fresh_read(database: Database, instances: Instances) -> None:
    opened = instances.open(new_instance(state=state(variables={"counter": 0})))
    attempts = []

    def work(record: Record) -> int:
        attempts.append(record.state.variables["counter"])
        if len(attempts) < 3:
            lose_connection(record, database)
        record.state.variables["counter"] += 1
        record.save()
        return int(record.state.variables["counter"])

    assert instances.update(opened.id, work) == 1
    assert attempts == [0, 0, 0]


def test_a_body_of_locked_whose_connection_is_lost_changes_nothing(database: Database, instances: Instances) -> None:
    opened = instances.open(new_instance())

    def write_over_a_lost_connection() -> None:
        with instances.locked(opened.id) as record:
            lose_connection(record, database)
            record.state.steps["a"] = StepRecord()
            record.save()

    with pytest.raises(StoreUnavailable):
        write_over_a_lost_connection()
    assert instances.get(opened.id) == opened  # over a new connection


def test_a_republished_definition_does_not_wait_for_a_locked_instance(database: Database, instances: Instances) -> None:
    opened = instances.open(new_instance())
    with instances.locked(opened.id) as record:
        record.save()
        publish(database, document("2.0.0"))
    assert instances.get(opened.id).version == "1.0.0"
