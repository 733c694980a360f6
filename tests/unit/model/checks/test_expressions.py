from __future__ import annotations

from typing import Any

import pytest

from tests.support.documents import check, found, step, workflow

GOOD = {"type": "jmespath", "expression": "data.all"}
BROKEN = {"type": "jsonata", "expression": "$sum("}


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"input": BROKEN}, "/steps/0/input/expression"),
        ({"output": BROKEN}, "/steps/0/output/expression"),
        ({"assign": {"x/y": BROKEN}}, "/steps/0/assign/x~1y/expression"),
        ({"compensation": {"taskId": "noop", "input": BROKEN}}, "/steps/0/compensation/input/expression"),
        ({"forEach": {"items": BROKEN, "steps": []}}, "/steps/0/forEach/items/expression"),
        ({"timeout": BROKEN}, "/steps/0/timeout/expression"),
        *(({"forEach": {"items": GOOD, "steps": [], name: BROKEN}}, f"/steps/0/forEach/{name}/expression")
          for name in ("maxConcurrency", "toleratedFailures", "toleratedFailurePercentage")),
        ({"next": [{"nextStepId": "end", "condition": "data."}, {"nextStepId": "fail"}]}, "/steps/0/next/0/condition"),
        ({"parallelBranches": [{"branchId": "x", "steps": [step("b", input=BROKEN)]}]},
         "/steps/0/parallelBranches/0/steps/0/input/expression"),
    ],
)  # fmt: skip
def test_x3_every_expression_of_a_step_is_compiled(more: dict[str, Any], pointer: str) -> None:
    findings = found(workflow(step("a", **more), onFailure={"compensate": "compensation" in more}))

    assert findings == [("WF301", pointer)]


def test_x3_every_expression_of_the_workflow_is_compiled() -> None:
    document = workflow(
        triggers=[{"eventPattern": "a", "transform": BROKEN}],
        uiComponents=[{"componentId": "x", "condition": "data."}],
        output=BROKEN,
    )

    assert found(document) == [
        ("WF301", "/triggers/0/transform/expression"),
        ("WF301", "/uiComponents/0/condition"),
        ("WF301", "/output/expression"),
    ]


@pytest.mark.parametrize("place", ["next", "ui"])
def test_t4_an_empty_condition_is_an_error(place: str) -> None:
    document = {
        "next": workflow(step("a", next=[{"nextStepId": "fail", "condition": ""}, {"nextStepId": "end"}])),
        "ui": workflow(uiComponents=[{"componentId": "x", "condition": ""}]),
    }[place]

    assert [code for code, _ in found(document)] == ["WF302"]


def test_p4_the_item_and_its_index_are_bound_inside_only() -> None:
    used = [{"nextStepId": "end", "condition": "order.id > orderIndex"}, {"nextStepId": "fail"}]
    inside = [step("b", next=used, input={"type": "jmespath", "expression": "{a: order.id, b: orderIndex}"})]
    items = {"items": {"type": "jmespath", "expression": "data.x"}, "as": "order", "steps": inside}

    assert found(workflow(step("a", forEach=items))) == []
    outside = step("a", forEach=items, input={"type": "jmespath", "expression": "order"})
    assert found(workflow(outside, step("c", next=used))) == [
        ("WF303", "/steps/0/input/expression"),
        ("WF303", "/steps/1/next/0/condition"),
    ]


def test_p4_branches_inside_an_item_see_it_too() -> None:
    branch = {"branchId": "x", "steps": [step("c", input={"type": "jsonata", "expression": "item.id + itemIndex"})]}
    items = {"items": {"type": "jmespath", "expression": "data.x"}, "steps": [step("b", parallelBranches=[branch])]}

    assert found(workflow(step("a", forEach=items))) == []


@pytest.mark.parametrize(
    ("kind", "source", "codes"),
    [
        ("jsonata", "data.amount + input.x", []),
        ("jsonata", "dat.amount", ["WF303"]),
        ("jsonata", "data.orders[quantity > 2].{'a': sku, 'b': $$.input.x}", []),
        ("jsonata", "data.orders.{'a': sku, 'b': $$.inptu.x}", ["WF303"]),
        ("jsonata", "data.orders^(>quantity){sku: quantity}", []),
        ("jsonata", "($x := data.a; $f := function($y) { $y + $x }; $f(1))", []),
        ("jsonata", "$sumup(data.a)", ["WF303"]),
        ("jsonata", "data.orders@$o#$i[$i > 1].{'a': $o.sku}", []),
        ("jsonata", "data ~> |orders|{'x': quantity}|", []),
        ("jsonata", "$map(data.a, function($v, $i, $all) { $v })", []),
        ("jsonata", "$.data.a", []),
        ("jsonata", "$.dta.a", ["WF303"]),
        ("jsonata", "**.sku", []),
        ("jsonata", "$uuid() & $hash(data.a, 'MD5') & $parseJson(data.b).x", []),
        ("jsonata", "$eval(data.code)", ["WF303"]),
        ("jsonata", "steps.start.output", []),
        ("jsonata", "steps.strat.output", ["WF307"]),
        ("jsonata", "$event", ["WF303"]),
        ("jmespath", "data.orders[?quantity > `2`].sku", []),
        ("jmespath", "orders[?quantity > `2`].sku", ["WF303"]),
        ("jmespath", "{a: data.x, b: amount}", ["WF303"]),
        ("jmespath", "sort_by(data.orders, &quantity)", []),
        ("jmespath", "data | amount", []),
        ("jmespath", "steps.start.output", []),
        ("jmespath", "steps.strat", ["WF307"]),
        ("jmespath", "@", []),
        ("jmespath", "foo(@)", ["WF303"]),
    ],
)
def test_x1_names_of_a_transform_are_looked_at(kind: str, source: str, codes: list[str]) -> None:
    document = workflow(step("start", input={"type": kind, "expression": source}))

    assert [code for code, _ in found(document)] == codes


@pytest.mark.parametrize(
    ("condition", "codes"),
    [
        ("has(steps.start)", []),
        ("has(steps.strat)", ["WF307"]),
        ("steps['strat'].status == 'x'", ["WF307"]),
        ("size(steps) > 0", []),
        ("amount > 1", ["WF303"]),
        ("size(data)", ["WF304"]),
        ("data.a + " * 200 + "1 == 2", ["WF305"]),
    ],
)
def test_x2_names_and_types_of_a_condition_are_looked_at(condition: str, codes: list[str]) -> None:
    transitions = [{"nextStepId": "fail", "condition": condition}, {"nextStepId": "end"}]

    assert [code for code, _ in found(workflow(step("start", next=transitions)))] == codes


def test_x1_a_name_that_is_not_bound_in_a_transform_is_a_warning() -> None:
    result = check(workflow(step("start", input={"type": "jmespath", "expression": "amount"})))

    assert result.valid
    assert [each.suggestion for each in result.diagnostics] == ["the working document is data, as in data.amount"]


def test_x2_the_message_names_what_is_bound_and_what_was_meant() -> None:
    transitions = [{"nextStepId": "fail", "condition": "dta.amount > 1"}, {"nextStepId": "end"}]
    [finding] = check(workflow(step("start", next=transitions))).diagnostics

    assert "'dta'" in finding.message
    assert "attempt, data, error" in finding.message
    assert finding.suggestion == "did you mean 'data'?"
