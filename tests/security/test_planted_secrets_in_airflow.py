"""No planted secret is readable in what a running Airflow keeps, but where the docs say so (rule L4)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, Text, cast, column, func, select, table, text

from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.store.database import Database
from tests.fixtures.airflow import RunningAirflow
from tests.fixtures.documents import step, workflow
from tests.fixtures.scenarios import Scenario, Scenarios
from tests.integration.api.test_secrets import GIVEN, SCHEMA, readable_in

pytestmark = [pytest.mark.daemons, pytest.mark.slow, pytest.mark.xdist_group("airflow")]

WHOLE = {"type": "jsonata", "expression": "'Refused: ' & $string(input)"}
DOCUMENT = workflow(
    step("copy", "set", arguments={"all": {"type": "jmespath", "expression": "input"}}),
    step("told", "fail", arguments={"message": WHOLE}, onFailure={"action": "continue"}),
    step("rendered", "fail", arguments={"message": "{{ workflow.input }}"}, onFailure={"action": "continue"}),
    step("last", "fail", arguments={"message": WHOLE}),
    workflowId="planted.running",
    inputSchema=SCHEMA,
    executionLog={"level": "debug", "redact": ['"p redacted".*.pin']},
)
CLEAR = {("workflow_instances", "input"), ("workflow_instances", "state"), ("dag_run", "conf")}
"""What ``docs/security.md`` says is kept as it is."""


def test_l4_no_planted_secret_is_readable_in_tables_task_logs_or_answers(running_airflow: RunningAirflow) -> None:
    client = running_airflow.client
    with Database(running_airflow.workflows_url) as database:
        Scenarios(client, database, running_airflow.scripts).publish([Scenario("planted.running", DOCUMENT)])
        client.wait_for_dag("planted.running", seconds=120)
        instance = client.workflows("POST", "/definitions/planted.running/instances", json={"input": GIVEN})["id"]

        def look() -> bool | None:
            return client.workflows("GET", f"/instances/{instance}")["status"] == "failed" or None

        poll(look, seconds=240, what="the end of the instance")
        kept = dict(_columns(database))
    with Database(running_airflow.environment.metadata_url()) as metadata:
        kept |= _columns(metadata)
    found = {place: readable_in(value) for place, value in kept.items() if place not in CLEAR}
    places = ["", "/view", "/log", *(f"/steps/{name}" for name in ("copy", "told", "rendered", "last"))]
    with running_airflow.environment.client("operator") as operator:
        answers = {place: operator.workflows("GET", f"/instances/{instance}{place}") for place in places}
    for place, answer in answers.items():
        found[("API", place)] = readable_in(json.dumps(answer)) + readable_in(json.dumps(answer, ensure_ascii=False))
    logs = _task_logs(running_airflow)
    assert len(logs) >= 4
    found.update({("log", path.parent.name): readable_in(path.read_text(encoding="utf-8")) for path in logs})
    assert readable_in(kept["workflow_instances", "input"])
    assert readable_in(kept["dag_run", "conf"])
    assert {place: traces for place, traces in found.items() if traces} == {}


def _columns(database: Database) -> list[tuple[tuple[str, str], str]]:
    """Every column of every table of ours and of Airflow's, as one text each."""
    with database.begin() as connection:
        found = connection.execute(
            text("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'")
        ).all()
        columns = [(str(of), str(name)) for of, name in found]
        return [(place, "\n".join(map(str, connection.execute(_texts(*place)).scalars()))) for place in columns]


def _texts(of: str, name: str) -> Select[Any]:
    return select(cast(func.to_jsonb(column(name)), Text)).select_from(table(of))


def _task_logs(running_airflow: RunningAirflow) -> list[Path]:
    folder = running_airflow.scripts.parent
    return [path for path in folder.rglob("attempt=*.log") if "dag_id=planted.running" in str(path)]
