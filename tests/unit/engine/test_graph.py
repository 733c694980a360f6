"""The control flow of a definition, read off the document."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.model.task import TaskDefinition
from airflow_workflow_provider.model.ways import ON_FAILURE
from tests.unit.engine.driving import branch, graph_of, jmespath, step, to


def loops(graph: Graph, path: str = "") -> list[tuple[str, ...]]:
    return graph.loops(graph.lists[path])


def test_t1_every_list_has_a_path_an_owner_and_an_entry() -> None:
    graph = graph_of(
        step("p", parallelBranches=[branch("x", step("q", parallelBranches=[branch("y", step("a"))])), branch("z")]),
        step("each", forEach={"items": jmespath("input.xs"), "steps": [step("b")]}),
    )

    assert {path: found.entry for path, found in graph.lists.items()} == {
        "": "p",
        "p/x": "q",
        "p/x/q/y": "a",
        "p/z": None,
        "each[]": "b",
    }
    assert graph.home("a").path == "p/x/q/y"
    owner = graph.home("b").owner
    assert owner is not None
    assert owner.step_id == "each"
    assert [found.path for found in graph.child_lists(graph.step("p"))] == ["p/x", "p/z"]


def test_p4_names_of_items_reach_every_list_inside() -> None:
    inner = step("q", parallelBranches=[branch("x", step("a"))])
    graph = graph_of(step("each", forEach={"items": jmespath("x"), "as": "order", "steps": [inner]}))

    assert graph.lists["each[]/q/x"].names == {"order", "orderIndex"}
    assert graph.root.names == frozenset()


def test_t2_targets_of_the_workflow_count_as_named_before() -> None:
    graph = graph_of(step("a"), step("b"), onFailure={"nextStepId": "b"})

    assert graph.root.flow.default_next("a") is None


def test_t6_a_cycle_is_found_with_all_its_steps_in_document_order() -> None:
    graph = graph_of(
        step("a"), step("b", next=[to("c")]), step("c", next=[to("b", "input.x"), to("d")]), step("d", next=[])
    )

    assert loops(graph) == [("b", "c")]


def test_t6_a_step_that_leads_to_itself_is_a_cycle() -> None:
    assert loops(graph_of(step("a", next=[to("a", "input.x"), to("end")]))) == [("a",)]


def test_t6_a_handler_that_leads_back_makes_a_cycle() -> None:
    graph = graph_of(step("a", onFailure={"action": "continue", "nextStepId": "h"}), step("h", next=[to("a")]))

    assert loops(graph) == [("a", "h")]


def test_t6_a_handler_that_has_no_effect_makes_none() -> None:
    graph = graph_of(step("a"), step("b", onFailure={"action": "stop", "nextStepId": "a"}))

    assert loops(graph) == []


def test_t6_cycles_of_a_branch_are_its_own() -> None:
    graph = graph_of(step("p", parallelBranches=[branch("x", step("a", next=[to("a", "input.x"), to("end")]))]))

    assert loops(graph) == []
    assert loops(graph, "p/x") == [("a",)]


def test_t6_a_thousand_steps_in_a_row_need_no_recursion() -> None:
    graph = graph_of(*(step(f"s{number}") for number in range(3000)))

    assert loops(graph) == []
    assert len(graph.components(graph.root)) == 3000


def test_f7_the_workflows_handler_is_a_node_behind_every_normal_step() -> None:
    graph = graph_of(step("a"), step("b"), step("h"), onFailure={"nextStepId": "h"})

    assert graph.successors(graph.root, "a") == ("b", ON_FAILURE)
    assert graph.successors(graph.root, "h") == ()
    assert graph.successors(graph.root, ON_FAILURE) == ("h",)
    assert loops(graph) == []


def test_f7_a_handler_that_goes_back_to_a_normal_step_makes_a_cycle() -> None:
    graph = graph_of(step("a"), step("h", next=[to("a")]), onFailure={"nextStepId": "h"})

    assert loops(graph) == [("a", "h", ON_FAILURE)]


def test_k4_what_a_step_sets_wins_over_its_task() -> None:
    task = TaskDefinition.model_validate(
        {"taskId": "work", "name": "w", "operator": "noop", "timeout": "PT1M", "retryPolicy": {"maxAttempts": 3}}
    )
    graph = graph_of(
        step("a"), step("b", timeout="PT2M", retryPolicy={"maxAttempts": 1}), step("c", retryPolicy=[]),
        tasks={"work": task},
    )  # fmt: skip

    assert [graph.timeout(graph.step(name)) for name in "abc"] == ["PT1M", "PT2M", "PT1M"]
    assert [graph.may_retry(graph.step(name)) for name in "abc"] == [True, False, False]


@pytest.mark.parametrize(
    ("more", "inline"),
    [
        ({}, False),
        ({"retryPolicy": {"maxAttempts": 2}}, True),
        ({"retryPolicy": {"maxAttempts": 1}}, False),
        ({"onFailure": {"action": "retry"}}, True),
        ({"timeout": "PT1M"}, True),
        ({"failFast": True}, True),
    ],
)
def test_f2_f3_p2_branches_run_inline_where_they_are_retried_timed_or_stopped_as_a_whole(
    more: dict[str, Any], inline: bool
) -> None:
    graph = graph_of(step("p", parallelBranches=[branch("x", step("a"))], **more))

    assert graph.must_run_inline(graph.step("p")) is inline


def test_p3_a_step_without_branches_is_no_region() -> None:
    graph = graph_of(step("p", parallelBranches=[], failFast=True))

    assert not graph.is_region(graph.step("p"))
    assert not graph.must_run_inline(graph.step("p"))
