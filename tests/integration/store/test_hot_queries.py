"""What is read of one instance or one workflow walks an index, however many instances there are."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from airflow_workflow_provider.store.causes import Causes
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.filtering import InstanceFilter
from airflow_workflow_provider.store.instances import Instances
from airflow_workflow_provider.store.jsonpath import parse_condition
from airflow_workflow_provider.store.listing import InstanceList
from airflow_workflow_provider.store.logs import Logs
from airflow_workflow_provider.store.overview import Overviews
from airflow_workflow_provider.store.retention import Retention
from airflow_workflow_provider.store.statistics import Statistics
from airflow_workflow_provider.store.views import Views
from tests.support.many import BEGAN, fill, instance

pytestmark = pytest.mark.postgres

MANY = int(os.environ.get("INSTANCES", "20000"))
ROWS = 3
"""Rows of the log of each instance."""

MOST_READ = 500
GROWING = {"workflow_instances", "workflow_execution_logs"}
ONE = instance(MANY // 2)
LATE = BEGAN + timedelta(minutes=MANY) - timedelta(hours=1)
"""An hour before the newest instance started."""


@pytest.fixture(scope="module")
def filled(module_database_url: str) -> Iterator[Database]:
    database = Database(module_database_url, retry_for=5, statement_timeout=600)
    fill(database, MANY, ROWS)
    yield database
    database.close()


@contextmanager
def statements(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """Collect the statements on our tables that are executed meanwhile, with their parameters."""
    found: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if any(name in statement for name in GROWING):
            found.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def looked_at(plan: dict[str, Any]) -> int:
    """Return how many rows or index entries of the growing tables a plan has looked at."""
    here = 0
    if plan.get("Relation Name") in GROWING and plan["Node Type"] != "ModifyTable":
        removed = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
        here = (plan["Actual Rows"] + removed) * plan["Actual Loops"]
    return int(here) + sum(looked_at(part) for part in plan.get("Plans", ()))


def scans(plan: dict[str, Any]) -> list[str]:
    """Return the growing tables that a plan reads as a whole."""
    here = [str(plan["Relation Name"])] if plan["Node Type"] == "Seq Scan" and plan["Relation Name"] in GROWING else []
    return here + [name for part in plan.get("Plans", ()) for name in scans(part)]


def explained(database: Database, statement: str, parameters: Any) -> dict[str, Any]:
    with database.engine.connect() as connection:
        found = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).scalar_one()
        connection.rollback()
    plan: dict[str, Any] = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return plan


READS: dict[str, Callable[[Database], object]] = {
    "an instance": lambda database: Instances(database).get(ONE),
    "an instance under its lock": lambda database: Instances(database).update(ONE, lambda _: None),
    "which instances have ended": lambda database: Instances(database).ended([ONE]),
    "the mark of an instance": lambda database: Views(database).mark(ONE),
    "what happened": lambda database: Views(database).happenings(ONE),
    "the rows of a step": lambda database: Views(database).rows_of_step(ONE, "s1", limit=100),
    "the log": lambda database: Logs(database).read(ONE),
    "the newest rows of the log": lambda database: Logs(database).read(ONE, after_id=MANY, level="error"),
    "a page of all": lambda database: InstanceList(database).page(),
    "a page of a correlation id": lambda database: InstanceList(database).page(InstanceFilter(correlation_id="c7")),
    "a page of what is suspended": lambda database: InstanceList(database).page(InstanceFilter(statuses=["suspended"])),
    "a page of what a user has started": lambda database: InstanceList(database).page(
        InstanceFilter(started_by="user7")
    ),
    "a page of an error": lambda database: InstanceList(database).page(InstanceFilter(error_type="Error1")),
    "a page of an error of a step": lambda database: InstanceList(database).page(
        InstanceFilter(error_type="Error1", error_step_id="s1", workflow_id="busy")
    ),
    "a page of an hour": lambda database: InstanceList(database).page(InstanceFilter(started_from=LATE)),
    "a page by a text in an hour": lambda database: InstanceList(database).page(
        InstanceFilter(search="C77", started_from=LATE)
    ),
    "a page by input in an hour": lambda database: InstanceList(database).page(
        InstanceFilter(input=[parse_condition('$.customer.id == "c77"')], started_from=LATE)
    ),
    "the oldest that wait": lambda database: InstanceList(database).page(
        InstanceFilter(display_statuses=["suspended", "waiting"]), limit=5, oldest=True
    ),
    "the causes of an hour": lambda database: Causes(database).of(InstanceFilter(started_from=LATE)),
    "the numbers of an hour": lambda database: InstanceList(database).counts(InstanceFilter(started_from=LATE)),
    "the hours of a workflow": lambda database: Statistics(database).buckets(
        InstanceFilter(workflow_id="busy", started_from=LATE), "hour", origin=BEGAN
    ),
    "the durations of an hour": lambda database: Statistics(database).durations(InstanceFilter(started_from=LATE)),
    "the overview": lambda database: Overviews(database).of(["busy", "rare", "empty"], since=LATE),
    "what has expired, where nothing has": lambda database: Retention(database, "P1D").purge(BEGAN),
}


@pytest.mark.parametrize("what", READS)
def test_it_reads_little(filled: Database, what: str) -> None:
    with statements(filled) as found:
        READS[what](filled)
    assert found
    for statement, parameters in found:
        plan = explained(filled, statement, parameters)
        assert (scans(plan), looked_at(plan) <= MOST_READ) == ([], True), (statement, looked_at(plan))
