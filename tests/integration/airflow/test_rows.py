"""The tasks ``read`` and ``write``, run by Airflow in this process: in a loop, and as tasks of their own (rule K6)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.airflow.test_dag_runs import cel
from tests.support.dag_runs import Workflows
from tests.support.documents import step

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]


def jmespath(expression: str) -> dict[str, Any]:
    return {"type": "jmespath", "expression": expression}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    allowed = {"read": [f"file://{tmp_path}/in/"], "write": [f"file://{tmp_path}/out/"]}
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__ALLOWED_FOLDERS", json.dumps(allowed))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "orders.csv").write_text("id,amount\n" + "".join(f"o-{n},{n}\n" for n in range(5)))
    return tmp_path


def written(folder: Path) -> dict[str, list[Any]]:
    return {
        file.name: [json.loads(line) for line in file.read_text().splitlines()]
        for file in sorted((folder / "out").rglob("*.jsonl"))
    }


def test_k6_a_loop_processes_a_file_batch_by_batch(workflows: Workflows, folder: Path) -> None:
    double = step("double", "set", arguments={"id": cel("item.id"), "twice": cel("int(item.amount) * 2")})
    place = {"assign": {"place": jmespath("output.next")}}
    again = {"next": [{"nextStepId": "read", "condition": "variables.place != null"}, {"nextStepId": "end"}]}

    ran = workflows.run(
        step(
            "read",
            "read",
            arguments={"file": f"file://{folder}/in/orders.csv", "batch": 2, "after": jmespath("variables.place")},
            **place,
        ),
        step("each", forEach={"items": jmespath("steps.read.output.items"), "steps": [double]}),
        step(
            "save",
            "write",
            arguments={"folder": f"file://{folder}/out", "items": jmespath("steps.each.output.items")},
            **again,
        ),
    )

    assert (ran.state, ran.instance.status, ran.instance.error) == ("success", "completed", None)
    results = [{"id": f"o-{n}", "twice": n * 2} for n in range(5)]
    assert written(folder) == {
        "00000001.jsonl": results[:2],
        "00000002.jsonl": results[2:4],
        "00000003.jsonl": results[4:],
    }
    assert ran.instance.output["file"].endswith(f"/{ran.instance.id}/save/00000003.jsonl")


def test_k6_a_step_that_reads_is_an_airflow_task_and_a_broken_row_its_error(workflows: Workflows, folder: Path) -> None:
    (folder / "in" / "broken.csv").write_text("id,amount\no-1,1\no-2\n")
    broken = step("b", "read", arguments={"file": f"file://{folder}/in/broken.csv"}, onFailure={"action": "continue"})

    ran = workflows.run(
        step(
            "a",
            "read",
            arguments={"file": f"file://{folder}/in/orders.csv"},
            output=jmespath("{n: length(output.items)}"),
        ),
        broken,
        step("c", "set", arguments={"line": cel("steps.b.error.details.line"), "n": cel("data.n")}),
    )

    assert (ran.instance.status, ran.instance.output) == ("completed", {"line": 3, "n": 5})
    assert ran.steps == {"a": "completed", "b": "failed", "c": "completed"}
