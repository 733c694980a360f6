"""What runs on the deployment beside the examples, and how its end is waited for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

from airflow_workflow_provider.local.client import AirflowClient, RequestRefused, poll
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.instances import Instance, Instances
from airflow_workflow_provider.vocabulary import ProblemCode
from tests.celery.compose import ROOT

Json = dict[str, Any]

ENDED: Final = ("completed", "failed")
PATTERNS: Final = {
    "loop": "10-arbitrary-cycles",
    "items": "14-multiple-instances-known-at-run-time",
    "batches": "15-multiple-instances-not-known-before",
}
"""Workflows of the pages on patterns, by what they stand for."""


def _cel(expression: str) -> Json:
    return {"type": "cel", "expression": expression}


def _step(step_id: str, task_id: str = "noop", **more: Any) -> Json:
    return {"stepId": step_id, "taskId": task_id, **more}


SLEEP: Final[Json] = {
    "taskId": "sleep",
    "name": "Sleep",
    "description": "Occupies a worker",
    "operator": "airflow.providers.standard.operators.bash.BashOperator",
    "arguments": {"bash_command": "sleep {{ workflow.input.seconds }}"},
}


def _sleeping(workflow_id: str, **more: Any) -> Json:
    return {
        "workflowId": workflow_id,
        "name": workflow_id,
        "version": "1.0.0",
        "steps": [_step("work", "sleep", **more), _step("after")],
    }


def pinned(number: int) -> Json:
    """Return a version of a workflow that waits between two steps."""
    receive = {"eventPattern": "celery.go", "correlation": {"key": _cel("input.key")}}
    return {
        "workflowId": "celery.pinned",
        "name": "Waits between two steps",
        "version": f"{number}.0.0",
        "steps": [
            _step("first", "set", arguments={"number": number}),
            _step("wait", "receive", arguments=receive),
            _step(f"last{number}", "set", arguments={"number": number}),
        ],
    }


OWN: Final[tuple[Json, ...]] = (
    _sleeping("celery.retried", retryPolicy={"maxAttempts": 3, "delay": "PT1S"}),
    _sleeping("celery.once"),
    {
        "workflowId": "celery.parent",
        "name": "Runs another workflow",
        "version": "1.0.0",
        "steps": [_step("before"), _step("child", "workflow:celery.child"), _step("after")],
    },
    {"workflowId": "celery.child", "name": "Is run", "version": "1.0.0", "steps": [_step("only")]},
    {
        "workflowId": "celery.approved",
        "name": "Asks",
        "version": "1.0.0",
        "steps": [
            _step("decide", "approval", arguments={"subject": "Pay?", "assignees": {"users": ["operator"]}}),
            _step("pay"),
        ],
    },
    pinned(1),
)


def write(folder: Path, documents: Iterable[Json]) -> Path:
    """Write documents as files to be applied."""
    folder.mkdir(exist_ok=True)
    for each in documents:
        name = each.get("workflowId") or f"tasks-{each['taskId']}"
        (folder / f"{name}.json").write_text(json.dumps(each), encoding="utf-8")
    return folder


def pattern(kind: str) -> tuple[str, Json]:
    """Return the id of a workflow of the pages on patterns, and an input."""
    file = ROOT / "examples" / "patterns" / f"{PATTERNS[kind]}.json"
    given = file.with_suffix(".input.json")
    workflow_id: str = json.loads(file.read_text(encoding="utf-8"))["workflowId"]
    return workflow_id, json.loads(given.read_text(encoding="utf-8")) if given.exists() else {}


def start(client: AirflowClient, workflow_id: str, given: Mapping[str, Any], *, seconds: float = 300) -> UUID:
    """Start an instance and return its id; a request without an answer is sent again with the same key."""
    headers = {"Idempotency-Key": str(uuid4())}
    path, body = f"/definitions/{workflow_id}/instances", {"input": dict(given)}

    def ask() -> UUID | None:
        try:
            return UUID(client.workflows("POST", path, json=body, headers=headers)["id"])
        except RequestRefused as error:
            if error.code != ProblemCode.AIRFLOW_NOT_REACHABLE:
                raise
            return None

    return poll(ask, seconds=seconds, what=f"a start of {workflow_id}", interval=1)


def ends(url: str, ids: Iterable[UUID], *, seconds: float) -> list[Instance]:
    """Wait until instances have ended, however, and return them."""
    wanted = list(ids)
    with Database(url, retry_for=60, pooled=False) as database:

        def look() -> list[Instance] | None:
            found = [Instances(database).get(each) for each in wanted]
            return found if all(each.status in ENDED for each in found) else None

        return poll(look, seconds=seconds, what=f"the end of {len(wanted)} instances", interval=1)


def path_of(instance: Instance) -> list[str]:
    """Return the steps of an instance as they began, failed ones marked."""
    steps = sorted(instance.state.steps.items(), key=lambda each: each[1].started_at or "")
    return [f"{'!' if step.status == 'failed' else ''}{step_id}" for step_id, step in steps]


def answer_question(client: AirflowClient, instance: UUID, seconds: float) -> None:
    """Approve what an instance asks the client's user, as soon as it asks."""
    query = {"mine": "true", "instanceId": str(instance)}

    def look() -> str | None:
        found = client.workflows("GET", "/questions", params=query)["items"]
        return str(found[0]["id"]) if found else None

    question = poll(look, seconds=seconds, what="the question", interval=1)
    client.workflows("POST", f"/questions/{question}/answer", json={"decision": "approve"})
