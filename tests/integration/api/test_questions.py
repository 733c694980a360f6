"""Questions over the API: who sees them, who answers, and what is hidden (rules K3, L4)."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from airflow_workflow_provider.store.logs import Logs
from tests.support.api import Api, problem
from tests.support.documents import step, workflow
from tests.support.people import ask_all

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

SECRET, TOKEN = "correct-horse", "battery-staple"
FORM = {
    "type": "object",
    "properties": {
        "pin": {"type": "string", "writeOnly": True},
        "floor": {"type": "integer", "minimum": 0},
    },
    "required": ["pin"],
}


def asking(workflow_id: str, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    branches = [{"branchId": each["stepId"], "steps": [each]} for each in steps]
    return workflow(step("all", parallelBranches=branches), workflowId=workflow_id, **more)


def ask(step_id: str, task_id: str = "approval", **arguments: Any) -> dict[str, Any]:
    return step(step_id, task_id, arguments={"subject": f"About {step_id}", **arguments})


class Asked:
    """An instance whose questions are asked, by step."""

    def __init__(self, api: Api, document: dict[str, Any], role: str = "admin", **given: Any) -> None:
        api.publish(document)
        self._api = api
        started = api.as_role(role).post(f"definitions/{document['workflowId']}/instances", json={"input": given})
        assert started.status_code == 201, started.text
        self.id = started.json()["id"]
        self.questions = {name: str(each.id) for name, each in ask_all(api.database, UUID(self.id)).items()}

    def post(self, role: str, step_id: str, action: str = "answer", **body: Any) -> Any:
        path = f"questions/{self.questions[step_id]}/{action}"
        return self._api.as_role(role, **{"X-Workflows-Client": "ui"}).post(path, json=body or None)

    def get(self, role: str, step_id: str) -> Any:
        return self._api.as_role(role).get(f"questions/{self.questions[step_id]}")


def listed(api: Api, role: str, **query: Any) -> list[str]:
    """Return the steps of all pages of a list."""
    found: list[str] = []
    after: dict[str, Any] = {}
    while True:
        page = api.as_role(role).get("questions", params={**query, **after}).json()
        found += [each["stepId"] for each in page["items"]]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


def test_k3_mine_are_those_that_ask_me_page_by_page(api: Api) -> None:
    roles = [ask(f"op{n}", assignees={"roles": ["op"]}) for n in range(3)]
    first = Asked(api, asking("first", *roles, ask("user", assignees={"users": ["user"]}), ask("any")))
    second = Asked(api, asking("second", ask("eyes", excludeInitiator=True)), role="op")

    assert listed(api, "op") == ["op0", "op1", "op2", "any"]
    assert listed(api, "op", limit=1) == ["op0", "op1", "op2", "any"]
    assert listed(api, "user", limit=2) == ["user", "any", "eyes"]
    assert listed(api, "admin") == ["any", "eyes"]
    assert listed(api, "user", mine="false", limit=2) == ["op0", "op1", "op2", "user", "any", "eyes"]
    # Somebody who may read but not answer is asked nothing.
    assert listed(api, "viewer") == []
    assert len(listed(api, "viewer", mine="false")) == 6
    assert listed(api, "op", mine="false", workflowId="second") == ["eyes"]
    assert listed(api, "op", mine="false", instanceId=second.id) == ["eyes"]
    assert listed(api, "op", workflowId="none") == []
    assert first.post("op", "op1", decision="approve").status_code == 200
    assert listed(api, "op") == ["op0", "op2", "any"]
    assert listed(api, "op", status="answered") == ["op1"]
    assert listed(api, "op", status=["answered", "open"]) == ["op0", "op1", "op2", "any"]
    for query in ({"after": "x"}, {"limit": 0}, {"status": "lost"}, {"instanceId": "x"}, {"nonsense": 1}):
        assert api.as_role("op").get("questions", params=query).status_code == 422, query


def test_k3_may_answer_says_who_may_now(api: Api) -> None:
    document = asking("order", ask("a", assignees={"roles": ["op", "user"]}), ask("b", minApprovals=2))
    asked = Asked(api, document)

    def may(step_id: str) -> list[str]:
        return [role for role in ("viewer", "user", "op", "admin") if asked.get(role, step_id).json()["mayAnswer"]]

    assert may("a") == ["user", "op"]
    asked.post("op", "a", "claim")
    assert may("a") == ["op"]
    asked.post("op", "a", "delegate", to="admin")
    assert may("a") == ["admin"]
    asked.post("user", "b", decision="approve")
    assert may("b") == ["op", "admin"]
    asked.post("op", "b", decision="approve")
    assert may("b") == []


def test_k3_each_refusal_has_its_status_and_code(api: Api) -> None:
    asked = Asked(
        api,
        asking(
            "order",
            ask("a", assignees={"roles": ["op"]}),
            ask("eyes", excludeInitiator=True),
            ask("f", "form", schema=FORM),
        ),
        role="op",
    )
    problem(asked.post("user", "a", decision="approve"), 403, "not-asked")
    problem(asked.post("viewer", "a", decision="approve"), 403, "forbidden")
    problem(asked.post("op", "eyes", decision="approve"), 403, "initiator-excluded")
    assert asked.get("op", "eyes").json()["refusal"] == "initiator-excluded"
    problem(asked.post("user", "eyes", "delegate", to="op"), 422, "initiator-excluded")
    found = problem(asked.post("user", "eyes", "delegate", to="eve"), 422, "unknown-user")
    assert found["pointer"] == "/to"
    refused = problem(asked.post("user", "f", decision="keep", form={"floor": -1}), 422, "invalid-answer")
    assert {each["pointer"] for each in refused["diagnostics"]} == {"/decision", "/form", "/form/floor"}
    for body in ({}, {"decision": ""}, {"decision": "submit", "form": []}, {"decision": "submit", "more": 1}):
        problem(asked.post("user", "f", **(body or {"nothing": 1})), 422, "bad-request")
    problem(asked.post("op", "a", decision="approve\x00"), 422, "bad-request")

    assert asked.post("op", "a", "claim").json()["claimedBy"] == {"id": "op", "name": "op"}
    assert asked.post("op", "a", "claim").status_code == 200
    assert asked.post("op", "a", "release").json()["claimedBy"] is None
    assert asked.post("op", "a", decision="approve").status_code == 200
    for action, body in (
        ("answer", {"decision": "approve"}),
        ("claim", {}),
        ("release", {}),
        ("delegate", {"to": "op"}),
    ):
        problem(asked.post("op", "a", action, **body), 409, "question-answered")
    assert api.as_role("admin").post(f"instances/{asked.id}/cancel").is_success
    problem(asked.post("user", "eyes", decision="approve"), 409, "question-withdrawn")


def test_k3_what_may_not_be_read_is_not_there(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

    hidden, visible = Asked(api, asking("hidden", ask("a"))), Asked(api, asking("open", ask("b")))
    original = SimpleAuthManager.is_authorized_dag

    def only_open(self: Any, *, details: Any = None, **more: Any) -> bool:
        return (details is None or details.id == "open") and original(self, details=details, **more)

    monkeypatch.setattr(SimpleAuthManager, "is_authorized_dag", only_open)
    nothing = problem(api.as_role("admin").get(f"questions/{uuid4()}"), 404, "not-found")
    for answer in (
        hidden.get("admin", "a"),
        hidden.post("admin", "a", decision="approve"),
        hidden.post("admin", "a", "claim"),
        hidden.post("admin", "a", "release"),
        hidden.post("admin", "a", "delegate", to="op"),
    ):
        found = problem(answer, 404, "not-found")
        assert found["detail"].split()[:4] == nothing["detail"].split()[:4]
    assert listed(api, "admin") == listed(api, "admin", mine="false") == ["b"]
    assert listed(api, "admin", mine="false", instanceId=hidden.id) == []
    assert visible.post("admin", "b", decision="approve").status_code == 200


def test_k3_an_answer_is_reported_with_who_and_by_which_way(api: Api) -> None:
    asked = Asked(api, asking("order", ask("a")))
    answered = asked.post("user", "a", decision="approve", comment="fine").json()
    assert answered["answer"]["by"] == {"id": "user", "name": "user"}
    (row,) = [each for each in Logs(api.database).read(UUID(asked.id)) if each.event == "question.answered"]
    assert (row.actor, row.message) == ({"id": "user", "name": "user"}, "fine")
    assert row.data is not None
    assert row.data["via"] == "ui"


@pytest.mark.parametrize("computed", [False, True])
def test_l4_secrets_of_form_and_input_are_hidden_everywhere(api: Api, computed: bool) -> None:
    schema = {"type": "jmespath", "expression": "input.form"} if computed else FORM
    document = asking(
        "order",
        ask("f", "form", schema=schema, subject={"type": "jmespath", "expression": "input.token"}, minApprovals=2),
        inputSchema={"type": "object", "properties": {"token": {"type": "string", "format": "password"}}},
    )
    asked = Asked(api, document, token=TOKEN, form=FORM)
    assert asked.get("user", "f").json()["subject"] == "***"
    form = {"pin": SECRET, "floor": 3}
    voted = asked.post("user", "f", decision="submit", form=form, comment=f"{SECRET} and {TOKEN}").json()
    assert voted["votes"][0]["form"] == {"pin": "***", "floor": 3}
    assert voted["votes"][0]["comment"] == "*** and ***"
    answered = asked.post("op", "f", decision="submit", form=form).json()
    assert answered["answer"]["form"] == {"pin": "***", "floor": 3}

    admin = api.as_role("admin")
    for path in (
        f"questions/{asked.questions['f']}",
        "questions?mine=false&status=answered",
        f"instances/{asked.id}/log",
        f"instances/{asked.id}",
    ):
        text = admin.get(path).text
        assert SECRET not in text, path
        assert TOKEN not in text, path


def test_k3_a_form_has_the_fields_in_the_order_of_the_published_text(api: Api) -> None:
    schema = {
        "type": "object",
        "required": ["street"],
        "properties": {
            "zip": {"type": "string", "title": "ZIP"},
            "street": {"type": "string", "maxLength": 80, "default": "Main Street"},
            "a": {"type": "object", "properties": {"of": {}, "b": {}}},
        },
    }
    asked = Asked(api, asking("ordered", ask("f", "form", schema=schema), ask("plain")))

    shown = asked.get("op", "f").json()["schema"]
    assert list(shown) == list(schema)
    assert list(shown["properties"]) == ["zip", "street", "a"]
    assert list(shown["properties"]["street"]) == ["type", "maxLength", "default"]
    assert list(shown["properties"]["a"]["properties"]) == ["of", "b"]
    assert asked.get("op", "plain").json()["schema"] is None


def test_k3_the_card_of_a_question_has_the_request_with_secrets_masked(api: Api) -> None:
    schema = {
        "type": "object",
        "properties": {
            "supplier": {"type": "string", "title": "Supplier"},
            "amount": {"type": "number", "title": "Amount in EUR"},
            "token": {"type": "string", "format": "password"},
        },
    }
    labels = {"approve": "Release the payment"}
    document = asking("pay", ask("a", optionLabels=labels), name="Payment", inputSchema=schema)
    asked = Asked(api, document, role="user", token=TOKEN, supplier="Acme", amount=12)

    card = asked.get("op", "a").json()
    assert card["input"] == {"token": "***", "supplier": "Acme", "amount": 12}
    assert list(card["inputSchema"]["properties"]) == ["supplier", "amount", "token"]
    assert (card["workflowName"], card["startedBy"], card["optionLabels"]) == ("Payment", "user", labels)
    (row,) = api.as_role("op").get("questions").json()["items"]
    assert (row["workflowName"], row["startedBy"], row["optionLabels"]) == ("Payment", "user", labels)
    assert "input" not in row
    plain = Asked(api, asking("plain", ask("b"))).get("op", "b").json()
    assert (plain["inputSchema"], plain["optionLabels"]) == (None, {})


def test_k3_what_somebody_answered_is_listed_newest_first(api: Api) -> None:
    shared = ask("shared", minApprovals=2)
    asked = Asked(api, asking("order", *(ask(name) for name in "abc"), shared))
    asked.post("op", "b", decision="approve")
    asked.post("op", "a", decision="reject")
    asked.post("op", "shared", decision="approve")
    asked.post("user", "c", decision="approve")

    by_age = listed(api, "op", mine="false", status=["open", "answered"])
    answered = [each for each in reversed(by_age) if each != "c"]
    assert listed(api, "op", answered="true") == answered
    assert listed(api, "op", answered="true", limit=1) == answered
    assert listed(api, "op", answered="true", status="open") == ["shared"]
    assert listed(api, "user", answered="true") == ["c"]
    assert listed(api, "admin", answered="true") == []
    assert asked.get("op", "a").json()["ownVote"]["decision"] == "reject"
    assert asked.get("user", "a").json()["ownVote"] is None


def test_k3_who_may_hand_a_question_over_chooses_among_the_users_that_are_known(api: Api) -> None:
    document = asking("order", ask("a", assignees={"users": ["user", "zoe"]}), ask("eyes", excludeInitiator=True))
    asked = Asked(api, document, role="op")

    def candidates(role: str, step_id: str, **query: str) -> Any:
        return api.as_role(role).get(f"questions/{asked.questions[step_id]}/candidates", params=query)

    def found(*given: str, **query: str) -> list[str]:
        return [each["user"] for each in candidates(*given, **query).json()["items"]]

    assert found("user", "a") == ["admin", "op", "viewer", "zoe"]
    assert found("user", "a", search="O") == ["op", "zoe"]
    assert found("user", "a", search="%") == []
    # Who started the instance may not answer, and is not offered.
    assert found("user", "eyes") == ["admin", "viewer"]
    problem(candidates("op", "a"), 403, "not-asked")
    problem(candidates("op", "eyes"), 403, "initiator-excluded")
    problem(candidates("viewer", "a"), 403, "forbidden")
    asked.post("admin", "eyes", "claim")
    problem(candidates("user", "eyes"), 409, "question-claimed")
