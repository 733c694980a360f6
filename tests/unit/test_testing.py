"""The pytest fixture that users get for their own tests."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from airflow_workflow_provider.errors import InvalidDefinition, Misuse
from airflow_workflow_provider.testing import WorkflowSimulator

ORDER = {
    "workflowId": "order",
    "name": "Order",
    "version": "1.0.0",
    "steps": [
        {
            "stepId": "check",
            "taskId": "credit",
            "next": [
                {"nextStepId": "approve", "condition": "output.score > 5"},
                {"nextStepId": "refuse"},
            ],
        },
        {"stepId": "approve", "taskId": "noop"},
        {"stepId": "refuse", "taskId": "noop"},
    ],
}
CREDIT = {"taskId": "credit", "name": "Credit", "operator": "http", "arguments": {"path": "/credit"}}


def test_mocks_decide_the_path(workflow_simulator: WorkflowSimulator) -> None:
    run = workflow_simulator(ORDER, {"amount": 1}, mocks={"credit": [{"output": {"score": 9}}]}, tasks=[CREDIT])
    assert (run.status, run.steps, run.warnings) == ("completed", ["check", "approve"], [])


def test_a_task_without_a_mock_returns_nothing_and_is_reported(workflow_simulator: WorkflowSimulator) -> None:
    run = workflow_simulator(ORDER, tasks=[CREDIT])
    assert run.error is not None
    assert run.error["type"] == "ExpressionError"
    assert "'credit'" in run.warnings[0]


def test_a_mock_for_a_step_that_does_not_exist_is_refused(workflow_simulator: WorkflowSimulator) -> None:
    with pytest.raises(Misuse, match="neither a step nor a task") as caught:
        workflow_simulator(ORDER, mocks={"aprove": [{"output": {}}]}, tasks=[CREDIT])
    assert caught.value.code == "unknown-mock"
    assert "approve" in (caught.value.suggestion or "")


@pytest.mark.parametrize(
    "outcomes",
    [[], {}, [{}], [{"output": 1, "error": {}}], [{"error": {"typ": "X"}}], [{"output": 1, "duration": "1h"}]],
)
def test_a_malformed_mock_is_refused_with_its_place(workflow_simulator: WorkflowSimulator, outcomes: object) -> None:
    with pytest.raises(Misuse, match="check") as caught:
        workflow_simulator(ORDER, mocks={"check": outcomes}, tasks=[CREDIT])
    assert caught.value.pointer is not None
    assert caught.value.pointer.startswith("/check")


def test_an_invalid_definition_is_refused(workflow_simulator: WorkflowSimulator) -> None:
    with pytest.raises(InvalidDefinition):
        workflow_simulator({**ORDER, "steps": []})


def test_a_file_will_do_and_time_is_virtual(workflow_simulator: WorkflowSimulator, tmp_path: Path) -> None:
    path = tmp_path / "wait.json"
    path.write_text(
        '{"workflowId": "w", "name": "w", "version": "1.0.0", "steps":'
        ' [{"stepId": "wait", "taskId": "wait", "arguments": {"duration": "P30D"}}]}',
        encoding="utf-8",
    )
    run = workflow_simulator(path, now=datetime(2026, 1, 1, tzinfo=UTC))
    assert run.state["steps"]["wait"]["completedAt"].startswith("2026-01-31T00:00:00")
