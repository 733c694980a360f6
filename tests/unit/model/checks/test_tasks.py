from __future__ import annotations

from typing import Any

import pytest

from airflow_workflow_provider.model.validate import parse_task, validate_document, validate_task
from tests.support.documents import POLICY, SmallCatalogue, check, found, step, task, workflow

ALLOWED = "airflow.providers.http.operators.http.HttpOperator"
FORBIDDEN = "airflow.providers.standard.operators.bash.BashOperator"


def _task_codes(document: dict[str, Any]) -> list[tuple[str, str]]:
    complete = {"taskId": "own", "name": "Own", "operator": "noop", **document}
    result = validate_task(complete, policy=POLICY, catalogue=SmallCatalogue())
    return [(each.code, each.pointer) for each in result.diagnostics]


def test_k1_a_task_id_names_a_task() -> None:
    assert found(workflow(step("a", "charge")), task("charge", operator=ALLOWED)) == []


def test_k1_an_unknown_task_comes_with_the_nearest_names() -> None:
    document = workflow(step("a", "chrage", compensation={"taskId": "rfund"}), onFailure={"compensate": True})
    findings = check(document, task("charge"), task("refund")).diagnostics

    assert [(each.code, each.pointer, each.suggestion) for each in findings] == [
        ("WF401", "/steps/0/taskId", "did you mean 'charge'?"),
        ("WF401", "/steps/0/compensation/taskId", "did you mean 'refund'?"),
    ]


@pytest.mark.parametrize(
    "task_id", ["workflow:other", "workflow:a.b-c_1", "workflow:other@1.0.0", "workflow:x@2.0.0-rc.1"]
)
def test_p5_another_workflow_is_a_task(task_id: str) -> None:
    assert found(workflow(step("a", task_id))) == []


@pytest.mark.parametrize(
    "task_id",
    [
        "workflow:",
        "workflow:a b",
        "workflow:@1.0.0",
        "workflow:a@",
        "workflow:a@1",
        "workflow:a@v1.0.0",
        "workflow:" + "x" * 201,
        "workflow:a/b",
        "workflow:a@1.0.0@2",
    ],
)
def test_p5_a_reference_of_another_form_is_refused(task_id: str) -> None:
    assert found(workflow(step("a", task_id))) == [("WF405", "/steps/0/taskId")]


def test_k5_a_task_that_is_twice_in_a_set_is_warned_of_where_it_is_again() -> None:
    chosen = {"oneOf": ["noop", "set", "noop"], "select": {"type": "jmespath", "expression": "input.task"}}

    (only,) = check(workflow({"stepId": "a", "taskId": chosen})).diagnostics

    assert (only.code, only.severity, only.pointer) == ("WF415", "warning", "/steps/0/taskId/oneOf/2")
    assert "/steps/0/taskId/oneOf/0" in only.message


def test_k2_the_operator_behind_a_task_must_be_allowed() -> None:
    assert found(workflow(step("a", "shell")), task("shell", operator=FORBIDDEN)) == [("WF404", "/steps/0/taskId")]


@pytest.mark.parametrize(
    ("arguments", "findings"),
    [
        ({"duration": "PT5M"}, []),
        ({}, [("WF403", "/steps/0/arguments")]),
        (None, [("WF403", "/steps/0/arguments")]),
        ({"duration": 5}, [("WF403", "/steps/0/arguments/duration")]),
        ({"duration": "PT5M", "until": "x"}, [("WF403", "/steps/0/arguments")]),
        ({"duration": {"type": "jsonata", "expression": "data.wait"}}, []),
        ({"duration": "{{ workflow.input.wait }}"}, []),
        ({"duration": {"type": "jsonata", "expression": "d", "more": 1}}, [("WF403", "/steps/0/arguments/duration")]),
    ],
)  # fmt: skip
def test_k3_literal_arguments_are_checked(arguments: Any, findings: list[tuple[str, str]]) -> None:
    assert found(workflow(step("a", "wait", arguments=arguments))) == findings


def test_k3_a_misspelt_argument_comes_with_the_nearest() -> None:
    findings = check(workflow(step("a", "wait", arguments={"durations": "PT5M"}))).diagnostics

    assert {each.code for each in findings} == {"WF403"}
    assert "did you mean 'duration'?" in [each.suggestion for each in findings]


def test_k3_transforms_are_looked_at_at_any_depth() -> None:
    arguments = {"a": [{"b": {"type": "cel", "expression": "daata.x"}}], "c": {"type": "jmespath", "expression": "a["}}

    assert found(workflow(step("a", "set", arguments=arguments))) == [
        ("WF303", "/steps/0/arguments/a/0/b/expression"),
        ("WF301", "/steps/0/arguments/c/expression"),
    ]


@pytest.mark.parametrize("kind", ["jsnata", "JSONATA", "", 5, None, []])
def test_k3_what_only_looks_like_a_transform_is_warned_of(kind: object) -> None:
    result = check(workflow(step("a", "set", arguments={"x": {"type": kind, "expression": "data"}})))

    assert result.valid
    assert [(each.code, each.pointer) for each in result.diagnostics] == [("WF308", "/steps/0/arguments/x")]


@pytest.mark.parametrize("value", [{"type": "jsonata"}, {"type": "x", "expression": "y", "z": 1}, [], "type", {}])
def test_k3_other_objects_are_literals(value: object) -> None:
    assert found(workflow(step("a", "set", arguments={"x": value}))) == []


@pytest.mark.parametrize("operator", ["noop", "set", ALLOWED])
def test_k2_built_ins_and_allowed_operators_are_taken(operator: str) -> None:
    assert _task_codes({"operator": operator}) == []


@pytest.mark.parametrize(
    "operator",
    [FORBIDDEN, "nop", "os.system", "", "a b.c", "airflow.providers.http.operators.", "../x.y", "a.b\n", "x" * 10_000],
)
def test_k2_other_operators_are_refused(operator: str) -> None:
    assert _task_codes({"operator": operator})[0] in {("WF404", "/operator"), ("WF114", "/operator")}


def test_k2_a_pattern_does_not_match_part_of_a_path() -> None:
    assert _task_codes({"operator": "evil." + ALLOWED}) == [("WF404", "/operator")]
    assert _task_codes({"operator": "airflow.providers.http.operators.x\n.y"}) == [("WF404", "/operator")]


def test_k2_arguments_of_a_built_in_are_checked_as_far_as_they_are_given() -> None:
    assert _task_codes({"operator": "wait"}) == []
    assert _task_codes({"operator": "wait", "arguments": {"duration": "PT5M"}}) == []
    assert _task_codes({"operator": "wait", "arguments": {"duration": 5, "until": "{{ workflow.input.x }}"}}) == [
        ("WF403", "/arguments/duration")
    ]


@pytest.mark.parametrize("name", ["noop", "http", "approval", "workflow:x"])
def test_k1_the_names_of_built_ins_are_reserved(name: str) -> None:
    assert _task_codes({"taskId": name}) == [("WF121", "/taskId")]


@pytest.mark.parametrize("name", ["", "a b", "a/b", "x" * 201, "a\n"])
def test_k1_task_ids_of_another_form_are_refused(name: str) -> None:
    assert _task_codes({"taskId": name}) == [("WF120", "/taskId")]


def test_k2_everything_in_a_task_document_is_checked_at_once() -> None:
    document = {
        "inputSchema": {"type": "objct"},
        "outputSchema": {"$ref": "http://example.com"},
        "retryPolicy": {"maxAttempts": 2, "delay": "5m"},
        "timeout": "PT0S",
        "opertor": "x",
    }

    assert sorted(_task_codes(document)) == [
        ("WF110", "/opertor"), ("WF125", "/retryPolicy/delay"), ("WF125", "/timeout"),
        ("WF126", "/inputSchema/type"), ("WF127", "/outputSchema/$ref"),
    ]  # fmt: skip


def test_k2_parse_task_gives_the_definition() -> None:
    assert parse_task({"taskId": "own", "name": "Own", "operator": FORBIDDEN}).operator == FORBIDDEN


def test_k1_tasks_are_not_checked_without_a_catalogue() -> None:
    assert validate_document(workflow(step("a", "anything", arguments={"x": 1}))).diagnostics == ()


@pytest.mark.parametrize(
    ("task_id", "warned"),
    [
        ("workflow:other@1.0.0", False),
        ("workflow:other@2.0.0-rc.1", False),
        ("workflow:other", False),
        ("workflow:nobody", False),
        ("workflow:other@2.0.0", True),
        ("workflow:other@1.0.0+build", True),
        ("workflow:nobody@1.0.0", True),
    ],
)
def test_p5_a_version_that_is_not_there_is_warned_of(task_id: str, warned: bool) -> None:
    document = workflow(step("a", compensation={"taskId": task_id}), onFailure={"compensate": True})
    inside = workflow(step("p", parallelBranches=[{"branchId": "x", "steps": [step("b", task_id)]}]))

    assert check(document).valid
    assert found(document) == ([("WF408", "/steps/0/compensation/taskId")] if warned else [])
    assert found(inside) == ([("WF408", "/steps/0/parallelBranches/0/steps/0/taskId")] if warned else [])


def test_p5_without_the_database_versions_are_not_checked() -> None:
    assert validate_document(workflow(step("a", "workflow:other@7.0.0"))).diagnostics == ()
