"""The sql task on a real PostgreSQL."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.local.configuration import connection_json
from airflow_workflow_provider.operators.sql import SqlTaskOperator

pytestmark = pytest.mark.postgres


@pytest.fixture
def warehouse(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", connection_json(empty_database_url))
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__ALLOWED_CONNECTIONS", '{"sql": ["warehouse"]}')
    return empty_database_url


def run(sql: str, **arguments: Any) -> Any:
    return SqlTaskOperator(task_id="t", arguments={"connection": "warehouse", "sql": sql, **arguments}).execute({})


@pytest.mark.usefixtures("warehouse")
def test_k3_sql_returns_rows_as_json() -> None:
    query = "select n, n::numeric / 2 as half from generate_series(1, %(top)s) as n"
    found = run(query, parameters={"top": 2})
    assert found == {"rows": [{"n": 1, "half": 0.5}, {"n": 2, "half": 1}], "rowCount": 2}
    assert run(query, parameters={"top": 2}, fetch="one") == {"rows": [{"n": 1, "half": 0.5}], "rowCount": 1}
    assert run(query, parameters={"top": 0}) == {"rows": [], "rowCount": 0}
    assert run(query, parameters={"top": 2}, fetch="none") == {"rows": [], "rowCount": 2}
    with pytest.raises(StepFailure) as caught:
        run(query, parameters={"top": 3}, maxRows=2)
    assert caught.value.error_type == "OutputTooLarge"


@pytest.mark.usefixtures("warehouse")
def test_x5_numbers_that_json_does_not_have_are_texts() -> None:
    query = """select 'NaN'::float8 as a, '-Infinity'::float8 as b, 'Infinity'::numeric as c, 'NaN'::numeric as d,
        repeat('9', 5000)::numeric as e, array['NaN'::float8, 1.5] as f, 12345678901234567890::numeric as g"""
    (row,) = run(query)["rows"]
    assert (row["a"], row["b"], row["c"], row["d"]) == ("NaN", "-Infinity", "Infinity", "NaN")
    assert (row["e"], row["f"], row["g"]) == ("9" * 5000, ["NaN", 1.5], 12345678901234567890)
    json.dumps(row, allow_nan=False)


@pytest.mark.usefixtures("warehouse")
def test_k3_sql_that_writes_says_so() -> None:
    assert run("create table t (a int)", write=True)["rows"] == []
    assert run("insert into t values (%s), (%s)", parameters=[1, 2], write=True, fetch="none")["rowCount"] == 2
    assert run("update t set a = 3;", write=True) == {"rows": [], "rowCount": 2}
    returned = run("update t set a = a + 1 returning a", write=True, fetch="one")
    assert returned == {"rows": [{"a": 4}], "rowCount": 1}
    assert run("select count(*) as n from t where a = 4")["rows"] == [{"n": 2}]


@pytest.mark.usefixtures("warehouse")
def test_a_server_that_refuses_a_statement_fails_the_step() -> None:
    with pytest.raises(psycopg.Error, match="nowhere"):
        run("select * from nowhere")
