from __future__ import annotations

from typing import Any

import pytest

from tests.support.documents import check, found, step, workflow

ALL_TO_B = {"conditions": [{"errorType": "*", "nextStepId": "b"}]}
ITEMS = {"type": "jmespath", "expression": "data.orders"}


def _to(*names: str) -> list[dict[str, str]]:
    return [{"nextStepId": name, "condition": "data.x == 1"} for name in names[:-1]] + [{"nextStepId": names[-1]}]


def _branch(*steps: dict[str, Any], branch_id: str = "x") -> dict[str, Any]:
    return {"branchId": branch_id, "steps": list(steps)}


def test_t4_a_target_is_a_step_or_end_or_fail() -> None:
    handler = {
        "action": "continue",
        "nextStepId": "fail",
        "errorHandler": {"conditions": [{"errorType": "*", "nextStepId": "end"}]},
    }

    assert (
        found(workflow(step("a", next=_to("b", "fail", "end"), onFailure=handler), step("b"), onFailure=handler)) == []
    )


def test_d2_a_dangling_target_comes_with_the_nearest_steps() -> None:
    handler = {"nextStepId": "chekc", "action": "continue",
               "errorHandler": {"conditions": [{"errorType": "*", "nextStepId": "ENd"}]}}  # fmt: skip
    document = workflow(step("check", next=_to("Check", "chk")), onFailure=handler)
    findings = check(document).diagnostics

    assert [(each.code, each.pointer, each.suggestion) for each in findings] == [
        ("WF201", "/steps/0/next/0/nextStepId", "did you mean 'check'?"),
        ("WF201", "/steps/0/next/1/nextStepId", "did you mean 'check'?"),
        ("WF201", "/onFailure/nextStepId", "did you mean 'check'?"),
        ("WF201", "/onFailure/errorHandler/conditions/0/nextStepId", "did you mean 'end'?"),
    ]


def test_t7_no_transition_enters_a_branch() -> None:
    document = workflow(
        step("a", parallelBranches=[_branch(step("inside"))], next=_to("b", "inside")),
        step("b", onFailure={"action": "continue", "nextStepId": "inside"}),
        onFailure={"errorHandler": {"conditions": [{"errorCode": "*", "nextStepId": "inside"}]}},
    )

    assert found(document) == [
        ("WF202", "/steps/0/next/1/nextStepId"),
        ("WF202", "/steps/1/onFailure/nextStepId"),
        ("WF202", "/onFailure/errorHandler/conditions/0/nextStepId"),
    ]


def test_t7_no_transition_leaves_a_branch_or_an_item() -> None:
    document = workflow(
        step("a", parallelBranches=[_branch(step("b", next=_to("a", "c"))), _branch(step("c"), branch_id="y")]),
        step("d", forEach={"items": ITEMS, "steps": [step("e", next=_to("d"))]}),
    )

    assert found(document) == [
        ("WF202", "/steps/0/parallelBranches/0/steps/0/next/0/nextStepId"),
        ("WF202", "/steps/0/parallelBranches/0/steps/0/next/1/nextStepId"),
        ("WF202", "/steps/1/forEach/steps/0/next/0/nextStepId"),
    ]


@pytest.mark.parametrize("place", ["top", "branch", "items"])
def test_t7_every_step_is_reachable(place: str) -> None:
    steps = [step("a", next=[]), step("lost"), step("alsoLost", next=_to("lost"))]
    document = {
        "top": workflow(*steps),
        "branch": workflow(step("p", parallelBranches=[_branch(*steps)])),
        "items": workflow(step("p", forEach={"items": ITEMS, "steps": steps})),
    }[place]
    prefix = {"top": "/steps", "branch": "/steps/0/parallelBranches/0/steps", "items": "/steps/0/forEach/steps"}[place]

    assert found(document) == [("WF203", f"{prefix}/1"), ("WF203", f"{prefix}/2")]


@pytest.mark.parametrize(
    "document",
    [
        workflow(step("a"), step("b")),
        workflow(step("a", next=_to("c", "b")), step("b", next=[]), step("c")),
        workflow(step("a", next=[], onFailure={"action": "continue", "nextStepId": "b"}), step("b")),
        workflow(step("a", onFailure={"errorHandler": ALL_TO_B}), step("b")),
        workflow(step("a"), step("b"), onFailure={"nextStepId": "b"}),
        workflow(step("a"), step("b"), onFailure={"errorHandler": ALL_TO_B}),
        # a loop back, also from a handler
        workflow(step("a"), step("b", next=_to("a", "end"))),
        workflow(step("a", onFailure={"action": "continue", "nextStepId": "fix"}), step("fix", next=_to("a"))),
        # what follows a parallel step whose branches end early
        workflow(step("a", parallelBranches=[_branch(step("x", next=[]))]), step("b")),
    ],
)  # fmt: skip
def test_t7_what_order_transitions_and_handlers_lead_to_is_reachable(document: Any) -> None:
    assert found(document) == []


def test_t7_a_handler_that_is_never_used_leads_nowhere() -> None:
    document = workflow(step("a", next=[], onFailure={"action": "stop", "nextStepId": "b"}), step("b"))

    assert found(document) == [("WF208", "/steps/0/onFailure/nextStepId"), ("WF203", "/steps/1")]


def test_t3_an_entry_without_condition_is_the_last() -> None:
    transitions = [{"nextStepId": "end"}, {"nextStepId": "a", "condition": "data.x"}, {"nextStepId": "fail"}]

    assert found(workflow(step("a", next=transitions))) == [("WF204", "/steps/0/next/1"), ("WF204", "/steps/0/next/2")]


@pytest.mark.parametrize(("condition", "warned"), [("data.x == 1", True), ("true", False), (" true ", False)])
def test_t4_a_next_without_an_unconditional_entry_is_warned_of(condition: str, warned: bool) -> None:
    result = check(workflow(step("a", next=[{"nextStepId": "end", "condition": condition}])))

    assert result.valid
    assert [(each.code, each.pointer) for each in result.diagnostics] == [("WF205", "/steps/0/next")] * warned


def test_t4_the_seeds_transitions_load_with_a_warning() -> None:
    transitions = [
        {"nextStepId": "approveRequest", "condition": "data.amount > 1000"},
        {"nextStepId": "autoApprove", "condition": "data.amount <= 1000"},
    ]
    document = workflow(step("check", next=transitions), step("approveRequest"), step("autoApprove"))

    assert check(document).valid
    assert found(document) == [("WF205", "/steps/0/next")]


def test_t4_an_empty_next_needs_no_else() -> None:
    assert found(workflow(step("a", next=[]))) == []


def test_t2_a_target_that_runs_on_beside_one_that_ends_is_warned_of() -> None:
    steps = [step("check", next=_to("approve", "auto")), step("approve"), step("auto"), step("notify")]
    [finding] = check(workflow(*steps)).diagnostics

    assert (finding.code, finding.severity, finding.pointer) == ("WF206", "warning", "/steps/2")
    for name in ("'auto'", "'notify'", "'approve'"):
        assert name in finding.message


@pytest.mark.parametrize(
    "steps",
    [
        [step("check", next=_to("approve", "auto")), step("approve"), step("auto")],
        [step("check", next=_to("approve", "auto")), step("approve", next=_to("notify")), step("auto"), step("notify")],
        [step("check", next=_to("approve", "end")), step("approve"), step("notify")],
        [step("check", next=_to("approve", "auto")), step("approve", next=[]), step("auto"), step("notify")],
    ],
)
def test_t2_where_the_author_states_what_follows_nothing_is_warned_of(steps: list[dict[str, Any]]) -> None:
    assert [code for code, _ in found(workflow(*steps)) if code == "WF206"] == []


@pytest.mark.parametrize("action", ["stop", "retry"])
def test_f4_a_next_step_id_without_continue_is_warned_of(action: str) -> None:
    result = check(workflow(step("a", onFailure={"action": action, "nextStepId": "a"})))

    assert result.valid
    assert [(each.code, each.pointer) for each in result.diagnostics] == [("WF208", "/steps/0/onFailure/nextStepId")]


def test_f7_a_workflows_next_step_id_counts_with_every_action() -> None:
    assert found(workflow(step("a"), step("b"), onFailure={"action": "stop", "nextStepId": "b"})) == []
