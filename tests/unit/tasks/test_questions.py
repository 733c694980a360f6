from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.tasks.questions import (
    ANYONE,
    AnswerRefused,
    answer_without,
    ask_of,
    check_answer,
    is_decided,
    joined,
    keys_of,
    result_of,
)
from airflow_workflow_provider.testing import WorkflowSimulator

NOW = datetime(2027, 1, 31, 9, tzinfo=UTC)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"street": {"type": "string", "minLength": 3}, "country": {"type": "string", "default": "DE"}},
    "required": ["street"],
}


def ask(kind: str = "approval", **arguments: Any) -> Any:
    return ask_of(kind, {"subject": "Buy it?", **arguments}, NOW)


def vote(decision: str) -> dict[str, Any]:
    return {"by": {"id": "1", "name": "ada"}, "decision": decision, "form": {}, "comment": "too dear", "at": "now"}


def refused(*given: Any) -> list[str]:
    with pytest.raises(AnswerRefused) as caught:
        check_answer(*given)
    return [each["pointer"] for each in caught.value.findings]


def test_k3_an_approval_leaves_two_decisions_and_asks_anyone() -> None:
    asked = ask()

    assert (asked.options, asked.min_approvals, asked.due_at, asked.plan) == (("approve", "reject"), 1, None, ())
    assert keys_of(asked.assignees) == [ANYONE]
    assert ask("form", schema=SCHEMA).options == ("submit",)


def test_k3_what_is_due_counts_from_the_question_and_comes_by_time() -> None:
    later = {"users": ["boss"]}
    asked = ask(timeout="P3D", reminders=["P2D", "PT4H"], escalations=[{"after": "P1D", "assignees": later}])

    assert asked.due_at == NOW + timedelta(days=3)
    assert [(each.kind, each.at - NOW, each.assignees) for each in asked.plan] == [
        ("reminder", timedelta(hours=4), None),
        ("escalation", timedelta(days=1), later),
        ("reminder", timedelta(days=2), None),
    ]


@pytest.mark.parametrize(
    ("arguments", "pointer"),
    [
        ({"options": []}, "/options"),
        ({"assignees": {"users": []}}, "/assignees"),
        ({"timeout": "P1D", "onTimeout": "perhaps"}, "/onTimeout"),
        ({"schema": {"type": "objekt"}}, "/schema/type"),
        ({"schema": {"$ref": "https://example.com"}}, "/schema/$ref"),
    ],
)
def test_k3_arguments_that_came_out_wrong_are_an_error_of_the_step(arguments: dict[str, Any], pointer: str) -> None:
    with pytest.raises(StepFailure) as caught:
        ask(**arguments)

    assert caught.value.error_type == "ValidationError"
    assert caught.value.details["errors"][0]["pointer"] == pointer


def test_k3_assignees_are_added_to_those_before_and_anyone_stays_anyone() -> None:
    assert joined({"roles": ["a"]}, {"users": ["b"], "roles": ["a", "c"]}) == {
        "users": ["b"],
        "roles": ["a", "c"],
        "groups": [],
    }
    assert joined(None, {"users": ["b"]}) is None
    assert keys_of({"users": ["a"], "groups": ["g"], "roles": ["r"]}) == ["user:a", "role:r", "group:g"]


def test_k3_an_answer_is_refused_with_everything_that_is_wrong() -> None:
    options = ("approve", "reject")

    assert refused(options, ("reject",), {}, "reject", None, "  ") == ["/comment"]
    assert refused(options, (), {}, "perhaps", {"a": 1}, None) == ["/decision", "/form"]
    assert refused(options, (), SCHEMA, "approve", {"street": "x", "country": 1}, None) == [
        "/form/country",
        "/form/street",
    ]
    assert refused(options, (), SCHEMA, "approve", [], None) == ["/form"]
    assert refused(options, (), SCHEMA, "reject", {"street": "x"}, None) == ["/form/street"]


def test_k3_a_form_gets_its_defaults_and_may_stay_empty_for_another_option() -> None:
    assert check_answer(("approve", "reject"), (), SCHEMA, "approve", {"street": "Main"}, None) == {
        "street": "Main",
        "country": "DE",
    }
    assert check_answer(("approve", "reject"), (), SCHEMA, "reject", None, None) == {}


@pytest.mark.parametrize(
    ("decisions", "minimum", "decided"),
    [
        (["approve"], 1, True),
        (["approve"], 2, False),
        (["approve", "approve"], 2, True),
        (["reject"], 2, True),
        (["approve", "reject"], 3, True),
    ],
)
def test_k3_enough_approvals_or_one_rejection_decide(decisions: list[str], minimum: int, decided: bool) -> None:
    assert is_decided([vote(each) for each in decisions], ("approve", "reject"), minimum) is decided


def test_k3_a_rejection_is_an_output_or_an_error() -> None:
    answer = vote("reject")

    assert result_of(ask(), answer, [answer])["decision"] == "reject"
    with pytest.raises(StepFailure, match="'reject' was decided by ada: too dear") as caught:
        result_of(ask(failOnReject=True), answer, [answer])
    assert (caught.value.error_type, caught.value.error_code) == ("Rejected", "reject")
    assert caught.value.details["votes"] == [answer]


def test_k3_without_an_answer_an_option_decides_or_the_step_fails() -> None:
    asked = ask(timeout="P1D", onTimeout="reject")

    assert result_of(asked, answer_without(asked, NOW), [])["by"] is None
    assert answer_without(ask(timeout="P1D"), NOW) is None
    with pytest.raises(StepFailure, match="Nobody answered within P1D") as caught:
        result_of(ask(timeout="P1D"), None, [])
    assert (caught.value.error_type, caught.value.error_code) == ("TimeoutError", "not-answered")


def test_k3_in_a_simulation_nobody_answers_unless_a_mock_does(workflow_simulator: WorkflowSimulator) -> None:
    arguments = {"subject": "Buy it?", "timeout": "P1D", "onTimeout": "reject"}
    document = {
        "workflowId": "w",
        "name": "W",
        "version": "1.0.0",
        "steps": [{"stepId": "a", "taskId": "approval", "arguments": arguments}],
    }

    alone = workflow_simulator(document, {})
    assert (alone.status, alone.output["decision"], alone.output["by"]) == ("completed", "reject", None)
    mocked = workflow_simulator(document, {}, mocks={"a": [{"output": {"decision": "approve"}}]})
    assert mocked.output == {"decision": "approve"}
    arguments.pop("onTimeout")
    failed = workflow_simulator(document, {})
    assert (failed.status, failed.error["type"]) == ("failed", "TimeoutError")


@pytest.mark.parametrize(
    ("options", "given", "decision"),
    [
        (["fail", "pass"], None, None),
        (["pass", "fail"], None, None),
        (["pass", "fail"], "fail", None),
        (["pass", "fail"], "pass", "pass"),
        (["pass", "fail"], {"option": "fail"}, "fail"),
        (["pass", "redo"], {"option": "redo"}, "redo"),
        (["option", "null"], "option", "option"),
        (["*", " "], {"option": " "}, " "),
    ],
)
def test_k3_silence_is_a_decision_only_where_on_timeout_says_so(
    options: list[str], given: Any, decision: str | None
) -> None:
    asked = ask(
        options=options, timeout="P1D", minApprovals=2, failOnReject=True, **({"onTimeout": given} if given else {})
    )
    answer = answer_without(asked, NOW)

    assert (None if answer is None else answer["decision"]) == decision


@pytest.mark.parametrize("given", [{"option": "perhaps"}, {"option": ""}, {"Option": "pass"}, {}, True, ["pass"]])
def test_k3_an_on_timeout_of_another_form_is_refused(given: Any) -> None:
    with pytest.raises(StepFailure) as caught:
        ask(options=["pass", "fail"], timeout="P1D", onTimeout=given)

    assert caught.value.error_type == "ValidationError"
    assert caught.value.details["errors"][0]["pointer"].startswith("/onTimeout")
