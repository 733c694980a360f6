"""Rules K3 and E5: ``event`` and ``receive`` in a simulation, and the event that a step publishes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.tasks.events import event_of, published
from airflow_workflow_provider.testing import WorkflowSimulator

NOW = datetime(2027, 1, 31, 9, tzinfo=UTC)
ABOUT: dict[str, Any] = {
    "id": "order",
    "idempotency_key": "i/s/1",
    "kind": "step",
    "correlation_id": "c",
    "event": None,
}
RECEIVE = {"eventPattern": "payment.*", "correlation": {"order.id": {"type": "cel", "expression": "input.id"}}}


def simulate(*steps: dict[str, Any], mocks: dict[str, Any] | None = None) -> Any:
    definition = {"workflowId": "order", "name": "Order", "version": "1.0.0", "steps": list(steps)}
    return WorkflowSimulator()(definition, {"id": 1}, mocks=mocks or {})


def test_k3_the_event_of_a_step_is_named_by_its_visit() -> None:
    first = event_of({"type": "order.paid", "data": {"n": 1}}, ABOUT, NOW)
    assert first.to_json() == {
        "specversion": "1.0",
        "id": "i/s/1",
        "source": "/workflows/order",
        "type": "order.paid",
        "subject": None,
        "time": "2027-01-31T09:00:00Z",
        "data": {"n": 1},
        "datacontenttype": "application/json",
        "correlationid": "c",
        "workflowdepth": 1,
    }
    assert published(first) == {"id": "i/s/1", "source": "/workflows/order", "type": "order.paid"}
    assert event_of({"type": "t"}, {**ABOUT, "kind": "compensation"}, NOW).id == "i/s/1/compensation"


def test_k3_everything_about_an_event_can_be_given_but_its_depth() -> None:
    given = {"type": "t", "id": "own", "source": "/own", "subject": "s", "time": "2027-01-01T00:00:00Z", "data": None}
    extensions = {"correlationid": "other", "workflowdepth": 0, "priority": 1}
    event = event_of({**given, "extensions": extensions}, {**ABOUT, "event": {"workflowdepth": 4}}, NOW)
    assert {name: event.to_json()[name] for name in given} == given
    assert event.extensions == {"correlationid": "other", "workflowdepth": 5, "priority": 1}


@pytest.mark.parametrize(
    "arguments", [{}, {"type": ""}, {"type": "t", "x": 1}, {"type": "t", "extensions": {"A": 1}}, {"type": "a\x00b"}]
)
def test_k3_a_bad_event_is_a_validation_error(arguments: dict[str, Any]) -> None:
    with pytest.raises(StepFailure) as refused:
        event_of(arguments, ABOUT, NOW)
    assert refused.value.error_type == "ValidationError"


def test_k3_a_simulation_publishes_to_nobody() -> None:
    event = {"type": "order.paid", "data": {"type": "cel", "expression": "input"}}
    result = simulate({"stepId": "tell", "taskId": "event", "arguments": event})
    assert result.status == "completed"
    assert result.output["type"] == "order.paid"


def test_e5_an_unmocked_receive_times_out() -> None:
    step = {"stepId": "pay", "taskId": "receive", "arguments": {**RECEIVE, "timeout": "P1D"}}
    result = simulate(step)
    assert (result.status, result.error["type"]) == ("failed", "TimeoutError")
    assert "'payment.*' came within P1D" in result.error["message"]
    bounded = simulate({"stepId": "pay", "taskId": "receive", "arguments": RECEIVE, "timeout": "PT1H"})
    assert bounded.error["type"] == "TimeoutError"


def test_e5_a_mocked_receive_gets_the_event_of_the_mock() -> None:
    step = {"stepId": "pay", "taskId": "receive", "arguments": RECEIVE}
    result = simulate(step, mocks={"pay": [{"output": {"data": {"amount": 5}}}]})
    assert result.output == {"data": {"amount": 5}}


@pytest.mark.parametrize("pattern", ["", "a*", "*.b*", "a.***", "**.a.**.b.**.c.**", 5])
def test_e5_a_bad_pattern_is_a_validation_error(pattern: Any) -> None:
    arguments = {"eventPattern": {"type": "jmespath", "expression": "input.pattern"}}
    definition = {
        "workflowId": "order",
        "name": "Order",
        "version": "1.0.0",
        "steps": [{"stepId": "pay", "taskId": "receive", "arguments": arguments, "timeout": "PT1S"}],
    }
    result = WorkflowSimulator()(definition, {"pattern": pattern})
    assert result.error["type"] == "ValidationError"


@pytest.mark.parametrize("found", ["input.none", "input.nothing.there"])
def test_e5_a_correlation_value_that_is_null_or_missing_is_an_error_at_once(found: str) -> None:
    correlation = {"order.id": 7, "customer.no": {"type": "jmespath", "expression": found}}
    result = simulate({"stepId": "r", "taskId": "receive", "arguments": {**RECEIVE, "correlation": correlation}})

    assert (result.status, result.error["type"]) == ("failed", "ExpressionError")
    assert "customer.no" in result.error["message"]
