"""Definitions as nodes and edges."""

from __future__ import annotations

from typing import Any

from airflow_workflow_provider.model.task import TaskDefinition
from airflow_workflow_provider.plan.plan import plan_of
from airflow_workflow_provider.views.drawing import Drawing, drawing_of
from tests.support.drawings import FILE, drawings
from tests.unit.engine.driving import branch, graph_of, jmespath, step, to


def draw(*steps: Any, **more: Any) -> Drawing:
    graph = graph_of(*steps, **more)
    return drawing_of(graph, plan_of(graph).task_of)


def ways(drawing: Drawing) -> set[tuple[str, str, str, str]]:
    return {(edge.source, edge.target, edge.kind, edge.label) for edge in drawing.edges}


def test_a_row_of_steps() -> None:
    drawing = draw(step("a", name="First"), step("b"))
    assert [(node.id, node.kind, node.name) for node in drawing.nodes] == [
        (".start", "start", "Start"),
        ("a", "step", "First"),
        ("b", "step", "b"),
        (".end", "end", "End"),
    ]
    assert ways(drawing) == {(".start", "a", "next", ""), ("a", "b", "next", ""), ("b", ".end", "next", "")}


def test_choices_handlers_and_compensation_are_distinct() -> None:
    drawing = draw(
        step("a", next=[to("b", "data.x > 1"), to("fail")], compensation={"taskId": "undo"}),
        step("b", onFailure={"action": "continue", "nextStepId": "c"}, next=[]),
        step("c", next=[]),
        onFailure={"action": "stop", "nextStepId": "c", "errorHandler": {"conditions": []}},
    )
    assert ways(drawing) == {
        (".start", "a", "next", ""),
        ("a", "b", "next", "data.x > 1"),
        ("a", ".fail", "next", "otherwise"),
        ("a", "a.compensation", "compensation", "undo"),
        ("b", ".end", "next", ""),
        ("b", "c", "error", "any error"),
        ("c", ".end", "next", ""),
        (".onFailure", "c", "error", "any error"),
    }
    assert [edge.target for edge in drawing.edges if edge.default] == [".fail"]
    decisions = {(edge.step_id, edge.decision): edge.target for edge in drawing.edges if edge.step_id}
    assert decisions["a", "fail"] == ".fail"
    assert decisions["b", "end"] == ".end"


def test_branches_are_groups_between_a_step_and_its_join() -> None:
    inner = step("in", parallelBranches=[branch("deep", step("d"))])
    drawing = draw(step("par", parallelBranches=[branch("b1", step("a"), inner), branch("empty")]), step("z"))
    assert [(group.id, group.kind, group.step_id, group.parent) for group in drawing.groups] == [
        ("par/b1", "branch", "par", None),
        ("in/deep", "branch", "in", "par/b1"),
        ("par/empty", "branch", "par", None),
    ]
    groups = {node.id: node.group for node in drawing.nodes}
    assert (groups["a"], groups["in.join"], groups["d"], groups["par.join"]) == ("par/b1", "par/b1", "in/deep", None)
    assert {("par", "a", "fork", "b1"), ("par", "par.join", "fork", "empty"), ("in.join", "par.join", "next", "")} <= (
        ways(drawing)
    )
    assert ("par.join", "z", "next", "") in ways(drawing)


def test_items_are_a_group_and_their_steps_run_in_its_task() -> None:
    each = {"items": jmespath("data.ids"), "as": "order", "steps": [step("one", next=[to("fail")])]}
    drawing = draw(step("all", forEach=each))
    assert [(group.id, group.kind, group.name) for group in drawing.groups] == [("all/order", "items", "order")]
    assert {node.airflow_task_id for node in drawing.nodes if node.step_id} == {"all"}
    assert ("one", "all.join", "next", "") in ways(drawing)


def test_loops_go_back() -> None:
    drawing = draw(step("a"), step("b", next=[to("a", "data.again"), to("b", "data.retry"), to("c")]), step("c"))
    assert {(edge.source, edge.target) for edge in drawing.edges if edge.back} == {("b", "a"), ("b", "b")}
    assert {node.id for node in drawing.nodes if node.loop} == {"a", "b"}
    assert {node.airflow_task_id for node in drawing.nodes if node.loop} == {"a.loop"}


def test_the_same_definition_gives_the_same_drawing() -> None:
    steps = [step("par", parallelBranches=[branch("b1", step("a")), branch("b2", step("b"))]), step("z")]
    assert draw(*steps) == draw(*steps)


def test_steps_that_ask_people_are_marked_whatever_their_task_is_called() -> None:
    tasks = {
        "sign-off": TaskDefinition(task_id="sign-off", name="Sign off", operator="approval"),
        "undo": TaskDefinition(task_id="undo", name="Undo", operator="form"),
    }
    graph = graph_of(step("a", "sign-off", compensation={"taskId": "undo"}), step("b", "approval"), tasks=tasks)
    drawing = drawing_of(graph, None, lambda operator: operator in ("approval", "form"))
    assert [node.id for node in drawing.nodes if node.asks_people] == ["a"]


def test_two_handlers_of_one_step_are_edges_of_their_own() -> None:
    conditions = [{"errorType": "Rejected", "nextStepId": "d"}, {"errorType": "TimeoutError", "nextStepId": "d"}]
    drawing = draw(step("a", next=[], onFailure={"errorHandler": {"conditions": conditions}}), step("d"))
    assert [(edge.id, edge.label) for edge in drawing.edges if edge.target == "d"] == [
        ("a/failure/0", "Rejected"),
        ("a/failure/1", "TimeoutError"),
    ]
    assert len({edge.id for edge in drawing.edges}) == len(drawing.edges)


def test_the_editor_is_compared_with_what_is_drawn_today() -> None:
    assert FILE.read_text(encoding="utf-8") == drawings(), "run: make reference"
