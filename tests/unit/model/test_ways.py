"""Where a step can lead, as one table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from airflow_workflow_provider.model.flow import Flow
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.model.ways import Way, every_step, inner_lists, ways_of_workflow
from tests.support.documents import step, workflow


def routes(*conditions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"errorHandler": {"conditions": list(conditions)}, **more}


def lines(ways: tuple[Way, ...]) -> list[tuple[str, str, str]]:
    return [(way.id, way.target, way.label) for way in ways]


def flow_of(*steps: dict[str, Any]) -> Flow:
    return Flow.of(parse_definition(workflow(*steps), checked=False).steps)


def test_every_way_out_of_a_step_in_the_order_in_which_they_are_decided() -> None:
    flow = flow_of(
        step(
            "ask",
            next=[{"nextStepId": "b", "condition": "output.ok"}, {"nextStepId": "fail"}],
            onFailure=routes(
                {"errorType": "Rejected", "nextStepId": "c"},
                {"errorType": "Http", "errorCode": "404", "nextStepId": "c"},
                action="continue",
                nextStepId="end",
            ),
            compensation={"taskId": "undo"},
        ),
        step("b"),
        step("c"),
    )
    assert lines(flow.ways("ask")) == [
        ("ask/next/0", "b", "output.ok"),
        ("ask/next/1", "fail", "otherwise"),
        ("ask/failure/0", "c", "Rejected"),
        ("ask/failure/1", "c", "Http, code 404"),
        ("ask/failure/2", "end", "any error"),
        ("ask/compensation/0", "ask.compensation", "undo"),
    ]
    assert [way.is_otherwise for way in flow.ways("ask")] == [False, True, False, False, False, False]


def test_t2_without_next_there_is_one_way() -> None:
    flow = flow_of(step("a"), step("b", next=[]), step("c"))
    assert [lines(flow.ways(name)) for name in "abc"] == [
        [("a/next/0", "b", "")],
        [("b/next/0", "end", "")],
        [("c/next/0", "end", "")],
    ]


def test_p1_p4_branches_and_items_start_with_their_first_step() -> None:
    each = {"items": {"type": "jmespath", "expression": "data.l"}, "as": "order", "steps": [step("one")]}
    branches = [{"branchId": "b1", "steps": [step("x")]}, {"branchId": "none", "steps": []}]
    definition = parse_definition(workflow(step("par", parallelBranches=branches), step("all", forEach=each)))
    flow = Flow.of(definition.steps)
    assert lines(flow.ways("par"))[1:] == [("par/branch/b1", "x", "b1"), ("par/branch/none", "end", "none")]
    assert lines(flow.ways("all"))[1:] == [("all/items/0", "one", "order")]
    (items,) = inner_lists(flow.steps["all"])
    assert items.branch_id is None
    assert items.names == {"order", "orderIndex"}
    assert [("/".join(map(str, place)), found.step_id) for place, found in every_step(definition.steps)] == [
        ("steps/0", "par"),
        ("steps/0/parallelBranches/0/steps/0", "x"),
        ("steps/1", "all"),
        ("steps/1/forEach/steps/0", "one"),
    ]


def test_f7_the_workflows_ways_have_ids_that_no_step_has() -> None:
    handler = routes({"errorType": "A", "nextStepId": "a"}, action="stop", nextStepId="end")
    definition = parse_definition(workflow(step("a"), onFailure=handler), checked=False)
    assert lines(ways_of_workflow(definition)) == [
        ("fail.on_failure/failure/0", "a", "A"),
        ("fail.on_failure/failure/1", "end", "any error"),
    ]


def test_the_id_of_a_way_is_unique_in_its_definition() -> None:
    counted = 0
    for path in sorted((Path(__file__).parents[3] / "examples").rglob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict) or "steps" not in document:
            continue
        definition = parse_definition(document, checked=False)
        lists = [
            definition.steps,
            *(each.steps for _, found in every_step(definition.steps) for each in inner_lists(found)),
        ]
        ids = [way.id for steps in lists for found in steps for way in Flow.of(steps).ways(found.step_id)]
        ids += [way.id for way in ways_of_workflow(definition)]
        assert len(ids) == len(set(ids))
        counted += len(ids)
    assert counted > 100
