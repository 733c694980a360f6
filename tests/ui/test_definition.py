"""The tab "Definition" of a DAG."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.ui.conftest import PATIENCE, View
from tests.ui.definitions import NEWER_ORDER, ORDER

pytestmark = [pytest.mark.daemons, pytest.mark.slow, pytest.mark.xdist_group("airflow-ui"), pytest.mark.timeout(900)]

expect.set_options(timeout=PATIENCE)
TAB = "/dags/ui.order/plugin/workflow-definition"


def changed(workflow_id: str, version: str = "1.0.0", **more: Any) -> dict[str, Any]:
    return {**ORDER, "workflowId": workflow_id, "version": version, "triggers": [], **more}


@pytest.fixture
def own(view: View) -> str:
    """A workflow of this test alone, that Airflow knows."""
    workflow_id = f"ui.edit-{uuid.uuid4().hex[:8]}"
    view.site.admin.put(f"definitions/{workflow_id}", json=changed(workflow_id)).raise_for_status()
    view.site.start(workflow_id, input={"amount": 1, "customer": "Ada"})
    return workflow_id


def test_it_shows_the_document(view: View, shoot: Callable[[View, str], None]) -> None:
    view.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    app = view.open(f"{TAB}?view=document", "dag")
    expect(app.get_by_role("heading", name="Order", exact=True)).to_be_visible()
    expect(app.locator("strong")).to_have_text("looked at")
    expect(app.get_by_role("link", name="Start")).to_be_visible()
    shoot(view, "definition")
    app.get_by_role("button", name="Copy").click()
    expect(app.get_by_role("button", name="Copied")).to_be_visible()
    assert json.loads(view.page.evaluate("navigator.clipboard.readText()")) == NEWER_ORDER
    with view.page.expect_download() as download:
        app.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "ui.order-1.1.0.json"
    assert json.loads(download.value.path().read_text()) == NEWER_ORDER


def test_versions_are_compared(view: View, shoot: Callable[[View, str], None]) -> None:
    app = view.open(f"{TAB}?view=versions", "dag")
    change = app.get_by_test_id("change").filter(has_text="/steps/register/name")
    expect(change).to_contain_text("Register the order twice")
    expect(change).to_contain_text("changed")
    shoot(view, "versions")


def test_triggers_and_checks(view: View) -> None:
    app = view.open(f"{TAB}?view=triggers", "dag")
    expect(app.get_by_text("ui.order.*")).to_be_visible()
    app.get_by_role("tab", name="Checks").click()
    expect(app.get_by_text(re.compile("No errors, no warnings|valid, with warnings"))).to_be_visible()
    app = view.open("/dags/ui.broken/plugin/workflow-definition?view=triggers", "dag")
    expect(app.get_by_text("No triggers")).to_be_visible()


def test_mistakes_are_reported_at_their_line_while_typing(
    view: View, own: str, shoot: Callable[[View, str], None]
) -> None:
    app = view.open(f"/dags/{own}/plugin/workflow-definition?view=edit", "dag")
    expect(app.get_by_text(re.compile("^No errors"))).to_be_visible()
    expect(app.get_by_role("button", name="Publish")).to_be_disabled()
    broken = changed(own, "1.0.1", steps=[{"stepId": "a", "taskId": "nosuchtask"}])
    view.write(broken)
    findings = app.get_by_role("region", name="Findings")
    expect(findings).to_contain_text("nosuchtask")
    expect(app.locator(".cm-lint-marker-error").first).to_be_visible()
    expect(app.get_by_role("button", name="Publish")).to_be_disabled()
    shoot(view, "editor")
    line = json.dumps(broken, indent=2).split("\n").index('      "taskId": "nosuchtask"') + 1
    findings.get_by_role("button", name=f"Line {line}").click()
    expect(app.locator(".cm-activeLine")).to_contain_text("nosuchtask")
    view.write('{"workflowId": "x",')
    expect(findings).to_contain_text("Expected a name in double quotes")


def test_text_graph_and_forms_change_one_document(view: View, own: str, shoot: Callable[[View, str], None]) -> None:
    app = view.open(f"/dags/{own}/plugin/workflow-definition?view=edit", "dag")
    text = app.get_by_role("textbox", name="Workflow document")
    expect(app.get_by_text(re.compile("^No errors"))).to_be_visible()
    view.write(changed(own, "1.0.1", steps=[{"stepId": "first", "taskId": "nooop"}]))
    app.get_by_role("region", name="Findings").get_by_role("button", name="Change to “noop”").click()
    expect(app.get_by_text(re.compile("^No errors"))).to_be_visible()
    # A step of the graph is that of the text and of the form.
    app.get_by_role("button", name="Step first").click()
    expect(app.locator(".cm-activeLine")).to_contain_text("{")
    app.get_by_role("tab", name="Step").click()
    app.get_by_role("button", name="Add a step after it").click()
    expect(app.get_by_role("button", name="Step step")).to_have_attribute("aria-pressed", "true")
    app.get_by_label("stepId", exact=True).fill("second")
    app.get_by_role("button", name="Apply").click()
    expect(app.get_by_role("button", name="Step second")).to_be_visible()
    expect(text).to_contain_text('"stepId": "second"')
    assert view.violations() == []
    app.get_by_role("tab", name="Try").click()
    app.get_by_label("Amount").fill("5")
    app.get_by_label("Customer").fill("Ada")
    app.get_by_role("button", name="Run", exact=True).click()
    expect(app.locator('.workflows-graph [data-step="second"]')).to_have_attribute("data-status", "completed")
    shoot(view, "workbench")
    assert view.violations() == []
    app.get_by_role("button", name="Undo").click()
    expect(app.get_by_role("button", name="Step step")).to_be_visible()
    app.get_by_role("button", name="Redo").click()
    app.get_by_role("button", name="Publish").click()
    expect(app.get_by_text("Version 1.0.1 is published")).to_be_visible()
    stored = view.site.admin.get(f"definitions/{own}").json()["document"]["steps"]
    assert [(each["stepId"], each["taskId"]) for each in stored] == [("first", "noop"), ("second", "noop")]


def test_publishing(view: View, own: str) -> None:
    app = view.open(f"/dags/{own}/plugin/workflow-definition?view=edit", "dag")
    view.write(changed(own, "1.1.0", name="Order, better"))
    app.get_by_role("button", name="Publish").click()
    expect(app.get_by_text("Version 1.1.0 is published")).to_be_visible()
    stored = view.site.admin.get(f"definitions/{own}").json()
    assert (stored["version"], stored["createdBy"], stored["document"]["name"]) == ("1.1.0", "admin", "Order, better")
    # And once more on top of it, without reading it anew.
    view.write(changed(own, "1.2.0"))
    app.get_by_role("button", name="Publish").click()
    expect(app.get_by_text("Version 1.2.0 is published")).to_be_visible()
    # The same version with another content.
    view.write(changed(own, "1.2.0", name="Other"))
    app.get_by_role("button", name="Publish").click()
    expect(app.get_by_text("This version exists with different content; choose a higher one")).to_be_visible()


def test_nobody_overwrites_what_somebody_else_published(view: View, own: str) -> None:
    app = view.open(f"/dags/{own}/plugin/workflow-definition?view=edit", "dag")
    expect(app.get_by_text(re.compile("^No errors"))).to_be_visible()
    view.site.admin.put(f"definitions/{own}", json=changed(own, "2.0.0")).raise_for_status()
    view.write(changed(own, "3.0.0"))
    app.get_by_role("button", name="Publish").click()
    expect(app.get_by_text("Someone else has published a new version")).to_be_visible()
    assert view.site.admin.get(f"definitions/{own}").json()["version"] == "2.0.0"


def test_switching_off_and_on(view: View, own: str) -> None:
    app = view.open(f"/dags/{own}/plugin/workflow-definition", "dag")
    app.get_by_role("button", name="Deactivate").click()
    view.page.get_by_role("dialog").get_by_role("button", name="Deactivate").click()
    expect(app.get_by_text("inactive")).to_be_visible()
    expect(app.get_by_role("link", name="Start")).to_have_count(0)
    app.get_by_role("button", name="Activate").click()
    expect(app.get_by_role("link", name="Start")).to_be_visible()


def test_a_viewer_cannot_edit(open_view: Callable[..., View]) -> None:
    viewer = open_view("viewer")
    app = viewer.open(f"{TAB}?view=edit", "dag")
    expect(app.get_by_role("list", name="Last runs")).to_be_visible()
    expect(app.get_by_role("tab", selected=True)).not_to_have_text("Edit")
    expect(app.get_by_role("tab", name="Edit")).to_have_count(0)
    expect(app.get_by_role("button", name="Deactivate")).to_have_count(0)


def test_a_dag_that_is_no_workflow_says_so(view: View) -> None:
    view.page.goto(f"{view.site.address}/dags/ui_plain/plugin/workflow-definition")
    app = view.settled("dag")
    expect(app.get_by_text("Not a workflow")).to_be_visible()
