"""Rule D2: all findings at once, each with its place and a proposal."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from airflow_workflow_provider.errors import InvalidDefinition
from airflow_workflow_provider.model.validate import parse_definition, validate_document, validate_task
from tests.support.documents import check, found, step, workflow


def test_d2_all_findings_come_at_once_in_document_order() -> None:
    document = {
        "workflowId": "a b",
        "version": "1",
        "nmae": "x",
        "steps": [
            step("start", "nop", next=[{"nextStepId": "chekc"}, {"nextStepID": "check"}], timeout="5 minutes"),
            step("check", retryPolicy={"maxAttempts": "3"}, input={"type": "jsonata", "expression": "$sum("}),
        ],
        "uiComponents": [{"componentId": "x", "condition": "data.a = 1"}],
    }

    assert found(document) == [
        ("WF120", "/workflowId"),
        ("WF124", "/version"),
        ("WF110", "/nmae"),
        ("WF401", "/steps/0/taskId"),
        ("WF201", "/steps/0/next/0/nextStepId"),
        ("WF204", "/steps/0/next/1"),
        ("WF110", "/steps/0/next/1/nextStepID"),
        ("WF111", "/steps/0/next/1/nextStepId"),
        ("WF125", "/steps/0/timeout"),
        ("WF112", "/steps/1/retryPolicy/maxAttempts"),
        ("WF301", "/steps/1/input/expression"),
        ("WF301", "/uiComponents/0/condition"),
        ("WF111", "/name"),
    ]


@pytest.mark.parametrize(
    ("document", "pointer", "proposal"),
    [
        (workflow(executionlog={}), "/executionlog", "executionLog"),
        (workflow(step("a", retry_policy={})), "/steps/0/retry_policy", "retryPolicy"),
        (workflow(step("a", retryPolicy={"maxAttemps": 1})), "/steps/0/retryPolicy/maxAttemps", "maxAttempts"),
        (workflow(step("a", retryPolicy=[{"maxAttemps": 1}])), "/steps/0/retryPolicy/0/maxAttemps", "maxAttempts"),
        (workflow(step("a", assign={"x": {"type": "jmespath", "expression": "a", "expr": ""}})),
         "/steps/0/assign/x/expr", "expression"),
        (workflow(step("a", parallelBranches=[{"branchid": "b"}])), "/steps/0/parallelBranches/0/branchid", "branchId"),
        (workflow(step("a", onFailure={"errorHandler": {"conditions": [{"errortype": "x"}]}})),
         "/steps/0/onFailure/errorHandler/conditions/0/errortype", "errorType"),
        (workflow(onFailure={"compensat": True}), "/onFailure/compensat", "compensate"),
        (workflow(settings={"maxIteration": 5}), "/settings/maxIteration", "maxIterations"),
        (workflow(step("a", forEach={"item": {}})), "/steps/0/forEach/item", "items"),
    ],
)  # fmt: skip
def test_d1_an_unknown_key_comes_with_the_nearest_one(document: Any, pointer: str, proposal: str) -> None:
    [finding] = [each for each in check(document).diagnostics if each.pointer == pointer]

    assert finding.code == "WF110"
    assert f"'{proposal}'" in (finding.suggestion or "")
    assert proposal in finding.message


@pytest.mark.parametrize(
    ("value", "suggestion"),
    [("inffo", "'info'"), ("DEBUG", "'debug'"), ("", None), ("x" * 5000, None), (5, None), (None, None), ({}, None)],
)
def test_d2_a_value_outside_the_allowed_ones_names_them(value: object, suggestion: str | None) -> None:
    [finding] = check(workflow(executionLog={"level": value})).diagnostics

    assert finding.pointer == "/executionLog/level"
    assert finding.code in {"WF112", "WF113"}
    assert len(finding.message) < 250
    assert "'debug', 'error', 'info'" in finding.message
    assert suggestion is None or suggestion in (finding.suggestion or "")


def test_d2_what_is_broken_in_one_place_does_not_hide_another() -> None:
    document = workflow(5, step("b", next=[{"nextStepId": "zz"}]), [], step("c", timeout=7, name="x" * 300))

    assert found(document) == [
        ("WF112", "/steps/0"),
        ("WF201", "/steps/1/next/0/nextStepId"),
        ("WF112", "/steps/2"),
        ("WF112", "/steps/3/timeout"),
        ("WF114", "/steps/3/name"),
    ]


def test_d2_a_misspelt_next_does_not_make_the_rest_unreachable() -> None:
    document = workflow(step("a", nxt=[{"nextStepId": "b"}], next=[]), step("b"))

    assert found(document) == [("WF110", "/steps/0/nxt")]


@pytest.mark.parametrize("document", [None, 1, 1.5, "x", True, [], [{}]])
def test_d2_a_document_is_an_object(document: object) -> None:
    assert found(document) == [("WF112", "")]


def test_d2_an_empty_object_lacks_what_is_required() -> None:
    assert {(code, pointer) for code, pointer in found({})} == {
        ("WF111", "/workflowId"), ("WF111", "/name"), ("WF111", "/version"), ("WF111", "/steps"),
    }  # fmt: skip


def test_d2_a_workflow_needs_a_step() -> None:
    assert found({**workflow(), "steps": []}) == [("WF114", "/steps")]


def test_p1_nesting_is_as_deep_as_a_document_may_be() -> None:
    steps = [step("innermost")]
    for level in range(98):
        steps = [step(f"level{level}", parallelBranches=[{"branchId": "only", "steps": steps}])]

    assert found(workflow(*steps)) == []


def test_d2_warnings_do_not_reject() -> None:
    result = check(workflow(step("a", next=[{"nextStepId": "a", "condition": "data.x"}])))

    assert result.valid
    assert [each.code for each in result.warnings] == ["WF205"]
    assert result.errors == ()


def test_d2_a_refused_document_raises_with_every_finding() -> None:
    with pytest.raises(InvalidDefinition, match=r"WF112 at /version: .*and 1 more") as refused:
        parse_definition({**workflow(), "zz": 1, "version": 2})

    assert [each.code for each in refused.value.diagnostics] == ["WF112", "WF110"]


def test_d2_a_very_wrong_document_is_cut_short() -> None:
    result = check({**workflow(), **{f"key{number}": 1 for number in range(5000)}})

    assert len(result.diagnostics) == 1000


def test_d2_tasks_are_not_checked_without_a_catalogue() -> None:
    assert validate_document(workflow(step("a", "anything"))).valid


@pytest.mark.parametrize("document", [{}, [], None, {"taskId": 5, "operatr": "x"}])
def test_k2_a_broken_task_document_is_refused(document: object) -> None:
    assert not validate_task(document).valid


def test_d2_what_does_not_fit_is_not_reported_a_second_time_as_missing() -> None:
    assert found(workflow({"stepId": "a", "arguments": {"duration": "PT5M"}})) == [("WF111", "/steps/0/taskId")]
    assert found(workflow(step("a", "wait", arguments=5))) == [("WF112", "/steps/0/arguments")]


def test_d1_the_keys_that_a_message_allows_are_those_of_documents() -> None:
    # in a process of its own: what was validated before completes the model
    code = """
from airflow_workflow_provider.model.validate import validate_document
document = {"workflowId": "w", "name": "w", "version": "1.0.0", "steps": [{"stepId": "a", "taskId": "noop", "nxt": []}]}
print(*[each.message for each in validate_document(document).diagnostics if each.code == "WF110"])
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "forEach" in found.stdout
    assert "parallelBranches" in found.stdout
    assert "_" not in found.stdout
