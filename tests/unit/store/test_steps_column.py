"""What the column ``steps`` of ``workflow_definitions`` holds fits its published schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_workflow_provider.model.validate import validate_document
from airflow_workflow_provider.store.heads import steps_column
from tests.conformance.cases import load_cases
from tests.support.documents import step, workflow
from tests.support.stored import check_stored_steps

ROOT = Path(__file__).parents[3]
EXAMPLES = [file for file in sorted((ROOT / "examples").rglob("*.json")) if "steps" in json.loads(file.read_text())]


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_the_steps_of_every_example_fit(file: Path) -> None:
    check_stored_steps(steps_column(json.loads(file.read_text(encoding="utf-8"))["steps"]))


@pytest.mark.parametrize("case", load_cases(), ids=lambda case: case.name)
def test_the_steps_of_every_valid_conformance_case_fit(case: Any) -> None:
    if not case.expect.get("refused"):
        check_stored_steps(steps_column(case.document["steps"]))


def test_what_a_document_calls_null_is_left_out_but_not_of_arguments() -> None:
    inner, item = (step(name, arguments={"a": None, "b": [None]}, name=None) for name in ("inner", "item"))
    document = workflow(
        step(
            "a",
            description=None,
            arguments={"keep": None, "deep": {"keep": None}},
            next=[{"nextStepId": "b", "condition": None}],
            timeout=None,
            onFailure={
                "action": "continue",
                "nextStepId": None,
                "errorHandler": {"conditions": [{"errorType": "*", "errorCode": None, "nextStepId": "b"}]},
            },
            retryPolicy={"maxAttempts": 2, "maxDelay": None},
            parallelBranches=[{"branchId": "x", "steps": [inner]}],
        ),
        step("b", retryPolicy=[], next=None, onFailure=None),
        step("c", forEach={"items": {"type": "jmespath", "expression": "[]"}, "steps": [item]}),
    )
    assert [each.code for each in validate_document(document).errors] == []

    first, second, third = steps_column(document["steps"])
    check_stored_steps([first, second, third])
    assert first["arguments"] == {"keep": None, "deep": {"keep": None}}
    assert first["next"] == [{"nextStepId": "b"}]
    assert first["retryPolicy"] == {"maxAttempts": 2}
    assert first["parallelBranches"][0]["steps"][0]["arguments"] == {"a": None, "b": [None]}
    assert second["retryPolicy"] == {"maxAttempts": 1}
    assert third["forEach"]["steps"][0]["arguments"] == {"a": None, "b": [None]}
    assert not {"description", "timeout", "name"} & first.keys()


def test_a_timeout_is_a_duration_and_its_expression_stands_beside_it() -> None:
    expression = {"type": "jmespath", "expression": "input.limit"}
    first, second = steps_column([step("a", timeout="PT5S"), step("b", timeout=expression)])

    assert first == step("a", timeout="PT5S")
    assert second == step("b", computedTimeout=expression)
