"""Rule I7: what ``settings.concurrency`` may hold."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_workflow_provider.model.validate import validate_document
from tests.support.documents import step, workflow

PLACE = "/settings/concurrency"


def found(concurrency: Any) -> list[tuple[str, str, str]]:
    document = workflow(step("a"), settings={"concurrency": concurrency})
    return [(each.code, each.severity, each.pointer) for each in validate_document(document).diagnostics]


def key(expression: str, kind: str = "jmespath") -> dict[str, Any]:
    return {"limit": 1, "key": {"type": kind, "expression": expression}}


@pytest.mark.parametrize("on_limit", ["queue", "skip", "replace", "fail"])
def test_i7_each_way_is_accepted(on_limit: str) -> None:
    assert found({"limit": 3, "onLimit": on_limit, **key("[input.customer, event.type, workflow.id]")}) == []


@pytest.mark.parametrize(
    ("concurrency", "code", "severity", "pointer"),
    [
        ({}, "WF111", "error", "/limit"),
        ({"limit": 0}, "WF114", "error", "/limit"),
        ({"limit": 2_000_000}, "WF114", "error", "/limit"),
        ({"limit": "3"}, "WF112", "error", "/limit"),
        ({"limit": 1, "onLimit": "wait"}, "WF113", "error", "/onLimit"),
        ({"limit": 1, "max": 2}, "WF110", "error", "/max"),
        (key("input."), "WF301", "error", "/key/expression"),
        (key(""), "WF302", "error", "/key/expression"),
        (key("$nothing", "jsonata"), "WF303", "error", "/key/expression"),
        (key("data.customer"), "WF303", "warning", "/key/expression"),
        (key("steps.a.output"), "WF303", "warning", "/key/expression"),
        (key("input.customer", "cel"), "WF113", "error", "/key/type"),
    ],
)
def test_i7_what_it_cannot_be_is_found(concurrency: Any, code: str, severity: str, pointer: str) -> None:
    assert (code, severity, PLACE + pointer) in found(concurrency)


def own(task_id: str, concurrency: Any, **more: Any) -> list[tuple[str, str, str]]:
    document = workflow(
        step("a", task_id, **more), settings={} if concurrency is None else {"concurrency": concurrency}
    )
    found = validate_document(document).diagnostics
    return [(each.code, each.severity, each.pointer) for each in found if each.code == "WF218"]


OWN = "workflow:" + workflow(step("a"))["workflowId"]
OTHERS = ["queue", "skip", "replace", "fail"]
WARNED = ("WF218", "warning", "/steps/0/taskId")


@pytest.mark.parametrize("on_limit", OTHERS)
@pytest.mark.parametrize("limited", [{"limit": 1}, {"limit": 5}, key("input.customer")])
def test_i7_a_limited_workflow_that_starts_itself_is_found(on_limit: str, limited: Any) -> None:
    assert own(OWN, {**limited, "onLimit": on_limit}) == [WARNED]


def test_i7_what_becomes_of_it_is_said_for_each_way() -> None:
    said = []
    for on_limit in OTHERS:
        document = workflow(step("a", OWN), settings={"concurrency": {"limit": 1, "onLimit": on_limit}})
        said += [each.message for each in validate_document(document).diagnostics if each.code == "WF218"]

    assert len(set(said)) == len(OTHERS)
    assert "wait forever" in said[0]
    assert "if it has the same key" not in said[0]


@pytest.mark.parametrize(
    ("task_id", "concurrency", "warned"),
    [
        (OWN + "@1.0.0", {"limit": 1}, True),
        (OWN + "@2.0.0", {"limit": 1}, False),
        (OWN + "x", {"limit": 1}, False),
        ("workflow:other", {"limit": 1}, False),
        (OWN.removeprefix("workflow:"), {"limit": 1}, False),
        (OWN, None, False),
    ],
)
def test_i7_only_the_workflow_itself_and_only_with_a_limit(task_id: str, concurrency: Any, warned: bool) -> None:
    assert own(task_id, concurrency) == ([WARNED] if warned else [])


def test_i7_branches_items_and_compensations_are_looked_through() -> None:
    limit = {"limit": 1}
    branches = [{"branchId": "b", "steps": [step("c", OWN)]}]
    items = {"items": {"type": "jmespath", "expression": "input.xs"}, "steps": [step("c", OWN)]}

    places = [
        own("noop", limit, parallelBranches=branches),
        own("noop", limit, forEach=items),
        own("noop", limit, compensation={"taskId": OWN}),
    ]

    assert [[pointer for _, _, pointer in found] for found in places] == [
        ["/steps/0/parallelBranches/0/steps/0/taskId"],
        ["/steps/0/forEach/steps/0/taskId"],
        ["/steps/0/compensation/taskId"],
    ]
