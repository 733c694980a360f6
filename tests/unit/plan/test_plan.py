"""The plan of a DAG."""

from __future__ import annotations

from typing import Any

from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.model.definition import WorkflowDefinition
from airflow_workflow_provider.model.ways import ON_FAILURE
from airflow_workflow_provider.plan.plan import Plan, plan_of
from tests.fixtures.documents import step

Json = dict[str, Any]


def plan(*steps: Json, **more: Any) -> Plan:
    document = {"workflowId": "w", "name": "w", "version": "1.0.0", "steps": list(steps), **more}
    return plan_of(Graph.of(WorkflowDefinition.model_validate(document)))


def edges(found: Plan) -> set[tuple[str, str]]:
    return {(edge.source, edge.target) for edge in found.edges}


def kinds(found: Plan) -> dict[str, str]:
    return {node.task_id: node.kind for node in found.nodes}


def test_t2_steps_follow_one_another() -> None:
    found = plan(step("a"), step("b"))
    assert kinds(found) == {"end": "end", "a": "step", "b": "step"}
    assert edges(found) == {("a", "b"), ("b", "end")}


def test_t3_an_edge_to_what_a_sibling_reaches_has_an_empty_task() -> None:
    found = plan(
        step("a", next=[{"nextStepId": "b", "condition": "true"}, {"nextStepId": "c"}]),
        step("b", next=[{"nextStepId": "c"}]),
        step("c"),
    )
    assert kinds(found)["a.to.c"] == "edge"
    assert edges(found) == {("a", "b"), ("a", "a.to.c"), ("a.to.c", "c"), ("b", "c"), ("c", "end")}
    assert found.node("a").routes == {"b": "b", "c": "a.to.c"}


def test_t4_fail_is_a_task_only_where_it_can_be_chosen() -> None:
    assert "fail" not in kinds(plan(step("a")))
    found = plan(step("a", next=[{"nextStepId": "fail"}]))
    assert edges(found) == {("a", "fail"), ("fail", "end")}


def test_t6_the_steps_of_a_cycle_are_one_task() -> None:
    found = plan(step("a"), step("b", next=[{"nextStepId": "a", "condition": "true"}, {"nextStepId": "c"}]), step("c"))
    assert kinds(found) == {"end": "end", "a.loop": "loop", "c": "step"}
    assert found.task_of == {"a": "a.loop", "b": "a.loop", "c": "c"}
    assert found.node("a.loop").routes == {"c": "c"}


def test_f4_a_catch_stands_where_a_failure_can_be_routed() -> None:
    handler = {"errorHandler": {"conditions": [{"errorType": "X", "nextStepId": "c"}]}}
    found = plan(step("a", onFailure=handler), step("b", onFailure={"action": "stop"}), step("c"))
    assert kinds(found)["a.catch"] == "catch"
    assert "b.catch" not in kinds(found)
    assert found.node("a.catch").rule == "one_done"
    assert {edge.source for edge in found.edges if edge.target == "a.catch"} == {"a"}


def test_f7_every_step_before_it_can_reach_the_workflows_handler() -> None:
    found = plan(step("a"), step("b"), step("h"), onFailure={"action": "stop", "nextStepId": "h"})
    assert kinds(found)[ON_FAILURE] == "on_failure"
    assert found.node("a.catch").routes == {ON_FAILURE: ON_FAILURE}
    assert found.node("b.catch").routes == {ON_FAILURE: ON_FAILURE}
    assert "h.catch" not in kinds(found)
    assert found.node(ON_FAILURE).routes == {"h": "h"}
    assert found.node("h").routes == {"fail": "fail"}


def test_p1_a_join_waits_for_the_sinks_of_the_branches() -> None:
    branches = [{"branchId": "x", "steps": [step("x1")]}, {"branchId": "y", "steps": []}]
    found = plan(step("p", parallelBranches=branches, onFailure={"action": "continue"}), step("q"))
    assert found.node("p").starts == ("x1", "p.y.end")
    assert found.node("p.join").rule == "none_skipped"
    assert {edge.source for edge in found.edges if edge.target == "p.join"} == {"p", "p.x.end", "p.y.end"}
    assert {edge.source for edge in found.edges if edge.target == "p.catch"} == {"p.join"}
    assert found.node("x1").routes == {"end": "p.x.end"}


def test_p4_items_and_regions_that_are_retried_run_inside_one_task() -> None:
    items = {"items": {"type": "jmespath", "expression": "input"}, "steps": [step("i")]}
    branches = [{"branchId": "x", "steps": [step("x1")]}]
    found = plan(step("e", forEach=items), step("r", parallelBranches=branches, retryPolicy={"maxAttempts": 2}))
    assert kinds(found) == {"end": "end", "e": "inline", "r": "inline"}


def test_ids_of_boxes_are_never_those_of_tasks() -> None:
    found = plan(step("a", parallelBranches=[{"branchId": "b", "steps": [step("a__b")]}]))
    assert [group.group_id for group in found.groups] == ["a__b_"]
    long = plan(step("s" * 100, parallelBranches=[{"branchId": "b" * 100, "steps": []}]))
    assert all(len(group.group_id) <= 200 for group in long.groups)
    assert all(len(node.task_id) <= 250 for node in long.nodes)


def test_the_nodes_that_decide_about_a_task_are_found_through_empty_ones() -> None:
    found = plan(
        step("a", next=[{"nextStepId": "b", "condition": "true"}, {"nextStepId": "c"}]),
        step("b", next=[{"nextStepId": "c"}]),
        step("c"),
    )
    assert {node.task_id for node in found.deciders("c")} == {"a", "b"}
    assert found.steps_before("end") == {"a", "b", "c"}
