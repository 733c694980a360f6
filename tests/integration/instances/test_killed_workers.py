"""Inline instances whose workers are killed at any moment, or doubled: real processes and SIGKILL (rules F6, I2)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.instances import Instances, instance_id
from airflow_workflow_provider.store.logs import Logs
from tests.support.documents import step

pytestmark = pytest.mark.postgres

Json = dict[str, Any]

RETRY: Json = {"retryPolicy": {"maxAttempts": 1000}}


def some(step_id: str) -> Json:
    return step(step_id, "set", **RETRY)


STEPS = (
    some("a"),
    step(
        "p",
        parallelBranches=[
            {"branchId": "x", "steps": [some("io1"), some("io2")]},
            {"branchId": "y", "steps": [some("io3"), some("b")]},
            {"branchId": "z", "steps": [some("c"), some("d")]},
        ],
        **RETRY,
    ),
    step(
        "each",
        forEach={
            "items": {"type": "jmespath", "expression": "`[1, 2, 3, 4, 5, 6]`"},
            "maxConcurrency": 3,
            "steps": [some("io4")],
        },
        **RETRY,
    ),
    some("e"),
)
WORKED = {
    *{("", name) for name in ("a", "p", "each", "e")},
    *{("p/x", "io1"), ("p/x", "io2"), ("p/y", "io3"), ("p/y", "b"), ("p/z", "c"), ("p/z", "d")},
    *{(f"each[{item}]", "io4") for item in range(6)},
}
"""Where each step runs, once."""


def kill_workers(url: str, workers: int, kills: int, folder: Path) -> list[list[str]]:
    """Run instances whose workers are killed; return how the last workers of each ended."""
    document: Json = {"workflowId": "w", "name": "W", "version": "1.0.0", "steps": list(STEPS)}
    document["settings"] = {"execution": "inline"}
    with Database(url) as database:
        Definitions(database).publish(parse_definition(document), document)
    command = [sys.executable, "-m", "tests.support.inline_workers", str(kills), str(workers), "7", str(folder)]
    done = subprocess.run(command, input=f"{url}\n", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return [line.split() for line in done.stdout.splitlines()]


def check(url: str, run_id: str, folder: Path) -> int:
    """Check that what was stored stood and was not done again; return how often work was lost."""
    rows = [tuple(json.loads(line)) for line in (folder / run_id).read_text().splitlines()]
    with Database(url) as database:
        found: UUID = instance_id("w", run_id)
        stored, log = Instances(database).get(found), Logs(database).read(found)
    assert stored.status == "completed", stored.error
    completed = [row for row in log if row.event == "step.completed"]
    assert Counter((row.scope or "", row.step_id) for row in completed) == Counter(WORKED)
    # No attempt ran twice, and none after the one whose result was stored.
    assert max(Counter(rows).values()) == 1
    attempts: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for scope, step_id, visit, attempt in rows:
        attempts[scope, step_id].append((visit, attempt))
    last = {(row.scope or "", str(row.step_id)): (row.visit, row.attempt) for row in completed}
    assert {place: max(found) for place, found in attempts.items()} == last
    return len(rows) - len(last)


@pytest.mark.parametrize(("workers", "kills"), [(1, 50), (2, 20)], ids=["one", "two"])
def test_f6_workers_that_are_killed_at_random_lose_nothing_that_was_stored(
    database_url: str, workers: int, kills: int, tmp_path: Path
) -> None:
    """With two, both are given the same instance at one time, and one of them may be killed."""
    runs = kill_workers(database_url, workers, kills, tmp_path)
    assert len(runs) > 1
    assert sum(check(database_url, run_id, tmp_path) for run_id, *_ in runs) > 0
    if workers == 1:
        assert {code for _, *codes in runs for code in codes} == {"0"}
