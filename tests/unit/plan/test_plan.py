"""The plan of a DAG."""

from __future__ import annotations

from typing import Any

from airflow_workflow_provider.engine.graph import DAG_SHAPE, DAG_SHAPE_OF_CATCHES, Graph
from airflow_workflow_provider.model.definition import WorkflowDefinition
from airflow_workflow_provider.model.ways import ON_FAILURE
from airflow_workflow_provider.plan.nodes import Plan
from airflow_workflow_provider.plan.plan import plan_of
from tests.support.documents import step

Json = dict[str, Any]


def plan(*steps: Json, shape: int = DAG_SHAPE, **more: Any) -> Plan:
    document = {"workflowId": "w", "name": "w", "version": "1.0.0", "steps": list(steps), **more}
    return plan_of(Graph.of(WorkflowDefinition.model_validate(document), dag_shape=shape))


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


def test_f4_what_handles_a_failure_starts_behind_the_failed_task() -> None:
    handler = {"errorHandler": {"conditions": [{"errorType": "X", "nextStepId": "c"}]}}
    found = plan(step("a", onFailure=handler), step("b", onFailure={"action": "stop"}, next=[]), step("c"))
    assert kinds(found) == {"end": "end", "a": "step", "b": "step", "c": "step"}
    assert edges(found) == {("a", "b"), ("b", "end"), ("a", "c"), ("c", "end")}
    assert found.node("a").failing == {"c": "c"}
    assert found.node("c").rule == "one_done"
    # Airflow does not start b behind a failed task; it is not skipped, so that it starts when a is marked as success.
    assert found.skipped("a", ["c"], failed=True) == ()
    assert found.skipped("a", ["b"]) == found.skipped("a", [], failed=True) == ("c",)


def test_f4_where_successes_lead_to_a_handler_too_an_empty_task_stands_for_the_failures() -> None:
    handler = {"action": "continue", "nextStepId": "c"}
    found = plan(step("a", onFailure=handler), step("b", onFailure=handler, next=[{"nextStepId": "c"}]), step("c"))
    assert kinds(found)["c.on.failure"] == "edge"
    assert found.node("c.on.failure").rule == "one_failed"
    assert found.node("a").failing == found.node("b").failing == {"c": "c.on.failure"}
    assert found.node("c").rule == "one_success"
    # After a failure of a the others cannot come any more, after a success they can.
    assert found.skipped("a", ["c.on.failure"], failed=True) == ()
    assert found.skipped("a", ["b"]) == ()
    assert found.skipped("b", ["c"]) == ("c.on.failure",)


def test_f4_a_handler_that_another_handler_leads_to_has_an_empty_task() -> None:
    handler = {"action": "continue", "nextStepId": "c", "errorHandler": {"conditions": [
        {"errorType": "X", "nextStepId": "b"}]}}  # fmt: skip
    found = plan(step("a", onFailure=handler, next=[]), step("b", next=[{"nextStepId": "c"}]), step("c"))
    assert found.node("a").failing == {"b": "b", "c": "a.failed.c"}
    assert (found.node("a.failed.c").kind, found.node("a.failed.c").rule) == ("edge", "one_done")
    assert found.skipped("a", ["b"], failed=True) == ("a.failed.c",)


def test_f4_a_failure_that_ends_the_workflow_has_a_task_that_looks_whether_it_has_ended() -> None:
    found = plan(step("a", onFailure={"action": "continue", "nextStepId": "end"}), step("b"))
    assert found.node("a").failing == {"end": "a.failed.end"}
    assert found.node("a.failed.end").kind == "handled"


def test_f7_every_step_before_it_can_reach_the_workflows_handler() -> None:
    found = plan(step("a"), step("b"), step("h"), onFailure={"action": "stop", "nextStepId": "h"})
    assert kinds(found) == {
        "end": "end", "a": "step", "b": "step", "h": "step", ON_FAILURE: "on_failure", "fail": "fail"
    }  # fmt: skip
    assert found.node("a").failing == found.node("b").failing == {ON_FAILURE: ON_FAILURE}
    assert found.node("h").failing == {}
    assert found.node(ON_FAILURE).rule == "one_failed"
    assert found.node(ON_FAILURE).routes == {"h": "h"}
    assert found.node("h").routes == {"fail": "fail"}
    assert found.skipped("a", [ON_FAILURE], failed=True) == ()
    assert found.skipped("b", ["end"]) == ("h", ON_FAILURE, "fail")


def test_f7_what_a_handled_failure_leaves_out_does_not_start_the_workflows_handler() -> None:
    handler = {"errorHandler": {"conditions": [{"errorType": "X", "nextStepId": "c"}]}}
    found = plan(step("a", onFailure=handler), step("b"), step("c", next=[]), onFailure={"action": "stop"})
    # Else b would count as failed before c, whose failure that handler is for too.
    assert found.skipped("a", ["c"], failed=True) == ("b", "a.failed.fail.on_failure")


def test_f4_a_revision_from_before_shapes_were_recorded_keeps_its_catches() -> None:
    handler = {"errorHandler": {"conditions": [{"errorType": "X", "nextStepId": "c"}]}}
    branches = [{"branchId": "x", "steps": [step("x1")]}]
    steps = (step("a", onFailure=handler), step("b", onFailure={"action": "stop"}), step("c"))
    found = plan(*steps, step("p", parallelBranches=branches), shape=DAG_SHAPE_OF_CATCHES)
    assert kinds(found)["a.catch"] == "catch"
    assert "b.catch" not in kinds(found)
    assert found.node("a.catch").rule == "one_done"
    assert found.node("a").failing == {}
    assert {edge.source for edge in found.edges if edge.target == "a.catch"} == {"a"}
    assert found.node("x1").routes == {"end": "p.x.end"}


def test_p1_a_join_waits_for_what_ends_the_branches() -> None:
    two_ends = [step("z1", next=[{"nextStepId": "z2", "condition": "true"}, {"nextStepId": "end"}]), step("z2")]
    branches = [
        {"branchId": "x", "steps": [step("x1"), step("x2")]},
        {"branchId": "y", "steps": []},
        {"branchId": "z", "steps": two_ends},
    ]
    found = plan(step("p", parallelBranches=branches, onFailure={"action": "continue"}), step("q"))
    assert found.node("p").starts == ("x1", "p.y.end", "z1")
    assert found.node("p.join").rule == "none_skipped"
    assert {edge.source for edge in found.edges if edge.target == "p.join"} == {"p", "x2", "p.y.end", "p.z.end"}
    assert found.node("x2").routes == {"end": "p.join"}
    assert found.node("p.join").failing == {"q": "p.join.failed.q"}
    assert found.node("p").failing == {}


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
