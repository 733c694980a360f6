"""Rule L3: each definition's retention, in batches, and nothing else is touched."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from airflow_workflow_provider.store import retention
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.instances import Instances, instance_id
from airflow_workflow_provider.store.logs import LogEntry, Logs
from airflow_workflow_provider.store.retention import Retention
from tests.support.store import document, new_instance, publish

pytestmark = pytest.mark.postgres

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)


def log_rows(database: Database, workflow_id: str, ages: list[timedelta], retention: str | None = None) -> Logs:
    more: dict[str, Any] = {} if retention is None else {"executionLog": {"retention": retention}}
    publish(database, document(workflow_id=workflow_id, **more))
    entries = [LogEntry("step.started", at=NOW - age) for age in ages]
    new = new_instance(dag_id=workflow_id, workflow_id=workflow_id, log=entries)
    Instances(database).open(new)
    return Logs(database)


def rows_left(database: Database, workflow_id: str) -> int:
    instance = Instances(database).get(instance_id(workflow_id, "run-1"))
    return len(Logs(database).read(instance.id))


def test_l3_each_definition_has_its_own_retention(database: Database) -> None:
    ages = [timedelta(days=1), timedelta(days=40), timedelta(days=100)]
    log_rows(database, "short", ages, "P30D")
    log_rows(database, "default", ages)
    log_rows(database, "long", ages, "P1Y")

    counted = Retention(database, "P90D").expired(NOW)
    assert {found.workflow_id: found.rows for found in counted} == {"short": 2, "default": 1, "long": 0}
    assert rows_left(database, "short") == 3

    removed = Retention(database, "P90D").purge(NOW)
    assert [(found.workflow_id, found.rows) for found in removed] == [("default", 1), ("long", 0), ("short", 2)]
    assert [rows_left(database, name) for name in ("short", "default", "long")] == [1, 2, 3]
    assert Instances(database).get(instance_id("short", "run-1")).state.steps == {}


def test_l3_months_are_counted_in_the_calendar(database: Database) -> None:
    log_rows(database, "monthly", [timedelta(days=31), timedelta(days=30)], "P1M")
    (cutoff,) = Retention(database, "P90D").cutoffs(NOW)
    assert cutoff.before == datetime(2026, 2, 28, 12, tzinfo=UTC)


def test_l3_an_endless_retention_keeps_everything(database: Database) -> None:
    log_rows(database, "ever", [timedelta(days=9_000)], "P9999Y")
    assert [found.rows for found in Retention(database, "P90D").purge(NOW)] == [0]


def test_l3_purge_works_in_batches_and_blocks_no_writer(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 10)
    log_rows(database, "busy", [timedelta(days=100)] * 25, "P30D")
    batches: list[int] = []

    def write_meanwhile(progress: retention.Expired) -> None:
        batches.append(progress.rows)
        with Instances(database).locked(Instances(database).get(instance_id("busy", "run-1")).id) as record:
            record.log([LogEntry("step.started", at=NOW)])

    (removed,) = Retention(database, "P90D").purge(NOW, write_meanwhile)
    assert batches == [10, 20, 25]
    assert removed.rows == 25
    assert rows_left(database, "busy") == 3


def test_l3_two_purges_at_once_remove_each_row_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 7)
    log_rows(database, "twice", [timedelta(days=100)] * 60, "P30D")
    with ThreadPoolExecutor(2) as pool:
        removed = list(pool.map(lambda _: Retention(database, "P90D").purge(NOW), range(2)))
    Retention(database, "P90D").purge(NOW)  # a purge that met the other's rows left them to it
    assert sum(found.rows for (found,) in removed) <= 60
    assert rows_left(database, "twice") == 0


def test_l3_one_walk_serves_all_workflows(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 8)
    names = [f"w{number}" for number in range(6)]
    for days, name in enumerate(names):
        log_rows(database, name, [timedelta(days=100 + days), timedelta(days=50 + days), timedelta(days=1)], "P30D")
    log_rows(database, "ever", [timedelta(days=9_000)], "P9999Y")
    asked: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        asked.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    removed = Retention(database, "P90D").purge(NOW)
    assert {found.workflow_id: found.rows for found in removed} == {**dict.fromkeys(names, 2), "ever": 0}
    assert sum("DELETE" in statement for statement in asked) == 2
    assert [rows_left(database, name) for name in (*names, "ever")] == [1] * 7
