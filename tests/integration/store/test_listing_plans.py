"""Lists of instances walk an index and stop after a page, however many instances there are."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from airflow_workflow_provider.errors import StoreUnavailable
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.filtering import InstanceFilter
from airflow_workflow_provider.store.jsonpath import parse_condition
from airflow_workflow_provider.store.listing import InstanceList, newest
from airflow_workflow_provider.store.statuses import STATUSES
from tests.support.store import document, publish

pytestmark = pytest.mark.postgres

MANY = int(os.environ.get("INSTANCES", "40000"))
PAGE = 51
MOST_READ = 5_000
"""Rows that a page may look at: a page of each status of some workflows, not a part of the table."""

FILL = """
    INSERT INTO workflow_instances (
        id, workflow_definition_id, workflow_id, version, revision, dag_id, run_id, status, input, state, started_at,
        correlation_id, current_step_id, parent_instance_id
    )
    SELECT
        gen_random_uuid(), d.id, d.workflow_id, '1.0.0', 1, d.workflow_id, 'r' || n,
        CASE WHEN n % 997 = 0 THEN 'suspended' WHEN n % 199 = 0 THEN 'failed' WHEN n % 97 = 0 THEN 'running'
        ELSE 'completed' END,
        '{}', '{}', timestamptz '2027-01-01' + n * interval '1 second', 'c' || n, 's' || n % 7, NULL
    FROM generate_series(1, :many) n
    JOIN workflow_definitions d ON d.workflow_id = CASE
        WHEN n < 300 THEN 'old' WHEN n % 10 = 0 THEN 'w' || n % 60 ELSE 'busy' END
"""

WORKFLOWS: list[dict[str, Any]] = [
    {},
    {"workflow_id": "busy"},
    {"workflow_id": "old"},
    {"workflow_id": "nobody"},
    {"workflow_ids": ["old"]},
    {"workflow_ids": ["old", "busy", "w10", "nobody"]},
    {"workflow_ids": []},
    {"workflow_id": "busy", "workflow_ids": ["old", "busy"]},
]
CHOSEN: list[dict[str, Any]] = [
    {}, *({"statuses": [status]} for status in STATUSES), {"statuses": ["suspended", "failed"]}, {"statuses": STATUSES},
]  # fmt: skip
FURTHER: list[dict[str, Any]] = [
    {},
    {"started_before": datetime(2027, 1, 1, 1, tzinfo=UTC)},
    {"started_from": datetime(2027, 1, 1, 1, tzinfo=UTC)},
    {"correlation_id": "c77"},
    {"parent_instance_id": UUID(int=7)},
]
FILTERS = [{**one, **other, **more} for one, other, more in product(WORKFLOWS, CHOSEN, FURTHER)]


@pytest.fixture(scope="module")
def filled(module_database_url: str) -> Database:
    database = Database(module_database_url, retry_for=5, statement_timeout=600)
    for name in ("busy", "old", *(f"w{number}" for number in range(0, 60, 10))):
        publish(database, document(workflow_id=name))
    with database.begin() as connection:
        connection.execute(text(FILL), {"many": MANY})
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE workflow_instances"))
    return database


def read_rows(plan: dict[str, Any]) -> int:
    """Return how many rows of the table, or entries of its indexes, a plan has looked at."""
    here = 0
    if plan.get("Relation Name") == "workflow_instances":
        removed = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
        here = (plan["Actual Rows"] + removed) * plan["Actual Loops"]
    return int(here) + sum(read_rows(part) for part in plan.get("Plans", ()))


def explained(database: Database, only: InstanceFilter) -> dict[str, Any]:
    with database.begin() as connection:
        statement = newest(only, None, PAGE).compile(database.engine)
        found = connection.exec_driver_sql(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", statement.construct_params()
        ).scalar_one()
    plan: dict[str, Any] = (json.loads(found) if isinstance(found, str) else found)[0]
    return plan


def test_every_list_reads_little(filled: Database) -> None:
    slow = []
    for given in FILTERS:
        plan = explained(filled, InstanceFilter(**given))
        if read_rows(plan["Plan"]) > MOST_READ:
            slow.append((given, read_rows(plan["Plan"]), plan["Execution Time"]))
    assert not slow


def test_pages_are_those_of_all_instances_in_order(filled: Database) -> None:
    """What is looked into apart is the same as the filter says, page by page."""
    for given in FILTERS:
        only = InstanceFilter(**given)
        found = InstanceList(filled)
        first = found.page(only, limit=40)
        counted = found.count_by_status(only)
        assert len(first.items) == min(40, sum(counted.values())), given
        if first.next is not None:
            both = found.page(only, limit=80).items
            assert (*first.items, *found.page(only, after=first.next, limit=40).items) == both, given
        starts = [each.started_at for each in first.items]
        assert starts == sorted(starts, reverse=True)
        wanted = given.get("workflow_ids")
        assert all(wanted is None or each.workflow_id in wanted for each in first.items)


def test_a_list_of_one_workflow_reads_a_page_where_it_read_the_whole_table(
    filled: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """The list of a workflow whose instances are the oldest, and the same without the indexes of lists."""
    now = explained(filled, InstanceFilter(workflow_id="old"))
    plain = "SELECT * FROM workflow_instances WHERE workflow_id = 'old' ORDER BY started_at DESC, id DESC LIMIT 51"
    with filled.engine.connect() as connection:
        for name in ("status_started", "workflow_status", "workflow"):
            connection.execute(text(f"DROP INDEX workflow_instances_{name}_idx"))
        found = connection.execute(text(f"EXPLAIN (ANALYZE, FORMAT JSON) {plain}")).scalar_one()
        connection.rollback()
    before = (json.loads(found) if isinstance(found, str) else found)[0]
    with capsys.disabled():
        print(f"\n{MANY} instances: {now['Execution Time']:.1f} ms, without indexes {before['Execution Time']:.1f} ms")
    assert read_rows(now["Plan"]) <= PAGE
    assert read_rows(before["Plan"]) > MANY // 2


def test_a_filter_that_looks_into_every_input_is_ended_by_the_time_limit(
    filled: Database, module_database_url: str
) -> None:
    """No index helps there: it reads the whole table, so it is the time limit of statements that bounds it."""
    nowhere = InstanceFilter(input=[parse_condition(f'$.a{n}."b"[3] == "nowhere"') for n in range(20)])
    with Database(module_database_url, retry_for=0, statement_timeout=0.002) as hurried:
        with pytest.raises(StoreUnavailable) as caught:
            InstanceList(hurried).page(nowhere)
        assert caught.value.code == "store-timeout"
        assert "statement_timeout" in str(caught.value.suggestion)
    # What was ended has harmed nothing, and with more time the answer comes.
    assert InstanceList(filled).page(nowhere).items == ()
