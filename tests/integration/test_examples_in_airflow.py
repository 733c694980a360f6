"""Every example, end to end: stored in PostgreSQL, started through Airflow's REST API, run by its scheduler."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from airflow_workflow_provider.cli.main import main
from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.local.configuration import connection_json
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.instances import Instance, Instances, instance_id
from tests.support.examples import CASES, EXAMPLES, NAMES, answer_all, assert_as_expected, read_input

SECONDS = 240

pytestmark = [pytest.mark.daemons, pytest.mark.xdist_group("airflow-ui"), pytest.mark.slow]


def make_shop(airflow: Any) -> None:
    """Make the database that nightly-report asks, and tell Airflow the connection to it."""
    airflow.environment.postgres.create_database("shop")
    url = airflow.environment.postgres.url("shop")
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute((EXAMPLES / "orders.sql").read_bytes())
    fields = json.loads(connection_json(url))
    airflow.client.request("POST", "/connections", json={"connection_id": "example_sql", **fields})


@pytest.fixture(scope="module")
def loaded(running_airflow: Any) -> Any:
    """The running Airflow with every example in it, and all instances started: they run beside each other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", connection_json(running_airflow.workflows_url))
        assert main(["apply", str(EXAMPLES)]) == 0
    make_shop(running_airflow)
    for name in NAMES:
        running_airflow.client.wait_for_dag(name, seconds=300)
    return running_airflow


@pytest.fixture(scope="module")
def started(loaded: Any) -> dict[str, str]:
    """The run of each case."""
    return {case: loaded.client.trigger(case.partition(".")[0], read_input(case))["dag_run_id"] for case in CASES}


def ended(airflow: Any, workflow_id: str, run_id: str) -> Instance:
    airflow.client.wait_for_run(workflow_id, run_id, seconds=SECONDS)
    with Database(airflow.workflows_url) as database:

        def look() -> Instance | None:
            found = Instances(database).get(instance_id(workflow_id, run_id))
            return found if found.status in ("completed", "failed") else None

        return poll(look, seconds=300, what=f"the end of {workflow_id}")


def test_every_example_has_a_case() -> None:
    assert {case.partition(".")[0] for case in CASES} == set(NAMES)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", CASES)
def test_an_example_runs_as_its_page_says(case: str, loaded: Any, started: dict[str, str]) -> None:
    workflow_id = case.partition(".")[0]

    answer_all(loaded.environment.client, workflow_id, started[case], seconds=SECONDS)

    assert_as_expected(case, ended(loaded, workflow_id, started[case]))
    assert loaded.client.run(workflow_id, started[case])["state"] == "success"


@pytest.mark.timeout(600)
def test_x6_an_input_that_the_schema_refuses_starts_nothing(loaded: Any) -> None:
    with pytest.raises(Misuse):
        loaded.client.trigger("order-approval", read_input("order-approval.refused"))


@pytest.mark.timeout(600)
def test_f2_a_payment_is_tried_again_with_the_same_key(
    loaded: Any, started: dict[str, str], example_server: Any
) -> None:
    instance = ended(loaded, "payment", started["payment"])

    keys = [headers["idempotency-key"] for _, path, headers, body in example_server.received if path == "/payments"]
    assert keys.count(str(instance.id)) == 3
    assert instance.state.steps["charge"].attempt == 3


@pytest.mark.timeout(600)
def test_l4_the_card_stands_in_no_log(loaded: Any, started: dict[str, str]) -> None:
    instance = ended(loaded, "payment", started["payment"])
    with Database(loaded.workflows_url) as database, database.begin() as connection:
        from sqlalchemy import text

        rows = connection.execute(
            text("select data::text from workflow_execution_logs where instance_id = :id"), {"id": instance.id}
        ).scalars()
        logged = "".join(row or "" for row in rows)

    assert "2026-0815" in logged
    assert "tok_visa" not in logged
