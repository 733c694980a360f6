"""The sql task on a real PostgreSQL."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from airflow_workflow_provider.engine.values import json_object
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


def test_a_connection_to_the_workflow_database_runs_no_statement(
    warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tables are private, whatever the configuration allows."""
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", connection_json(warehouse).replace('"postgres"', '"workflows"', 1))
    with pytest.raises(StepFailure, match="is not an SQL connection but WorkflowsHook"):
        run("select 1")


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


@pytest.mark.usefixtures("warehouse")
@pytest.mark.parametrize("query", ["select 1 as a, 2 as a", "select * from (values (1)) x(a), (values (2), (3)) y(a)"])
def test_x5_a_column_that_would_get_lost_is_named(query: str) -> None:
    with pytest.raises(StepFailure, match="more than one column named 'a'; name them apart with AS") as caught:
        run(query)
    assert (caught.value.error_type, caught.value.details) == ("OutputError", {"columns": ["a"]})
    assert run(query, fetch="none")["rows"] == []


@pytest.mark.usefixtures("warehouse")
def test_x5_documents_of_a_database_are_json_that_can_be_kept_or_refused_with_their_place() -> None:
    query = """select '{"a": [1, 1.5, null], "a": {"b": 9007199254740993}}'::jsonb as j, '[0.1, 1e-400]'::json as t"""
    (row,) = run(query)["rows"]
    assert row == {"j": {"a": {"b": 9007199254740993}}, "t": [0.1, 0.0]}
    with pytest.raises(StepFailure) as caught:
        json_object(run("select '{\"a\": 1e400}'::jsonb as j"), max_bytes=10_000)
    assert caught.value.error_type == "OutputError"
    assert caught.value.details["errors"][0]["pointer"] == "/rows/0/j/a"
