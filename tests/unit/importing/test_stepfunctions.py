"""State machines become definitions that do what the Amazon States Language says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.imports import Case, check_case, imported
from tests.unit.importing.stepfunctions_cases import CASES, machine, task


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_goes_the_same_way_to_the_same_result(case: Case) -> None:
    check_case("stepfunctions", case)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("MaxConcurrency", -1),
        ("MaxConcurrency", "5"),
        ("MaxConcurrency", True),
        ("MaxConcurrency", 10**9),
        ("MaxConcurrencyPath", "$.l[?(@.a)]["),
        ("ToleratedFailureCount", 1.5),
        ("ToleratedFailurePercentage", 101),
        ("ToleratedFailurePercentage", "5%"),
        ("ToleratedFailurePercentage", None),
    ],
)
def test_numbers_that_cannot_be_used_are_left_to_do(field: str, value: Any) -> None:
    inner = machine("I", {"I": task("pay", End=True)})
    found = imported(
        "stepfunctions",
        machine("M", {"M": {"Type": "Map", "ItemsPath": "$.l", "ItemProcessor": inner, field: value, "End": True}}),
    )

    assert found.valid, found.as_json()
    todo = [entry for entry in found.conversion.entries if entry.result == "todo"]
    assert [(entry.construct, entry.source) for entry in todo] == [(field, f"/States/M/{field}")]


@pytest.mark.parametrize("field", ["MaxConcurrencyPath", "TimeoutSecondsPath", "ToleratedFailureCountPath"])
def test_paths_are_texts(field: str) -> None:
    found = imported("stepfunctions", machine("T", {"T": task("pay", End=True, **{field: 5})}))

    assert not found.valid
    assert [(entry.result, entry.source) for entry in found.conversion.entries] == [("refused", f"/States/T/{field}")]


def test_what_receives_or_gives_something_else_is_another_task() -> None:
    invoke = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "charge", "Payload.$": "$"},
        "ResultSelector": {"paid.$": "$.Payload.paid"},
        "Next": "C",
    }
    jobs = {
        name: {"Type": "Task", "Resource": f"arn:aws:states:::batch:submitJob{kind}", "Next": after}
        for name, kind, after in (("C", "", "D"), ("D", ".sync", "E"), ("E", ".waitForTaskToken", "F"))
    }
    end = {"Type": "Task", "Resource": "arn:aws:states:::glue:run.sync:2", "End": True}
    states = {"A": task("charge", Next="B"), "B": invoke, **jobs, "F": end}

    found = imported("stepfunctions", machine("A", states))

    assert found.complete, found.as_json()
    assert list(found.conversion.tasks) == [
        "lambda.charge",
        "lambda.invoke.charge",
        "batch.submitJob",
        "batch.submitJob.sync",
        "glue.run.sync-2",
    ]
