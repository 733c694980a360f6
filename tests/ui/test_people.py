"""Questions that workflows ask people, answered in Airflow's pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from airflow_workflow_provider.local.client import poll
from tests.ui.conftest import PATIENCE, Site, View
from tests.ui.definitions import hostile

pytestmark = [pytest.mark.daemons, pytest.mark.slow, pytest.mark.xdist_group("airflow-ui"), pytest.mark.timeout(900)]

expect.set_options(timeout=PATIENCE)

ASKING: dict[str, Any] = {
    "workflowId": "ui.asking",
    "name": "Asks",
    "version": "1.0.0",
    "inputSchema": {
        "type": "object",
        "properties": {"subject": {"type": "string", "title": "What it is about"}},
        "required": ["subject"],
    },
    "steps": [
        {
            "stepId": "decide",
            "taskId": "approval",
            "arguments": {
                "subject": {"type": "jsonata", "expression": "data.subject"},
                "body": "The customer is **new**.\n\n" + hostile("body"),
                "assignees": {"users": ["operator", "admin"]},
                "commentRequired": ["reject"],
                "schema": {
                    "type": "object",
                    "properties": {
                        "limit": {"type": "integer", "title": "Limit", "minimum": 1},
                        "code": {"type": "string", "title": "Code", "pattern": "^[A-Z]{2}$"},
                    },
                    "required": ["limit"],
                },
            },
        }
    ],
}


@pytest.fixture(scope="module")
def asking(site: Site) -> Callable[[str], dict[str, Any]]:
    """Starts an instance that asks, and returns its question."""
    site.admin.put("definitions/ui.asking", json=ASKING).raise_for_status()

    def ask(subject: str) -> dict[str, Any]:
        started = site.start("ui.asking", input={"subject": subject})

        def look() -> dict[str, Any] | None:
            found = site.admin.get("questions", params={"mine": "false", "instanceId": started["id"]}).json()["items"]
            return found[0] if found else None

        return poll(look, seconds=180, what="the question to be asked")

    return ask


def test_a_question_is_answered(
    open_view: Callable[..., View], asking: Callable[[str], dict[str, Any]], shoot: Callable[[View, str], None]
) -> None:
    question = asking("Raise the credit limit of Ada Ltd?")
    view = open_view("operator")
    app = view.open("/plugin/workflows/tasks")
    item = app.get_by_test_id(f"question-{question['id']}")
    expect(item).to_contain_text("Raise the credit limit")
    item.get_by_role("button", name="Answer").click()
    expect(item.locator("strong")).to_have_text("new")
    shoot(view, "tasks")
    assert view.page.evaluate("window.hacked") is None
    assert item.locator("img, script").count() == 0
    item.get_by_role("button", name="reject").click()
    # The form belongs to the approval; a rejection needs a comment only.
    expect(item.get_by_text("A comment is required for “Reject”", exact=True)).to_be_visible()
    expect(item.get_by_text("Required", exact=True)).to_have_count(0)
    item.get_by_role("button", name="approve").click()
    expect(item.get_by_text("Required", exact=True)).to_be_visible()
    item.get_by_label("Limit").fill("500")
    item.get_by_label("Code").fill("lower")
    item.get_by_label("Comment").fill(hostile("comment"))
    item.get_by_role("button", name="approve").click()
    expect(item.get_by_label("Code")).to_have_attribute("aria-invalid", "true")
    item.get_by_label("Code").fill("DE")
    item.get_by_role("button", name="reject").click()
    expect(app.get_by_text("Answer recorded: Reject")).to_be_visible()
    ended = view.site.ended(question["instanceId"])
    output = ended["state"]["steps"]["decide"]["output"]
    assert (output["decision"], output["form"]) == ("reject", {"limit": 500, "code": "DE"})
    assert output["by"]["id"] == "operator"


def test_an_approver_decides_on_a_phone_and_by_keyboard(
    open_view: Callable[..., View], asking: Callable[[str], dict[str, Any]], shoot: Callable[[View, str], None]
) -> None:
    question = asking("Raise the limit of Bob Ltd?")
    phone = open_view("operator", dark=True, width=420)
    app = phone.open(f"/plugin/workflows/task/{question['id']}")
    card = app.get_by_role("article")
    expect(card.get_by_role("heading", name="Raise the limit of Bob Ltd?")).to_be_visible()
    expect(card.get_by_role("region", name="Request")).to_have_text(re.compile("What it is about.*Bob"))
    expect(card).to_contain_text(re.compile("Requested by *admin"))
    shoot(phone, "phone-task")
    assert phone.violations() == []
    assert phone.overflow() == 0
    keyboard = phone.page.keyboard
    card.get_by_role("button", name="Approve").focus()
    keyboard.press("Enter")
    expect(card.get_by_label("Limit")).to_be_focused()
    for key in ("7", "Tab", "D", "E", "Tab", "o", "k", "Tab", "Enter"):
        keyboard.press(key)
    expect(app.get_by_text("Answer recorded: Approve")).to_be_visible()
    expect(card.get_by_text(re.compile("^You chose “Approve”, .* ok$"))).to_be_visible()
    decided = phone.open("/plugin/workflows/tasks?show=answered").get_by_test_id(f"question-{question['id']}")
    expect(decided.get_by_text(re.compile("^You chose “Approve”"))).to_be_visible()
    assert phone.overflow() == 0


def test_who_is_not_asked_sees_nothing_to_answer_until_it_is_handed_over(
    open_view: Callable[..., View], asking: Callable[[str], dict[str, Any]]
) -> None:
    question = asking("For others")
    user = open_view("user")
    app = user.open("/plugin/workflows/tasks")
    item = app.get_by_test_id(f"question-{question['id']}")
    expect(app.get_by_role("button", name="For me")).to_be_visible()
    expect(app.get_by_text("No tasks for you").or_(app.get_by_role("article")).first).to_be_visible()
    # Questions of other workflows may wait for anybody; this one does not wait for this user.
    expect(item).to_have_count(0)
    app.get_by_role("button", name="All tasks").click()
    item.get_by_role("button", name="Show").click()
    expect(item.get_by_text("Only operator and admin can answer.")).to_be_visible()
    expect(item.get_by_role("button", name="approve")).to_have_count(0)

    asked = open_view("operator")
    asked_app = asked.open(f"/plugin/workflows/task/{question['id']}")
    asked_app.get_by_role("button", name="Reassign…").click()
    to = asked_app.get_by_label("Reassign to")
    expect(to).to_be_focused()
    users = asked_app.locator(f"[id='{to.get_attribute('list')}'] option")
    # Whoever hands it over is not offered.
    expect(users).to_have_count(3)
    assert users.evaluate_all("all => all.map(each => each.value)") == ["admin", "user", "viewer"]
    to.press_sequentially("us")
    expect(users).to_have_count(1)
    to.fill("nobody")
    to.press("Enter")
    expect(asked_app.get_by_text("There is no user 'nobody'")).to_be_visible()
    to.fill("user")
    assert asked.violations() == []
    asked_app.get_by_role("button", name="Reassign", exact=True).click()
    expect(asked_app.get_by_text("Reassigned to user")).to_be_visible()
    app.get_by_role("button", name="For me").click()
    item.get_by_role("button", name="Answer").click()
    expect(item.get_by_role("button", name="approve")).to_be_enabled()


def test_an_answer_that_comes_second_is_reported_so(view: View, asking: Callable[[str], dict[str, Any]]) -> None:
    question = asking("Two at once")
    app = view.open("/plugin/workflows/tasks")
    item = app.get_by_test_id(f"question-{question['id']}")
    item.get_by_role("button", name="Answer").click()
    item.get_by_label("Limit").fill("5")
    # The list must not take the question away meanwhile, as it would a second later.
    view.page.route("**/workflows/api/v1/questions?*", lambda route: route.abort())
    answer = {"decision": "approve", "form": {"limit": 7}}
    view.site.api("operator").post(f"questions/{question['id']}/answer", json=answer).raise_for_status()
    item.get_by_role("button", name="approve").click()
    expect(app.get_by_text("Not possible now")).to_be_visible()
