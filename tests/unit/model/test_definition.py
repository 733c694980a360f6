from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from pydantic import ValidationError

from airflow_workflow_provider.model.definition import RetryPolicy, WorkflowDefinition
from airflow_workflow_provider.model.fields import Transform
from airflow_workflow_provider.model.task import TaskDefinition
from airflow_workflow_provider.model.validate import parse_definition
from tests.support.documents import check, found, step, workflow

EVERYTHING: dict[str, Any] = {
    "$schema": "../schema/workflow.schema.json",
    "workflowId": "order.approval-2_b",
    "name": "Order approval",
    "description": "Every field of the format",
    "version": "1.2.3-rc.1+build.5",
    "inputSchema": {"type": "object", "properties": {"amount": {"type": "number"}}, "required": []},
    "triggers": [
        {
            "eventPattern": "order.*.created",
            "description": "A new order",
            "transform": {"type": "jsonata", "expression": "{'amount': total, 'source': $event.source}"},
        }
    ],
    "steps": [
        {
            "stepId": "check",
            "taskId": "noop",
            "name": "Check",
            "description": "Checks",
            "next": [{"nextStepId": "both", "condition": "data.amount > 1000"}, {"nextStepId": "end"}],
            "retryPolicy": {"maxAttempts": 3, "delay": "PT5M", "strategy": "exponential"},
            "timeout": "PT1H",
            "onFailure": {
                "action": "continue",
                "nextStepId": "both",
                "errorHandler": {
                    "conditions": [{"errorType": "ValidationError", "errorCode": "*", "nextStepId": "fail"}]
                },
            },
            "input": {"type": "jmespath", "expression": "data"},
            "output": {"type": "jsonata", "expression": "output"},
            "assign": {"seen": {"type": "jmespath", "expression": "output.id"}},
            "compensation": {"taskId": "noop", "input": {"type": "jmespath", "expression": "steps.check.output"}},
        },
        {
            "stepId": "both",
            "taskId": "set",
            "arguments": {"a": 1, "b": {"type": "cel", "expression": "data.amount * 2"}, "c": [{"x": None}]},
            "failFast": True,
            "parallelBranches": [
                {"branchId": "one", "steps": []},
                {"branchId": "two", "steps": [step("inside")]},
                {"branchId": "three"},
            ],
            "retryPolicy": [
                {
                    "maxAttempts": 3,
                    "retryOn": ["TimeoutError"],
                    "strategy": "exponential",
                    "delay": "PT5S",
                    "maxDelay": "PT1H",
                    "multiplier": 1.5,
                    "jitter": 0.1,
                },
                {"doNotRetryOn": ["BranchFailed"]},
            ],
        },
        {
            "stepId": "each",
            "taskId": "workflow:other@1.0.0",
            "forEach": {
                "items": {"type": "jmespath", "expression": "data.orders"},
                "as": "order",
                "maxConcurrency": 4,
                "toleratedFailures": 2,
                "steps": [step("one", next=[{"nextStepId": "end", "condition": "order.id == orderIndex"},
                                            {"nextStepId": "fail"}])],
            },
        },
    ],
    "uiComponents": [
        {
            "componentId": "progress",
            "condition": "status == 'running' && progress.percent < 50 && 'admin' in user.roles",
            "priority": 1.5,
            "context": {"title": "Progress", "layout": "timeline", "more": {"x": [1]}},
        },
        {"componentId": "always"},
    ],
    "executionLog": {
        "level": "debug",
        "retention": "P1Y",
        "metadata": ["userId", "customer.id"],
        "redact": ["customer.email"],
    },
    "settings": {"timeout": "P1D", "maxIterations": 50},
    "onFailure": {
        "action": "continue",
        "nextStepId": "each",
        "errorHandler": {"conditions": [{"errorCode": "E42", "nextStepId": "end"}]},
        "compensate": True,
    },
    "output": {"type": "jmespath", "expression": "output"},
}  # fmt: skip


def test_d1_every_field_of_the_format_loads_and_means_something() -> None:
    assert found(EVERYTHING) == []

    definition = parse_definition(EVERYTHING)

    assert definition.steps[0].retry_policies == (definition.steps[0].retry_policy,)
    assert [each.max_attempts for each in definition.steps[1].retry_policies] == [3, 1]
    assert definition.steps[2].retry_policies == ()
    assert definition.steps[2].for_each is not None
    assert definition.steps[2].for_each.as_ == "order"
    assert definition.on_failure is not None
    assert definition.on_failure.conditions[0].error_code == "E42"
    assert definition.settings.max_iterations == 50


def test_d1_a_definition_survives_json_and_pickle() -> None:
    definition = parse_definition({key: value for key, value in EVERYTHING.items() if key != "$schema"})
    written = definition.model_dump(mode="json", by_alias=True, exclude_unset=True)

    assert parse_definition(json.loads(json.dumps(written))) == definition
    assert pickle.loads(pickle.dumps(definition)) == definition  # noqa: S301 - our own


def test_d1_what_is_left_out_has_the_defaults_of_the_rules() -> None:
    definition = parse_definition(workflow(step("start", retryPolicy={}, onFailure={}), executionLog={}))
    start = definition.steps[0]

    assert definition.description == ""
    assert definition.input_schema == {}
    assert definition.settings.max_iterations == 1000
    assert start.next is None
    assert start.parallel_branches is None
    assert start.retry_policies == (RetryPolicy(),)
    assert RetryPolicy().max_attempts == 1
    assert (RetryPolicy().strategy, RetryPolicy().delay, RetryPolicy().jitter) == ("fixed", "PT0S", 0.0)
    assert start.on_failure is not None
    assert start.on_failure.action == "stop"
    assert definition.execution_log is not None
    assert definition.execution_log.level == "info"


def test_d1_null_is_the_same_as_leaving_an_optional_key_out() -> None:
    nothing: dict[str, Any] = dict.fromkeys(
        ("name", "next", "timeout", "onFailure", "input", "arguments", "retryPolicy")
    )

    assert parse_definition(workflow(step("start", **nothing))).steps[0] == parse_definition(workflow()).steps[0]


@pytest.mark.parametrize("written", [3, 3.0])
def test_f2_a_whole_number_may_be_written_with_a_fraction_of_zero(written: float) -> None:
    policy = parse_definition(workflow(step("a", retryPolicy={"maxAttempts": written}))).steps[0].retry_policies[0]

    assert policy.max_attempts == 3
    assert isinstance(policy.max_attempts, int)


@pytest.mark.parametrize("written", [3.5, "3", True, None, [], 0, -1, 10**9])
def test_f2_max_attempts_is_a_whole_number_from_one(written: object) -> None:
    assert not check(workflow(step("a", retryPolicy={"maxAttempts": written}))).valid


@pytest.mark.parametrize("key", ["step_id", "task_id", "retry_policy", "for_each", "Next", "nextstepid"])
def test_d1_keys_are_camel_case_only(key: str) -> None:
    codes = found(workflow({"stepId": "a", "taskId": "noop", key: {}}))

    assert ("WF110", f"/steps/0/{key}") in codes


def test_a_definition_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        parse_definition(workflow()).name = "other"  # type: ignore[misc]


def test_a_transform_can_be_a_key() -> None:
    assert {Transform(type="jmespath", expression="a"): 1}[Transform(type="jmespath", expression="a")] == 1


def test_python_names_build_a_definition_too() -> None:
    definition = WorkflowDefinition.model_validate(
        {"workflow_id": "a", "name": "A", "version": "1.0.0", "steps": [{"step_id": "s", "task_id": "noop"}]}
    )

    assert definition.steps[0].step_id == "s"


def test_k2_a_task_definition_has_the_fields_of_the_format() -> None:
    task = TaskDefinition.model_validate(
        {
            "taskId": "charge",
            "name": "Charge",
            "description": "Charges a card",
            "operator": "http",
            "arguments": {"path": "/charges"},
            "inputSchema": {"type": "object"},
            "outputSchema": {"type": "object"},
            "retryPolicy": [{"maxAttempts": 2}],
            "timeout": "PT1M",
        }
    )

    assert [each.max_attempts for each in task.retry_policies] == [2]
