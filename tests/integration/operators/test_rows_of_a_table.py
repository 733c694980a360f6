"""The loop of ``docs/batches.md`` over the rows of a table on a real PostgreSQL (rule K6)."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from airflow_workflow_provider.local.configuration import connection_json
from tests.unit.operators.test_rows_in_a_loop import DEFINITION, READ_SQL, Place

pytestmark = pytest.mark.postgres

ROWS = 250


@pytest.fixture
def place(tmp_path: Path, empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Place:
    with psycopg.connect(empty_database_url.replace("+psycopg", "")) as connection:
        connection.execute("create table orders (id bigint primary key, amount int)")
        connection.execute("insert into orders select n * 3, n from generate_series(1, %s) as n", (ROWS,))
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", connection_json(empty_database_url))
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__ALLOWED_CONNECTIONS", '{"sql": ["warehouse"]}')
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__ALLOWED_FOLDERS", json.dumps({"write": [f"file://{tmp_path}/out/"]}))
    _, each, save = json.loads(json.dumps(DEFINITION["steps"]))
    each["forEach"]["steps"][0]["arguments"] = {"order": {"type": "jmespath", "expression": "item.id"}}
    return Place(tmp_path, [READ_SQL, each, save])


@pytest.mark.parametrize("lost", [None, 0, 101, 102, 103, 206])
def test_k6_a_loop_reads_a_table_after_the_last_key_of_the_batch_before(place: Place, lost: int | None) -> None:
    found = place.loop(lost=lost, done=True).to_end()

    assert (found.status, found.error) == ("completed", None)
    assert place.written == [{"order": n * 3} for n in range(1, ROWS + 1)]
    # Three batches, an empty one, and the call that was killed after its work.
    assert sum(place.ran.values()) == ROWS + 3 * 3 + 1 + (lost is not None)
