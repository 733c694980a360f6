"""The fixture that runs DAGs in the test's own process."""

from __future__ import annotations

import pytest

from tests.support.airflow import AirflowInProcess

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]


def test_a_dag_runs_in_this_process(airflow_metadata: AirflowInProcess) -> None:
    from airflow.sdk import DAG, task

    with DAG("in-process", schedule=None) as dag:

        @task
        def one() -> int:
            return 1

        @task
        def two(number: int) -> None:
            assert number == 1

        two(one())

    run = airflow_metadata.run(dag, {"amount": 1})

    assert airflow_metadata.states(run) == {"one": "success", "two": "success"}
    assert run.state == "success"
    assert run.conf == {"amount": 1}
