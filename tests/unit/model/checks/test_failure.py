from __future__ import annotations

from typing import Any

import pytest

from tests.support.documents import check, found, step, task, workflow


@pytest.mark.parametrize("place", ["step", "workflow"])
def test_f4_a_condition_names_a_type_or_a_code(place: str) -> None:
    conditions = [
        {"nextStepId": "end"},
        {"errorType": None, "nextStepId": "end"},
        {"errorCode": "*", "nextStepId": "end"},
    ]
    handler: dict[str, Any] = {"onFailure": {"errorHandler": {"conditions": conditions}}}
    document = workflow(step("a", **handler)) if place == "step" else workflow(**handler)
    prefix = "/steps/0/onFailure" if place == "step" else "/onFailure"

    assert found(document) == [
        ("WF207", f"{prefix}/errorHandler/conditions/0"),
        ("WF207", f"{prefix}/errorHandler/conditions/1"),
    ]


@pytest.mark.parametrize("field", ["errorType", "errorCode"])
def test_f4_an_empty_type_or_code_is_refused(field: str) -> None:
    document = workflow(step("a", onFailure={"errorHandler": {"conditions": [{field: "", "nextStepId": "end"}]}}))

    assert found(document) == [("WF114", f"/steps/0/onFailure/errorHandler/conditions/0/{field}")]


def test_f7_a_workflow_cannot_be_retried() -> None:
    result = check(workflow(onFailure={"action": "retry"}))

    assert result.valid
    assert [(each.code, each.pointer) for each in result.diagnostics] == [("WF209", "/onFailure/action")]


def test_f7_a_compensation_that_never_runs_is_warned_of() -> None:
    steps = [step("a", compensation={"taskId": "noop"}), step("b")]

    assert found(workflow(*steps, onFailure={"compensate": True})) == []
    assert found(workflow(*steps, onFailure={})) == [("WF212", "/steps/0/compensation")]
    assert found(workflow(*steps)) == [("WF212", "/steps/0/compensation")]
    assert found(workflow(step("b"), onFailure={"compensate": True})) == [("WF212", "/onFailure/compensate")]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("TimeOutError", "TimeoutError"),
        ("validationError", "ValidationError"),
        ("ValidatonError", "ValidationError"),
        ("NoTransitionMatch", "NoTransitionMatched"),
        ("BranchFail", "BranchFailed"),
        ("PaymentDeclined", None),
        ("ConnectionError", None),
        ("RuntimeError", None),
        ("TaskError", None),
        ("my.module.TimeoutError", None),
        ("x" * 10_000, None),
        ("*", None),
    ],
)
def test_f1_a_type_that_is_nearly_a_built_in_one_is_warned_of(name: str, meant: str | None) -> None:
    handler = {"errorHandler": {"conditions": [{"errorType": name, "nextStepId": "end"}]}}
    policies = [{"retryOn": ["B"], "doNotRetryOn": [name] if name != "*" else ["C"]}, {"retryOn": [name]}]
    result = check(workflow(step("a", onFailure=handler, retryPolicy=policies)))

    assert result.valid
    assert [each.suggestion for each in result.diagnostics] == [f"did you mean '{meant}'?"] * (3 if meant else 0)


@pytest.mark.parametrize(
    ("policies", "findings"),
    [
        ([{"retryOn": ["A"]}, {"maxAttempts": 3}], []),
        ([{"doNotRetryOn": ["A"]}, {"maxAttempts": 3}], []),
        ([{}, {"retryOn": ["A"]}], [("WF214", "/steps/0/retryPolicy/1")]),
        ([{"retryOn": ["*"]}, {}], [("WF214", "/steps/0/retryPolicy/1")]),
        ([], []),
        ({"retryOn": ["ValidationError"]}, [("WF214", "/steps/0/retryPolicy/retryOn")]),
        ({"retryOn": ["Cancelled", "ValidationError"]}, [("WF214", "/steps/0/retryPolicy/retryOn")]),
        ({"retryOn": ["A", "B"], "doNotRetryOn": ["B", "A", "C"]}, [("WF214", "/steps/0/retryPolicy/doNotRetryOn")]),
        ({"doNotRetryOn": ["*"]}, [("WF214", "/steps/0/retryPolicy/doNotRetryOn")]),
        ({"retryOn": ["A", "B"], "doNotRetryOn": ["B"]}, []),
        ({"retryOn": ["ValidationError", "TimeoutError"]}, []),
    ],
)
def test_f2_a_policy_that_never_applies_is_warned_of(policies: Any, findings: list[tuple[str, str]]) -> None:
    document = workflow(step("a", retryPolicy=policies))

    assert check(document).valid
    assert found(document) == findings


@pytest.mark.parametrize(
    ("policy", "pointer"),
    [
        ({"jitter": 1.5}, "/steps/0/retryPolicy/jitter"),
        ({"jitter": -0.1}, "/steps/0/retryPolicy/jitter"),
        ({"multiplier": 0}, "/steps/0/retryPolicy/multiplier"),
        ({"retryOn": [""]}, "/steps/0/retryPolicy/retryOn/0"),
        ({"retryOn": [5]}, "/steps/0/retryPolicy/retryOn/0"),
        ({"retryOn": "TimeoutError"}, "/steps/0/retryPolicy/retryOn"),
        ({"strategy": "linear"}, "/steps/0/retryPolicy/strategy"),
        ({"delay": 5}, "/steps/0/retryPolicy/delay"),
        ("none", "/steps/0/retryPolicy"),
        ([[]], "/steps/0/retryPolicy/0"),
    ],
)
def test_f2_a_policy_of_another_form_is_refused(policy: Any, pointer: str) -> None:
    assert [place for _, place in found(workflow(step("a", retryPolicy=policy)))] == [pointer]


@pytest.mark.parametrize("branches", [[], [{"branchId": "x", "steps": []}]])
def test_p3_branches_and_items_in_one_step_are_refused(branches: list[Any]) -> None:
    items = {"items": {"type": "jmespath", "expression": "data.x"}, "steps": []}

    assert found(workflow(step("a", parallelBranches=branches, forEach=items))) == [
        ("WF210", "/steps/0/parallelBranches")
    ]


def test_p3_no_branches_make_a_plain_step() -> None:
    assert found(workflow(step("a", parallelBranches=[]))) == []


def test_p2_fail_fast_needs_siblings() -> None:
    items = {"items": {"type": "jmespath", "expression": "data.x"}, "steps": []}

    assert found(workflow(step("a", failFast=True))) == [("WF211", "/steps/0/failFast")]
    assert found(workflow(step("a", failFast=True, parallelBranches=[]))) == [("WF211", "/steps/0/failFast")]
    assert found(workflow(step("a", failFast=True, forEach=items))) == []


@pytest.mark.parametrize("name", ["item", "order", "_x", "user", "status", "has", "size"])
def test_p4_names_that_expressions_can_use_are_taken(name: str) -> None:
    items = {"items": {"type": "jmespath", "expression": "data.x"}, "as": name, "steps": []}

    assert found(workflow(step("a", forEach=items))) == []


@pytest.mark.parametrize(
    "name",
    [
        "input", "steps", "variables", "output", "attempt", "error", "event", "workflow", "data", "", " ", "a b", "a-b",
        "1a", "é", "in", "true", "null", "for", "package", "string", "map", "int", "a.b", "x" * 101, "a\n", "$x",
    ],
)  # fmt: skip
def test_p4_names_that_hide_a_binding_or_are_none_are_refused(name: str) -> None:
    items = {"items": {"type": "jmespath", "expression": "data.x"}, "as": name, "steps": []}

    assert found(workflow(step("a", forEach=items))) == [("WF306", "/steps/0/forEach/as")]


def test_p4_a_name_that_hides_an_outer_item_is_warned_of() -> None:
    inner = {"items": {"type": "jmespath", "expression": "item.lines"}, "steps": [step("b")]}
    outer = {"items": {"type": "jmespath", "expression": "data.orders"}, "steps": [step("a", forEach=inner)]}
    result = check(workflow(step("start", forEach=outer)))

    assert result.valid
    assert [(each.code, each.pointer) for each in result.diagnostics] == [
        ("WF306", "/steps/0/forEach/steps/0/forEach/as")
    ]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("maxConcurrency", 0),
        ("maxConcurrency", 1.5),
        ("maxConcurrency", "5"),
        ("maxConcurrency", True),
        ("maxConcurrency", None),
        ("maxConcurrency", 1_000_001),
        ("toleratedFailures", -1),
        ("toleratedFailures", "1"),
        ("toleratedFailurePercentage", -0.1),
        ("toleratedFailurePercentage", 100.1),
        ("toleratedFailurePercentage", "5%"),
        ("toleratedFailurePercentage", True),
        ("toleratedFailurePercentage", float("nan")),
    ],
)
def test_p4_numbers_of_items_are_bounded(key: str, value: object) -> None:
    items = {"items": {"type": "jmespath", "expression": "data.x"}, "steps": [], key: value}

    assert [place for _, place in found(workflow(step("a", forEach=items)))] == [f"/steps/0/forEach/{key}"]


@pytest.mark.parametrize("number", [0, -1, 1.5, "2", True, None, 1_000_001, {"type": "jmespath", "expression": "`1`"}])
def test_p1_a_join_is_a_whole_number_of_branches(number: Any) -> None:
    branches = [{"branchId": "one", "steps": [step("b")]}, {"branchId": "two", "steps": [step("c")]}]
    document = workflow(step("a", parallelBranches=branches, join={"atLeast": number}))

    assert [place for _, place in found(document)] == ["/steps/0/join/atLeast"]


OWN_CODE = task("billing.charge", operator="python", arguments={"callable": "charge"})
PYTHON = task("python")


@pytest.mark.parametrize(
    "more",
    [
        {"taskId": "billing.charge"},
        {"taskId": "python", "arguments": {"callable": "charge"}},
        {"taskId": "workflow:other"},
        {"forEach": {"items": {"type": "jmespath", "expression": "input.xs"}, "steps": [step("b")]}},
        {"parallelBranches": [{"branchId": "one", "steps": [step("b")]}]},
    ],
)
def test_f1_a_class_of_a_task_may_bear_the_name_of_a_built_in_type(more: dict[str, Any]) -> None:
    document = workflow({**step("a"), **more, "retryPolicy": {"maxAttempts": 2, "retryOn": ["ValidationError"]}})

    assert found(document, OWN_CODE, PYTHON) == []


@pytest.mark.parametrize(
    ("policy", "fields"),
    [
        ({"maxAttempts": 3, "delay": "PT5S"}, []),
        ({"maxAttempts": 3, "delay": "PT5S", "strategy": "exponential", "multiplier": 3, "maxDelay": "PT1H"}, []),
        ({"maxAttempts": 3, "delay": "PT5S", "jitter": 0.5, "maxDelay": "PT6S"}, []),
        ({"maxAttempts": 3, "delay": "PT5S", "strategy": "exponential", "maxDelay": "PT5S"}, []),
        ({"maxAttempts": 4, "delay": "PT5S", "multiplier": 3}, ["multiplier"]),
        ({"maxAttempts": 4, "delay": "PT5S", "strategy": "fixed", "multiplier": 2}, ["multiplier"]),
        ({"maxAttempts": 2, "delay": "PT5S", "strategy": "exponential", "multiplier": 3}, ["multiplier"]),
        ({"maxAttempts": 4, "delay": "PT5S", "strategy": "linear", "maxDelay": "PT14S"}, []),
        ({"maxAttempts": 4, "delay": "PT5S", "strategy": "linear", "maxDelay": "PT15S"}, ["maxDelay"]),
        ({"maxAttempts": 4, "delay": "PT5S", "strategy": "linear", "maxDelay": "PT15S", "jitter": 0.1}, []),
        ({"maxAttempts": 4, "delay": "PT5S", "strategy": "linear", "multiplier": 3}, ["multiplier"]),
        ({"delay": "PT5S"}, ["delay"]),
        (
            {"maxAttempts": 1, "delay": "PT5S", "strategy": "exponential", "jitter": 0.1},
            ["delay", "jitter", "strategy"],
        ),
        ({"maxAttempts": 1}, []),
        ({"maxAttempts": 9, "jitter": 0.2, "maxDelay": "PT1M"}, ["jitter", "maxDelay"]),
        ({"maxAttempts": 9, "delay": "PT0S", "strategy": "exponential", "multiplier": 4}, ["multiplier", "strategy"]),
        ({"maxAttempts": 9, "delay": "PT30S", "maxDelay": "PT20S"}, ["delay"]),
        ({"maxAttempts": 9, "delay": "PT30S", "maxDelay": "PT30S"}, ["maxDelay"]),
        ({"maxAttempts": 9, "delay": "PT30S", "maxDelay": "PT60S", "jitter": 1}, ["maxDelay"]),
        ({"maxAttempts": 9, "retryOn": []}, ["retryOn"]),
        ({"maxAttempts": 9, "retryOn": ["A"], "doNotRetryOn": []}, []),
    ],
)
def test_f2_a_field_of_a_policy_without_effect_is_warned_of(policy: dict[str, Any], fields: list[str]) -> None:
    for places, given in (("retryPolicy", policy), ("retryPolicy/0", [policy])):
        document = workflow(step("a", retryPolicy=given))

        assert check(document).valid
        assert sorted(found(document)) == [("WF215", f"/steps/0/{places}/{field}") for field in fields]


@pytest.mark.parametrize(
    ("policy", "warned"), [([], True), ([{"retryOn": ["A"]}, {}], True), ({"maxAttempts": 2}, False), (None, False)]
)
def test_k4_to_retry_although_the_policy_says_no_is_warned_of(policy: Any, warned: bool) -> None:
    document = workflow(step("a", onFailure={"action": "retry"}, **({} if policy is None else {"retryPolicy": policy})))

    assert found(document) == ([("WF215", "/steps/0/onFailure/action")] if warned else [])
