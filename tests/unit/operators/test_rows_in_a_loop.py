"""The loop of ``docs/batches.md`` with real files: killed at any call, it processes every row (rule K6)."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_workflow_provider.engine.calls import Call
from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.hosts.outcomes import Outcome
from airflow_workflow_provider.model.definition import WorkflowDefinition
from airflow_workflow_provider.model.reach import Policy
from airflow_workflow_provider.model.validate import validate_document
from airflow_workflow_provider.operators.builtin import STEP_CONTEXT, built_in_operator
from airflow_workflow_provider.tasks.calls import arguments_of, tasks_of
from airflow_workflow_provider.tasks.catalogue import Catalogue
from airflow_workflow_provider.tasks.registry import StepContext
from tests.conformance.hosts import InlineRun

PAGE = (Path(__file__).parents[3] / "docs" / "batches.md").read_text(encoding="utf-8")
DEFINITION, READ_SQL = (json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))
ROWS = 7
POLICY = Policy(
    connections=(("sql", ("warehouse",)),),
    folders=(("read", ("s3://partner@orders/",)), ("write", ("s3://partner@results/",))),
)


class Place:
    """A file of orders, and the loop that reads it in batches of three.

    :param steps: of another loop
    :ivar ran: how often each task ran for what
    """

    def __init__(self, folder: Path, steps: list[Any] | None = None) -> None:
        (folder / "in").mkdir()
        self.file, self.results = folder / "in" / "orders.jsonl", folder / "out"
        self.file.write_text("".join(f"{json.dumps(order(n))}\n" for n in range(ROWS)))
        document = json.loads(json.dumps({**DEFINITION, "steps": steps or DEFINITION["steps"]}))
        if steps is None:
            document["steps"][0]["arguments"]["batch"] = 3
        document["steps"][2]["arguments"]["folder"] = f"file://{self.results}/"
        for step in (*document["steps"], *document["steps"][1]["forEach"]["steps"]):
            if "retryPolicy" in step:
                step["retryPolicy"]["delay"] = "PT0S"
        definition = WorkflowDefinition.model_validate(document)
        self.graph = Graph.of(definition, tasks_of(definition, Catalogue()))
        self.ran: Counter[str] = Counter()

    def run(self, call: Call, _: datetime) -> Outcome:
        task = self.graph.tasks[call.task_id]
        arguments = arguments_of(task, call)
        self.ran[f"{call.task_id} {arguments.get('order', '')}".strip()] += 1
        context = {STEP_CONTEXT: StepContext("i", call.step_id, idempotency_key=call.idempotency_key)}
        return Outcome(built_in_operator(task.operator)(task_id="t", arguments=arguments).execute(context))

    def loop(self, **how: Any) -> InlineRun:
        return InlineRun(self.graph, {"file": f"file://{self.file}"}, self.run, **how)

    @property
    def written(self) -> list[Any]:
        files = sorted(self.results.rglob("*"))
        return [json.loads(line) for file in files if file.is_file() for line in file.read_text().splitlines()]


def order(n: int) -> dict[str, Any]:
    return {"id": f"o-{n}", "price": n + 1, "quantity": 2}


EXPECTED = [{"order": f"o-{n}", "total": (n + 1) * 2} for n in range(ROWS)]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    allowed = {"read": [f"file://{tmp_path}/in/"], "write": [f"file://{tmp_path}/out/"]}
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__ALLOWED_FOLDERS", json.dumps(allowed))
    return Place(tmp_path)


def test_the_definitions_of_the_page_are_valid() -> None:
    steps = [READ_SQL, *DEFINITION["steps"][1:]]
    for document in (DEFINITION, {**DEFINITION, "steps": steps}):
        assert list(validate_document(document, Catalogue(), policy=POLICY).diagnostics) == []


def test_k6_every_row_is_processed_once_and_the_state_has_one_batch(place: Place) -> None:
    sizes: list[int] = []

    found = place.loop(check=lambda state: sizes.append(json.dumps(state).count('"price"'))).to_end()

    assert (found.status, found.error) == ("completed", None)
    assert place.written == EXPECTED
    assert [place.ran["read"], place.ran["write"]] == [3, 3]
    # A row is in the output of `read`, in the working document, among the items, and bound in its own steps.
    assert max(sizes) <= 3 * 4


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("lost", range(ROWS + 9))
def test_k6_killed_at_any_call_no_stored_row_runs_again(place: Place, lost: int, done: bool) -> None:
    run = place.loop(lost=lost, done=done)

    found = run.to_end()

    assert (found.status, found.error) == ("completed", None)
    assert place.written == EXPECTED
    again = {name: number for name, number in place.ran.items() if name not in ("read", "write", "noop")}
    assert sorted(again) == sorted(f"set o-{n}" for n in range(ROWS))
    # Only the one call that was killed after its work has run twice.
    assert sum(place.ran.values()) == ROWS + 9 + (1 if done else 0)


def test_k6_a_file_that_changes_between_two_batches_ends_the_loop(place: Place) -> None:
    def change(_: Any) -> None:
        if place.ran["write"] == 1 and place.ran["read"] == 1:
            place.file.write_text("".join(f"{json.dumps(order(n))}\n" for n in range(ROWS + 1)))

    found = place.loop(check=change).to_end()

    assert found.status == "failed"
    assert (found.error or {}).get("code") == "file-changed"
    assert place.written == EXPECTED[:3]
