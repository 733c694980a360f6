"""No planted secret is readable in what a running Airflow keeps, but where the docs say so (rule L4)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.store.database import Database
from tests.integration.api.test_secrets import GIVEN, SCHEMA, readable_in
from tests.support.airflow import RunningAirflow
from tests.support.documents import step, workflow
from tests.support.kept import CLEAR, columns
from tests.support.scenarios import Scenario, Scenarios

pytestmark = [pytest.mark.daemons, pytest.mark.slow, pytest.mark.xdist_group("airflow-3")]

WHOLE = {"type": "jsonata", "expression": "'Refused: ' & $string(input)"}
STEPS = (
    step("copy", "set", arguments={"all": {"type": "jmespath", "expression": "input"}}),
    step("told", "fail", arguments={"message": WHOLE}, onFailure={"action": "continue"}),
    step("rendered", "fail", arguments={"message": "{{ workflow.input }}"}, onFailure={"action": "continue"}),
    step("last", "fail", arguments={"message": WHOLE}),
)


def _document(execution: str) -> dict[str, Any]:
    return workflow(
        *STEPS,
        workflowId=f"planted.{execution}",
        settings={"execution": execution},
        inputSchema=SCHEMA,
        executionLog={"level": "debug", "redact": ['"p redacted".*.pin']},
    )


DOCUMENTS = {f"planted.{execution}": _document(execution) for execution in ("tasks", "inline")}


def test_l4_no_planted_secret_is_readable_in_tables_task_logs_or_answers(running_airflow: RunningAirflow) -> None:
    client = running_airflow.client
    with Database(running_airflow.workflows_url) as database:
        Scenarios(client, database, running_airflow.scripts).publish([Scenario(*each) for each in DOCUMENTS.items()])
        instances = []
        for name in DOCUMENTS:
            client.wait_for_dag(name, seconds=300)
            instances.append(client.workflows("POST", f"/definitions/{name}/instances", json={"input": GIVEN})["id"])

        def look() -> bool | None:
            found = (client.workflows("GET", f"/instances/{each}")["status"] for each in instances)
            return all(status == "failed" for status in found) or None

        poll(look, seconds=240, what="the end of the instances")
        kept = columns(database)
    with Database(running_airflow.environment.metadata_url()) as metadata:
        kept |= columns(metadata)
    found = {place: readable_in(value) for place, value in kept.items() if place not in CLEAR}
    below = ["", "/view", "/log", *(f"/steps/{name}" for name in ("copy", "told", "rendered", "last"))]
    places = [f"/instances/{instance}{place}" for instance in instances for place in below]
    with running_airflow.environment.client("operator") as operator:
        answers = {place: operator.workflows("GET", place) for place in places}
    for place, answer in answers.items():
        found[("API", place)] = readable_in(json.dumps(answer)) + readable_in(json.dumps(answer, ensure_ascii=False))
    logs = _task_logs(running_airflow)
    assert len(logs) >= len(STEPS) + 1
    found.update({("log", str(path)): readable_in(path.read_text(encoding="utf-8")) for path in logs})
    assert readable_in(kept["workflow_instances", "input"])
    assert readable_in(kept["dag_run", "conf"])
    assert {place: traces for place, traces in found.items() if traces} == {}


def _task_logs(running_airflow: RunningAirflow) -> list[Path]:
    folder = running_airflow.scripts.parent
    return [path for path in folder.rglob("attempt=*.log") if "dag_id=planted." in str(path)]
