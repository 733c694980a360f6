"""Workflows of Conductor become definitions that do what its documentation says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.imports import Case, check_case, imported
from tests.unit.importing.conductor_cases import CASES, task, workflow


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_goes_the_same_way_to_the_same_result(case: Case) -> None:
    check_case("conductor", case)


@pytest.mark.parametrize(
    ("given", "policy"),
    [
        ({}, {"maxAttempts": 4}),
        ({"retryLogic": "FIXED"}, {"maxAttempts": 4, "delay": "PT60S"}),
        ({"retryDelaySeconds": 0, "retryLogic": "LINEAR_BACKOFF"}, {"maxAttempts": 4}),
        (
            {"retryDelaySeconds": 5, "retryLogic": "LINEAR_BACKOFF"},
            {"maxAttempts": 4, "delay": "PT5S", "strategy": "linear"},
        ),
        (
            {
                "retryDelaySeconds": 5,
                "retryLogic": "LINEAR_BACKOFF",
                "backoffScaleFactor": 2,
                "maxRetryDelaySeconds": 25,
            },
            {"maxAttempts": 4, "delay": "PT10S", "strategy": "linear", "maxDelay": "PT25S"},
        ),
        (
            {"retryDelaySeconds": 5, "retryLogic": "EXPONENTIAL_BACKOFF", "backoffScaleFactor": 2},
            {"maxAttempts": 4, "delay": "PT5S", "strategy": "exponential"},
        ),
    ],
)
def test_delays_between_attempts(given: dict[str, Any], policy: dict[str, Any]) -> None:
    found = imported("conductor", workflow([task("t", retryCount=3, taskDefinition=given)]))

    assert found.complete, found.as_json()
    assert found.conversion.workflows[0]["steps"][0]["retryPolicy"] == policy


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("retryLogic", "SOMETIMES"),
        ("retryLogic", ["LINEAR_BACKOFF"]),
        ("backoffScaleFactor", 0),
        ("backoffScaleFactor", "2"),
        ("backoffScaleFactor", 1.5),
        ("backoffJitterMs", 500),
    ],
)
def test_delays_that_cannot_be_said_are_left_to_do(field: str, value: Any) -> None:
    given = {"retryDelaySeconds": 5, "retryLogic": "LINEAR_BACKOFF", field: value}
    found = imported("conductor", workflow([task("t", retryCount=3, taskDefinition=given)]))

    assert found.valid
    assert [entry.construct for entry in found.conversion.entries if entry.result == "todo"] == [field]


def test_a_task_and_a_workflow_that_are_selected_at_run_time_are_listed_by_a_person() -> None:
    given = {"taskToRun": "${workflow.input.kind}", "x": 1}
    found = imported(
        "conductor",
        workflow(
            [
                task("d", "DYNAMIC", dynamicTaskNameParam="taskToRun", inputParameters=given),
                task("s", "SUB_WORKFLOW", subWorkflowParam={"name": "${workflow.input.flow}"}),
            ]
        ),
    )

    chosen, flow = (step["taskId"] for step in found.conversion.workflows[0]["steps"])
    assert (chosen["oneOf"], chosen["select"]["expression"]) == (["d.chosen"], "input.kind")
    assert flow["select"]["expression"] == "join('', ['workflow:', to_string(input.flow)])"
    todo = [entry.message for entry in found.conversion.entries if entry.result == "todo"]
    assert [message.partition(":")[2].strip() for message in todo] == ["list them in oneOf"] * 2
