"""The sql task on a real PostgreSQL."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.local.configuration import connection_json
from airflow_workflow_provider.operators.builtin import SqlTaskOperator

pytestmark = pytest.mark.postgres


def run(arguments: dict[str, Any]) -> Any:
    return SqlTaskOperator(task_id="t", arguments=arguments).execute({})


def test_k3_sql_returns_rows_as_json(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", connection_json(database_url))
    query = {"connection": "warehouse", "sql": "select n, n::numeric / 2 as half from generate_series(1, %(top)s) as n"}
    found = run({**query, "parameters": {"top": 2}})
    assert found == {"rows": [{"n": 1, "half": 0.5}, {"n": 2, "half": 1}], "rowCount": 2}
    assert run({**query, "parameters": {"top": 2}, "fetch": "one"})["rows"] == [{"n": 1, "half": 0.5}]
    with pytest.raises(StepFailure) as caught:
        run({**query, "parameters": {"top": 3}, "maxRows": 2})
    assert caught.value.error_type == "OutputTooLarge"
    made = {"connection": "warehouse", "sql": "create table t (a int); insert into t values (1), (2)", "fetch": "none"}
    assert run(made)["rows"] == []
    assert run({"connection": "warehouse", "sql": "update t set a = 3"})["rowCount"] == 2
