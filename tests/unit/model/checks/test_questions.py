from __future__ import annotations

from typing import Any

import pytest

from airflow_workflow_provider.model.validate import validate_document
from airflow_workflow_provider.tasks.catalogue import Catalogue
from tests.support.documents import check, found, step, task, workflow

COMPUTED = {"type": "jmespath", "expression": "input.x"}


def asking(**arguments: Any) -> dict[str, Any]:
    return workflow(step("a", "approval", arguments={"subject": "Buy it?", **arguments}))


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        ({"commentRequired": ["approve", "no"]}, "commentRequired/1"),
        ({"optionLabels": {"approve": "Pay", "pay": "Pay"}}, "optionLabels/pay"),
        ({"onTimeout": "later", "timeout": "P1D"}, "onTimeout"),
        ({"onTimeout": "reject"}, "onTimeout"),
        ({"onTimeout": {"option": "reject"}}, "onTimeout"),
        ({"onTimeout": {"option": "later"}, "timeout": "P1D"}, "onTimeout/option"),
        ({"onTimeout": {"option": "fail"}, "timeout": "P1D"}, "onTimeout/option"),
        ({"options": ["hold", "fail"], "onTimeout": "fail", "timeout": "P1D"}, "onTimeout"),
        ({"options": ["fail"], "onTimeout": "fail", "timeout": COMPUTED}, "onTimeout"),
        ({"assignees": {}}, "assignees"),
        ({"assignees": {"users": []}}, "assignees"),
        ({"escalations": [{"after": "P1D", "assignees": {"roles": []}}]}, "escalations/0/assignees"),
    ],
)
def test_k3_arguments_of_a_question_fit_together(arguments: dict[str, Any], place: str) -> None:
    assert found(asking(**arguments)) == [("WF406", f"/steps/0/arguments/{place}")]


@pytest.mark.parametrize(
    "arguments",
    [
        {"options": ["yes", "no"], "commentRequired": ["no"], "onTimeout": "no", "timeout": "P1D"},
        {"onTimeout": "fail", "timeout": COMPUTED},
        {"options": ["hold", "fail"], "onTimeout": {"option": "fail"}, "timeout": "P1D"},
        {"options": ["hold", "fail"], "onTimeout": {"option": COMPUTED}, "timeout": "P1D"},
        {"options": ["hold", "fail"], "timeout": "P1D"},
        {"options": ["fail", "end", "*", "option", "Not yet, thanks"], "timeout": "P1D", "onTimeout": "*"},
        {"options": COMPUTED, "commentRequired": ["perhaps"], "timeout": "P1D", "onTimeout": "perhaps"},
        {"options": COMPUTED, "optionLabels": {"perhaps": "Perhaps"}},
        {"options": ["a", "b"], "optionLabels": {"a": "First"}},
        {"assignees": COMPUTED},
        {"assignees": {"users": [COMPUTED]}},
        {"assignees": {"users": ["ada"], "roles": ["approver"], "groups": ["finance"]}},
    ],
)
def test_k3_what_is_known_in_a_run_only_is_left_alone(arguments: dict[str, Any]) -> None:
    assert found(asking(**arguments)) == []


def test_k3_a_form_s_schema_is_one_and_fetches_nothing() -> None:
    properties = {"a": {"type": "strin"}, "b": {"$ref": "https://example.com/schema"}}

    assert found(asking(schema={"type": "object", "properties": properties})) == [
        ("WF126", "/steps/0/arguments/schema/properties/a/type"),
        ("WF127", "/steps/0/arguments/schema/properties/b/$ref"),
    ]


def test_k3_assignees_whom_nobody_knows_are_a_warning() -> None:
    document = asking(
        assignees={"users": ["ada", "adda", "xenia"], "roles": ["aprover"]},
        escalations=[{"after": "P1D", "assignees": {"groups": ["finance", "fin"]}}],
    )

    result = check(document)

    assert result.valid
    assert [
        (each.code, each.severity, each.pointer.removeprefix("/steps/0/arguments")) for each in result.diagnostics
    ] == [
        ("WF407", "warning", "/assignees/users/1"),
        ("WF407", "warning", "/assignees/roles/0"),
        ("WF407", "warning", "/escalations/0/assignees/groups/1"),
    ]


def test_k3_a_task_definition_s_own_arguments_count_too() -> None:
    own = task("ask-boss", operator="approval", arguments={"subject": "{{ workflow.id }}", "options": ["yes", "no"]})

    catalogue = Catalogue({"ask-boss": own})

    def codes(*needed: str) -> list[str]:
        document = workflow(step("a", "ask-boss", arguments={"commentRequired": list(needed)}))
        return [each.code for each in validate_document(document, catalogue).diagnostics]

    assert (codes("no"), codes("reject")) == ([], ["WF406"])


@pytest.mark.parametrize(
    ("handler", "place"),
    [
        ({"action": "continue"}, "action"),
        ({"action": "continue", "nextStepId": "order"}, "action"),
        (
            {"errorHandler": {"conditions": [{"errorType": "*", "nextStepId": "order"}]}},
            "errorHandler/conditions/0/nextStepId",
        ),
        ({"action": "continue", "nextStepId": "declined"}, None),
        ({"action": "stop"}, None),
        ({"errorHandler": {"conditions": [{"errorType": "Rejected", "nextStepId": "declined"}]}}, None),
    ],
)
def test_f4_a_failed_approval_does_not_continue_as_if_it_had_been_given(
    handler: dict[str, Any], place: str | None
) -> None:
    approval = {"arguments": {"subject": "Buy it?", "failOnReject": True}, "next": [{"nextStepId": "order"}]}
    document = workflow(
        step("a", "approval", **approval, onFailure=handler),
        step("order", next=[{"nextStepId": "end"}]),
        step("declined"),
    )
    codes = [(code, at) for code, at in found(document) if code == "WF216"]
    assert codes == ([("WF216", f"/steps/0/onFailure/{place}")] if place else [])
