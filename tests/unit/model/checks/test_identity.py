from __future__ import annotations

from typing import Any

import pytest

from tests.support.documents import check, found, step, workflow


@pytest.mark.parametrize("name", ["a", "A-b_9", "x" * 100, "-", "_", "0", "End", "FAIL"])
def test_d3_step_ids_and_branch_ids_of_the_form_are_taken(name: str) -> None:
    assert found(workflow(step(name), step("b", parallelBranches=[{"branchId": name, "steps": []}]))) == []


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "a.b", "a/b", "é", "x" * 101, "a\n", "\na", "a\u2028", "../x", "${x}", "a:b"]
)
def test_d3_ids_of_another_form_are_refused(name: str) -> None:
    document = workflow(step(name), step("b", parallelBranches=[{"branchId": name, "steps": []}]))

    assert found(document) == [("WF120", "/steps/0/stepId"), ("WF120", "/steps/1/parallelBranches/0/branchId")]


def test_d3_a_refused_id_can_still_be_referred_to() -> None:
    document = workflow(step("start", next=[{"nextStepId": "approve request"}]), step("approve request"))
    [finding] = check(document).diagnostics

    assert (finding.code, finding.pointer) == ("WF120", "/steps/1/stepId")
    assert finding.suggestion == "for example 'approve_request'"


@pytest.mark.parametrize("name", ["end", "fail"])
def test_d3_end_and_fail_are_reserved(name: str) -> None:
    document = workflow(step(name), step("b", parallelBranches=[{"branchId": name, "steps": []}]))

    assert found(document) == [("WF121", "/steps/0/stepId"), ("WF121", "/steps/1/parallelBranches/0/branchId")]


@pytest.mark.parametrize("name", ["a", "order.approval", "x" * 200, "A_b-9.1"])
def test_d3_workflow_ids_of_the_form_are_taken(name: str) -> None:
    assert found(workflow(workflowId=name)) == []


@pytest.mark.parametrize("name", ["", "a b", "x" * 201, "a/b", "a\n", "workflow:a", "é"])
def test_d3_workflow_ids_of_another_form_are_refused(name: str) -> None:
    assert found(workflow(workflowId=name)) == [("WF120", "/workflowId")]


def test_d3_a_step_id_is_unique_in_the_whole_definition() -> None:
    document = workflow(
        step("a", parallelBranches=[{"branchId": "x", "steps": [step("b")]}, {"branchId": "y", "steps": [step("a")]}]),
        step("b"),
        step("c", forEach={"items": {"type": "jmespath", "expression": "data.x"}, "steps": [step("c")]}),
    )

    assert sorted(found(document)) == [
        ("WF122", "/steps/0/parallelBranches/0/steps/0/stepId"),
        ("WF122", "/steps/0/parallelBranches/1/steps/0/stepId"),
        ("WF122", "/steps/2/forEach/steps/0/stepId"),
    ]


def test_d3_a_branch_id_is_unique_in_its_step_only() -> None:
    branches = [{"branchId": "x", "steps": []}]

    assert found(workflow(step("a", parallelBranches=branches), step("b", parallelBranches=branches))) == []
    assert found(workflow(step("a", parallelBranches=branches * 2))) == [
        ("WF123", "/steps/0/parallelBranches/1/branchId")
    ]


@pytest.mark.parametrize("version", ["1.0.0", "0.0.1", "10.20.30", "1.0.0-rc.1", "1.0.0+build.5", "1.0.0-a.b+c"])
def test_d3_versions_are_semantic(version: str) -> None:
    assert found(workflow(version=version)) == []


@pytest.mark.parametrize(
    ("version", "proposal"),
    [
        ("1", "1.0.0"), ("1.2", "1.2.0"), ("v1.2.3", "1.2.3"), ("01.2.3", "1.2.3"), ("", "1.0.0"), ("latest", "1.0.0"),
        ("1.0.0.0", "1.0.0"), ("1.0.0 ", "1.0.0"), ("1.0.0\n", "1.0.0"),
        ("\u0661.\u0660.\u0660", "1.0.0"), ("1.0.0-", "1.0.0"),
    ],
)  # fmt: skip
def test_d3_other_versions_are_refused_with_a_proposal(version: str, proposal: str) -> None:
    [finding] = check(workflow(version=version)).diagnostics

    assert (finding.code, finding.pointer) == ("WF124", "/version")
    assert proposal in (finding.suggestion or "")


@pytest.mark.parametrize(
    ("place", "more"),
    [
        ("/steps/0/timeout", {"timeout": "P1M"}),
        ("/steps/0/timeout", {"timeout": "PT0S"}),
        ("/steps/0/timeout", {"timeout": ""}),
        ("/steps/0/retryPolicy/delay", {"retryPolicy": {"maxAttempts": 2, "delay": "5m"}}),
        ("/steps/0/retryPolicy/maxDelay", {"retryPolicy": {"maxAttempts": 2, "delay": "PT1M", "maxDelay": "-PT5M"}}),
        ("/steps/0/retryPolicy/1/delay", {"retryPolicy": [{"retryOn": ["A"]}, {"maxAttempts": 2, "delay": "P1Y"}]}),
    ],
)
def test_d3_durations_of_a_step_are_of_fixed_length(place: str, more: dict[str, Any]) -> None:
    assert found(workflow(step("a", **more))) == [("WF125", place)]


def test_d3_durations_of_a_branch_are_looked_at_too() -> None:
    branches = [{"branchId": "x", "steps": [step("b", timeout="x")]}]

    assert found(workflow(step("a", parallelBranches=branches))) == [
        ("WF125", "/steps/0/parallelBranches/0/steps/0/timeout")
    ]


def test_d3_years_and_months_are_allowed_in_retention_only() -> None:
    assert found(workflow(executionLog={"retention": "P1Y2M"})) == []
    assert found(workflow(executionLog={"retention": "90 days"})) == [("WF125", "/executionLog/retention")]
    assert found(workflow(settings={"timeout": "P1Y"})) == [("WF125", "/settings/timeout")]
    for deadline in ("P1Y", "PT0S", "soon"):
        assert found(workflow(settings={"deadline": deadline})) == [("WF125", "/settings/deadline")]
