"""The control-flow patterns of ``docs/patterns.md`` run as the page says."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_workflow_provider.hosts.simulation import Simulation
from airflow_workflow_provider.model.validate import validate_document
from airflow_workflow_provider.tasks.catalogue import Catalogue
from airflow_workflow_provider.tasks.mocks import Simulator

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "patterns"
NAMES = sorted(file.stem for file in FOLDER.glob("*.json") if "." not in file.stem)

RUNS: list[tuple[str, dict[str, Any] | None, str, Any]] = [
    ("01-sequence", None, "receive check answer", {"done": True}),
    (
        "02-parallel-split",
        None,
        "order handle pack invoice mail",
        {"task": {}, "branches": {"ship": {"packed": "A-1"}, "bill": {"invoiced": "A-1"}, "thank": {"mailed": "A-1"}}},
    ),
    ("03-synchronization", None, "prepare pause invoice pack send", {"both": True}),
    ("04-exclusive-choice", {"amount": 20_000}, "check board", {"approver": "board"}),
    ("04-exclusive-choice", {"amount": 2_500}, "check manager", {"approver": "manager"}),
    ("04-exclusive-choice", {"amount": 10}, "check policy", {"approver": "policy"}),
    ("05-simple-merge", {"express": True}, "check express ship", {"shippedBy": "air"}),
    ("05-simple-merge", {"express": False}, "check standard ship", {"shippedBy": "sea"}),
    (
        "10-arbitrary-cycles",
        None,
        "draft review draft review shorten review publish",
        {"drafts": 2, "reviews": 3, "shortened": True},
    ),
    ("11-implicit-termination", {"needsAnswer": True}, "sort answer", {"answered": True}),
    ("11-implicit-termination", {"needsAnswer": False}, "sort file", {"filed": True}),
    (
        "12-multiple-instances-without-synchronization",
        {"orders": ["A", "B"]},
        "order mailAll close pause pause mail mail",
        {
            "task": {},
            "branches": {
                "mails": {"task": {}, "items": [{"mailed": "A"}, {"mailed": "B"}]},
                "work": {"closed": True},
            },
        },
    ),
    ("13-multiple-instances-known-at-design-time", None, "askThree ask ask ask compare", {"offers": 3}),
    ("14-multiple-instances-known-at-run-time", {"orders": []}, "packAll ship", {"shipped": 0}),
    ("14-multiple-instances-known-at-run-time", {"orders": ["A", "B"]}, "packAll pack pack ship", {"shipped": 2}),
    (
        "15-multiple-instances-not-known-before",
        {"pages": [{"orders": ["A", "B"]}, {"orders": []}, {"orders": ["C"]}]},
        "fetch handleBatch handle handle fetch handleBatch fetch handleBatch handle done",
        {"handled": ["A", "B", "C"]},
    ),
    (
        "16-deferred-choice",
        {"answerAfter": "PT1S"},
        "race awaitAnswer awaitDeadline answered process",
        {"outcome": "answered"},
    ),
    (
        "16-deferred-choice",
        {"answerAfter": "PT1H"},
        "race awaitAnswer awaitDeadline overdue remind",
        {"outcome": "reminded"},
    ),
    ("19-cancel-activity", None, "inquire decide", {"withoutAnswer": True, "because": "TimeoutError"}),
    (
        "20-cancel-case",
        {"blocked": False},
        "reserve deliver packing lookUp checkCustomer",
        {"task": {}, "branches": {"pack": {}, "check": {}}},
    ),
]


def document(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def run(name: str, input_data: Any) -> Simulation:
    result = validate_document(document(name), Catalogue())
    assert [(each.code, each.pointer) for each in result.diagnostics] == []
    return Simulator().run(result.accepted(), input_data or {}, now=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(("name", "input_data", "path", "output"), RUNS)
def test_the_pattern_runs_as_its_page_says(name: str, input_data: Any, path: str, output: Any) -> None:
    result = run(name, input_data)

    assert result.status == "completed"
    assert [line["stepId"] for line in result.path] == path.split()
    assert result.output == output


def test_20_the_whole_case_is_cancelled_and_undone() -> None:
    result = run("20-cancel-case", {"blocked": True})

    assert result.status == "failed"
    assert result.state["steps"]["packing"]["error"]["type"] == "Cancelled"
    assert result.error is not None
    assert result.error["details"]["compensated"] == [{"stepId": "reserve", "visit": 1, "status": "completed"}]


def test_every_pattern_is_run_and_on_the_page() -> None:
    page = (ROOT / "docs" / "patterns.md").read_text(encoding="utf-8")

    assert {name for name, *_ in RUNS} == set(NAMES)
    assert set(re.findall(r"examples/patterns/([\w-]+)\.json\)", page)) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_pattern_has_its_name_and_an_input_that_it_takes(name: str) -> None:
    file = FOLDER / f"{name}.input.json"

    assert document(name)["workflowId"] == f"pattern-{name}"
    run(name, json.loads(file.read_text(encoding="utf-8")) if file.exists() else {})


def test_every_number_of_the_twenty_is_reported() -> None:
    page = (ROOT / "docs" / "patterns.md").read_text(encoding="utf-8")

    assert {int(number) for number in re.findall(r"^\| (\d+) ", page, re.MULTILINE)} == set(range(1, 21))
