"""The tabs "Workflow" of a DAG run and "Step" of a task instance (rules U1, L4)."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from playwright.sync_api import Locator, Request, expect
from sqlalchemy import delete

from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.errors import NotFound
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.plan.positions import POSITION
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.instances import Instances, Record
from airflow_workflow_provider.store.tables import workflow_instances
from tests.support.airflow import RunningAirflow
from tests.ui.conftest import PATIENCE, Site, View
from tests.ui.runs import AWAITING, DISPATCH, HELD, LOAN, LONG, MANY, PARCEL, STUCK, VISIT

pytestmark = [pytest.mark.daemons, pytest.mark.slow, pytest.mark.xdist_group("airflow-ui"), pytest.mark.timeout(900)]

expect.set_options(timeout=PATIENCE)
Json = dict[str, Any]
INPUT = {"amount": 900, "customer": "Ada", "lines": [{"sku": "A-1"}, {"sku": "B-2"}], "pin": "4711-pin"}
MANUAL = 1_000_000_000
"""More attempts than Airflow makes, so that its tasks find everything decided."""


def page_of(instance: Json, more: str = "/plugin/workflow-run") -> str:
    return f"/dags/{instance['dagId']}/runs/{quote(instance['runId'])}{more}"


@pytest.fixture(scope="module")
def runs(site: Site) -> dict[str, Json]:
    """Instances by what they are, at their end but for one that waits for an event."""
    for document in (LOAN, VISIT, MANY, DISPATCH, AWAITING):
        site.admin.put(f"definitions/{document['workflowId']}", json=document).raise_for_status()
    started = {
        "paid": site.start("ui.loan", input=INPUT, correlationId="loan-17"),
        "refused": site.start("ui.loan", input={**INPUT, "amount": 5000}),
        "dispatched": site.start("ui.dispatch", input={"weight": 3}, correlationId="parcel-3"),
    }
    waiting = site.start("ui.awaiting", input={"number": "R-10"}, correlationId="R-10")
    return {**{name: site.ended(each["id"]) for name, each in started.items()}, "awaiting": waiting}


@pytest.fixture
def database(running_airflow: RunningAirflow) -> Iterator[Database]:
    with Database(running_airflow.workflows_url) as found:
        yield found


def component(app: Locator, component_id: str) -> Locator:
    return app.locator(f"[data-component={component_id}]")


def asked(view: View) -> list[str]:
    """Return the list to which the addresses of requests to our API are added."""
    found: list[str] = []

    def note(request: Request) -> None:
        if "/workflows/api/v1/" in request.url:
            found.append(request.url.split("/workflows/api/v1")[1])

    view.page.on("request", note)
    return found


def test_u1_each_layout_is_drawn(view: View, runs: dict[str, Json], shoot: Callable[[View, str], None]) -> None:
    requests = asked(view)
    app = view.open(page_of(runs["paid"]), "dag_run")
    expect(component(app, "note").get_by_role("status")).to_contain_text("It is urgent.")
    facts = component(app, "facts")
    expect(facts).to_contain_text("Ada")
    expect(facts).to_contain_text("12.5%")
    expect(facts.get_by_text("javascript:")).to_be_visible()
    assert facts.get_by_role("link", name="javascript").count() == 0
    rows = component(app, "lines").get_by_role("row")
    expect(rows).to_have_text(["No.Article", "1A-1", "2B-2"])
    expect(component(app, "times").get_by_role("listitem")).to_have_count(7)
    expect(component(app, "picture").locator("[data-step=decide]")).to_have_attribute("data-status", "completed")
    expect(component(app, "questions")).to_contain_text("No open tasks for you")
    order = app.locator("[data-component]").evaluate_all("all => all.map(each => each.dataset.component)")
    assert order == ["note", "facts", "lines", "times", "picture", "questions", "own", "odd", "margin"]
    assert view.page.evaluate("window.hacked") is None
    assert len([each for each in requests if not each.startswith("/run-view")]) <= 3
    shoot(view, "workflow-components")


def test_u1_what_is_unknown_is_drawn_and_what_fails_is_reported_to_editors(
    open_view: Callable[..., View], runs: dict[str, Json]
) -> None:
    app = open_view().open(page_of(runs["paid"]), "dag_run")
    for unknown in ("own", "odd"):
        expect(component(app, unknown)).to_have_attribute("data-layout", "card")
        expect(component(app, unknown)).to_contain_text("as a card")
    notices = app.get_by_test_id("component-notices").get_by_role("listitem")
    expect(notices).to_have_count(2)
    expect(notices.filter(has_text="/uiComponents/7/context/layout")).to_contain_text("Unknown layout 'carousel'")
    expect(notices.filter(has_text="/uiComponents/8/condition")).to_contain_text("the component is hidden")
    reader = open_view("viewer").open(page_of(runs["paid"]), "dag_run")
    expect(component(reader, "odd")).to_be_visible()
    expect(reader.get_by_test_id("component-notices")).to_have_count(0)
    expect(component(reader, "errs")).to_have_count(0)


def test_u1_a_package_draws_its_component_and_its_layout_does_where_that_fails(
    view: View, open_view: Callable[..., View], site: Site
) -> None:
    site.admin.put("definitions/ui.parcel", json=PARCEL).raise_for_status()
    parcel = site.ended(site.start("ui.parcel")["id"])
    drawn = component(view.open(page_of(parcel), "dag_run"), "shipment-map")
    expect(drawn).to_contain_text("Where it is: Hamburg <b> (zoom 7)")
    expect(drawn).not_to_contain_text("Last seen")

    other = open_view()
    other.page.route("**/shipping/shipment-map.js", lambda route: route.abort())
    card = component(other.open(page_of(parcel), "dag_run"), "shipment-map")
    expect(card).to_contain_text("Last seen")
    expect(card).to_contain_text("Hamburg <b>")


@pytest.mark.parametrize("user", ["admin", "operator", "user", "viewer"])
def test_u1_what_a_role_may_not_see_never_reaches_the_browser(
    open_view: Callable[..., View], runs: dict[str, Json], user: str
) -> None:
    view = open_view(user)
    with view.page.expect_response(re.compile("/run-view")) as answer:
        app = view.open(page_of(runs["paid"]), "dag_run")
    text = answer.value.text()
    assert ("Margin for us" in text) is (user == "admin")
    assert ('"value":815' in text) is (user == "admin")
    assert "4711-pin" not in text
    expect(component(app, "margin")).to_have_count(1 if user == "admin" else 0)
    operations = app.get_by_role("button", name="Restart")
    expect(operations).to_have_count(0 if user == "viewer" else 1)


def test_the_path_that_was_taken_is_shown(view: View, runs: dict[str, Json]) -> None:
    app = view.open(page_of(runs["refused"]), "dag_run")
    graph = app.get_by_test_id("workflow-graph").last
    for step_id, status in (("register", "completed"), ("remind", "completed"), ("refuse", "failed"), ("pay", "")):
        expect(graph.locator(f"button[data-step={step_id}]")).to_have_attribute("data-status", status)
    expect(graph.locator('path[data-edge="decide refuse"]')).to_have_attribute("data-taken", "1")
    expect(graph.locator('path[data-edge="decide pay"]')).to_have_attribute("data-taken", "0")
    expect(graph.locator('path[data-edge="remind remind"]')).to_have_attribute("data-taken", "2")
    expect(graph.locator("[data-step='register.compensation']")).to_have_attribute("data-status", "completed")
    expect(app.get_by_role("alert")).to_contain_text("Refused in step refuse")
    assert view.page.evaluate("window.hacked") is None


def test_a_step_shows_everything_by_keyboard_alone(
    view: View, runs: dict[str, Json], shoot: Callable[[View, str], None]
) -> None:
    app = view.open(page_of(runs["paid"]), "dag_run")
    app.get_by_test_id("workflow-graph").last.get_by_role("button", name=re.compile("^Step *Decide")).focus()
    view.page.keyboard.press("Enter")
    detail = view.page.get_by_role("dialog", name="Decide")
    expect(detail).to_contain_text("data.amount <= 1000.0 && data.score > 50 → pay")
    expect(detail).to_contain_text("data.score")
    expect(detail).to_contain_text("Continued with pay")
    expect(detail).to_contain_text("***")
    expect(detail.get_by_role("link", name="Airflow task and its log")).to_have_attribute(
        "href", re.compile(r"/dags/ui\.loan/runs/.*/tasks/decide$")
    )
    shoot(view, "workflow-step")
    view.page.keyboard.press("Escape")
    expect(detail).to_have_count(0)


def test_timeline_data_and_log(view: View, runs: dict[str, Json], shoot: Callable[[View, str], None]) -> None:
    app = view.open(page_of(runs["refused"]), "dag_run")
    app.get_by_role("tab", name="Timeline").click()
    timeline = app.get_by_role("tabpanel", name="Timeline")
    remind = timeline.get_by_role("button", name=re.compile("^Step Collect papers"))
    expect(remind).to_have_attribute("aria-label", re.compile("3 attempts"))
    expect(timeline.get_by_role("button", name=re.compile("^Compensation of"))).to_be_visible()
    timeline.scroll_into_view_if_needed()
    shoot(view, "workflow-timeline")
    app.get_by_role("tab", name="Data").click()
    data = app.get_by_role("tabpanel", name="Data")
    expect(data).to_contain_text('"Ada"')
    expect(data).to_contain_text('"***"')
    app.get_by_role("tab", name="Log").click()
    log = app.get_by_test_id("workflow-log")
    expect(log.locator("[data-event='instance.failed']")).to_have_count(1)
    expect(log.get_by_text(re.compile("^Check the customer completed"))).to_be_visible()
    assert view.page.evaluate("window.hacked") is None


def test_an_instance_has_a_page_of_its_own_for_a_phone(
    open_view: Callable[..., View], runs: dict[str, Json], shoot: Callable[[View, str], None]
) -> None:
    paid = runs["paid"]
    phone = open_view("operator", width=420)
    app = phone.open("/plugin/workflows/instances?workflowId=ui.loan")
    app.get_by_test_id(f"instance-{paid['id']}").get_by_role("link").first.click()
    phone.page.wait_for_url(re.compile(f"/plugin/workflows/instance/{paid['id']}$"))
    app = phone.settled()
    expect(app.get_by_role("heading", name="Loan application · loan-17")).to_be_visible()
    expect(phone.page).to_have_title("Loan application · loan-17")
    expect(app.get_by_test_id("status-sentence")).to_contain_text("Completed after")
    expect(app.get_by_text(re.compile("^Started .* by "))).to_be_visible()
    run = app.get_by_role("link", name="Airflow run and task logs")
    expect(run).to_have_attribute("href", re.compile(r"/dags/ui\.loan/runs/[^/]+$"))
    expect(component(app, "facts")).to_contain_text("Ada")
    shoot(phone, "phone-instance")
    assert phone.violations() == []
    for tab in ("Timeline", "Data", "Graph", "Log"):
        app.get_by_role("tab", name=tab, exact=True).click()
        expect(app.get_by_role("tabpanel", name=tab, exact=True)).to_be_visible()
        phone.settled()
        assert phone.overflow() == 0, tab
    app.get_by_label("Search the log").fill("VISIT 3 completed")
    rows = app.get_by_test_id("workflow-log").get_by_role("listitem")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Collect papers completed, visit 3, continues with Decide")
    shoot(phone, "phone-log")
    assert phone.violations() == []
    with phone.page.expect_download() as saved:
        app.get_by_role("button", name="Download").click()
    events = {each["event"] for each in json.loads(saved.value.path().read_text())}
    assert {"instance.started", "step.completed", "instance.completed"} <= events


def test_parents_and_children_lead_to_each_other(open_view: Callable[..., View], runs: dict[str, Json]) -> None:
    parent = runs["dispatched"]
    phone = open_view("viewer", width=420)
    app = phone.open(f"/plugin/workflows/instance/{parent['id']}?view=related")
    tree = app.get_by_role("tabpanel", name="Related")
    expect(tree.locator("[aria-current=true]")).to_have_text("parcel-3Dispatch")
    child = tree.get_by_role("listitem").last
    expect(child).to_have_text(re.compile("^completed *parcel-3 *ui.shipment, send, "))
    assert (phone.overflow(), phone.violations()) == (0, [])
    child.get_by_role("link", name="parcel-3").click()
    expect(app.get_by_role("heading", name="Shipment · parcel-3")).to_be_visible()
    app.get_by_role("tab", name="Related").click()
    expect(tree.locator("[aria-current=true]")).to_have_text("parcel-3Shipment")
    expect(tree.get_by_text("It has started no other workflows.")).to_be_visible()
    tree.get_by_role("link", name="parcel-3").click()
    phone.page.wait_for_url(re.compile(f"/plugin/workflows/instance/{parent['id']}"))
    expect(app.get_by_role("heading", name="Dispatch · parcel-3")).to_be_visible()


def test_long_words_of_a_failure_fit_on_a_phone(open_view: Callable[..., View], runs: dict[str, Json]) -> None:
    phone = open_view(width=420, dark=True)
    paid, refused = runs["paid"]["id"], runs["refused"]["id"]
    for place in (f"instance/{refused}", f"compare/{paid}/{refused}"):
        app = phone.open(f"/plugin/workflows/{place}")
        expect(app.get_by_text("window.hacked='refusal'").first).to_be_visible()
        assert (place, phone.overflow(), phone.violations()) == (place, 0, [])
    assert phone.page.evaluate("window.hacked") is None


def test_an_instance_is_followed_from_its_start_to_its_end(
    view: View, runs: dict[str, Json], shoot: Callable[[View, str], None]
) -> None:
    assert runs
    started = view.site.start("ui.visit", input={})
    requests = asked(view)
    app = view.open(page_of(started), "dag_run")
    expect(app.get_by_role("heading", name="Visit")).to_be_visible()
    first = len(requests)
    assert first <= 5, requests
    form = component(app, "open-questions")
    expect(form.get_by_role("heading", name="Who comes?")).to_be_visible()
    expect(form.locator("strong")).to_have_text("who")
    expect(component(app, "workflow-progress").locator("[data-status=person]")).to_have_count(1)
    shoot(view, "workflow-form")
    form.get_by_role("button", name="submit").click()
    expect(form.get_by_label("Guest")).to_have_attribute("aria-invalid", "true")
    form.get_by_label("Guest").fill("Grace")
    before, begun = len(requests), time.monotonic()
    form.get_by_role("button", name="submit").click()
    expect(component(app, "workflow-summary")).to_contain_text("Hello Grace")
    expect(app.get_by_text("3 of 3 steps")).to_be_visible()
    polls = [each for each in requests[before:] if each.startswith("/run-view")]
    assert len(polls) <= time.monotonic() - begun + 3, polls
    graph = app.get_by_test_id("workflow-graph")
    expect(graph.locator("[data-step=greet]")).to_have_attribute("data-status", "completed")


def test_a_test_event_is_sent_to_a_step_that_waits_for_one(
    view: View, runs: dict[str, Json], shoot: Callable[[View, str], None]
) -> None:
    app = view.open(f"/plugin/workflows/instance/{runs['awaiting']['id']}")
    sentence = app.get_by_test_id("status-sentence")
    expect(sentence).to_contain_text("waiting for the event ui.payment.* with number R-10")
    app.get_by_role("button", name="Send test event…").click()
    dialog = view.page.get_by_role("dialog", name="Send a test event")
    expect(dialog.get_by_label("Type")).to_have_value("ui.payment.test")
    data = dialog.get_by_role("textbox", name="Data")
    assert json.loads(data.input_value()) == {"number": "R-10"}
    data.fill("{")
    dialog.get_by_role("button", name="Send").click()
    expect(dialog.get_by_text("Not valid JSON")).to_be_visible()
    data.fill('{"number": "R-10", "amount": 5}')
    shoot(view, "test-event")
    dialog.get_by_role("button", name="Send").click()
    expect(dialog.get_by_text("Event accepted")).to_be_visible()
    expect(dialog.get_by_text("Wait for the payment no longer waits.")).to_be_visible()
    dialog.get_by_role("button", name="Close").first.click()
    expect(sentence).to_contain_text("Completed after")
    assert view.site.ended(runs["awaiting"]["id"])["state"]["steps"]["paid"]["output"]["data"]["amount"] == 5


def test_a_running_instance_is_cancelled_with_a_reason(view: View, runs: dict[str, Json]) -> None:
    assert runs
    started = view.site.start("ui.visit", input={})
    app = view.open(page_of(started), "dag_run")
    app.get_by_role("button", name="Cancel").click()
    dialog = view.page.get_by_role("dialog", name="Cancel this workflow?")
    dialog.get_by_label("Reason").fill("nobody comes")
    dialog.get_by_role("button", name="Cancel workflow").click()
    expect(dialog).to_have_count(0)
    expect(component(app, "error-view")).to_contain_text("nobody comes")
    assert view.site.ended(started["id"])["error"]["type"] == "Cancelled"


def operate(view: View, app: Locator, title: str) -> Locator:
    """Open the dialog of an operation; its button of the same name does it."""
    app.get_by_role("button", name=title, exact=True).click()
    return view.page.get_by_role("dialog", name=title)


def confirm(view: View, dialog: Locator, title: str) -> None:
    """Confirm an operation on an instance that has ended: Airflow's page is loaded again, so that all of it agrees."""
    with view.page.expect_event("load"):
        dialog.get_by_role("button", name=title, exact=True).click()
    expect(dialog).to_have_count(0)


def test_an_instance_is_suspended_and_resumed(view: View, site: Site) -> None:
    site.admin.put("definitions/ui.held", json=HELD).raise_for_status()
    started = site.start("ui.held", input={})
    app = view.open(page_of(started), "dag_run")
    for title, then in (("Suspend", "Resume"), ("Resume", "Suspend")):
        dialog = operate(view, app, title)
        dialog.get_by_label("Reason").fill("an audit")
        dialog.get_by_role("button", name=title, exact=True).click()
        expect(dialog).to_have_count(0)
        expect(app.get_by_role("button", name=then, exact=True)).to_be_visible()
        expect(app.get_by_role("button", name=title, exact=True)).to_have_count(0)
    log = site.admin.get(f"instances/{started['id']}/log").json()["items"]
    operated = {each["event"]: each["message"] for each in log if each["event"] in OPERATED}
    assert operated == dict.fromkeys(OPERATED, "an audit")
    site.admin.post(f"instances/{started['id']}/cancel", json={}).raise_for_status()


OPERATED = ("instance.suspended", "instance.resumed")


def test_a_failed_instance_is_retried_skipped_and_restarted(view: View, site: Site) -> None:
    site.admin.put("definitions/ui.stuck", json=STUCK).raise_for_status()
    failed = site.ended(site.start("ui.stuck", input={"amount": 5})["id"])
    app = view.open(page_of(failed), "dag_run")
    dialog = operate(view, app, "Retry")
    dialog.get_by_label("Workflow version").select_option("newest")
    confirm(view, dialog, "Retry")
    app.get_by_role("tab", name="Log").click()
    failures = app.get_by_test_id("workflow-log").locator("[data-event='instance.failed']")
    expect(failures).to_have_count(2)

    dialog = operate(view, app, "Skip failed step")
    expect(dialog.get_by_label("Step")).to_have_value("pay")
    result = dialog.get_by_role("textbox", name="Task result")
    result.fill("[1]")
    dialog.get_by_role("button", name="Skip failed step").click()
    expect(dialog).to_contain_text("Enter a JSON object")
    result.fill('{"receipt": "by hand"}')
    dialog.get_by_role("button", name="Preview").click()
    expect(dialog).to_contain_text("Next: close")
    confirm(view, dialog, "Skip failed step")
    expect(component(app, "workflow-summary")).to_contain_text("by hand")
    assert site.ended(failed["id"])["output"]["receipt"] == "by hand"
    # Airflow's own header agrees, without anybody loading the page again.
    expect(view.page.get_by_test_id("state-badge").first).to_contain_text("Success")

    dialog = operate(view, app, "Restart")
    expect(dialog.get_by_role("checkbox", name="Reuse the original input")).to_be_enabled()
    dialog.get_by_text("Reuse the original input").click()
    dialog.get_by_role("textbox", name="Input").fill('{"amount": 6}')
    expect(dialog.get_by_label("From").locator("option")).to_have_text(["The first step", "Open", "Pay", "Close"])
    confirm(view, dialog, "Restart")
    expect(component(app, "error-view")).to_contain_text("not for 6")
    dialog = operate(view, app, "Restart")
    # What never ran has nothing to be run again from.
    expect(dialog.get_by_label("From").locator("option")).to_have_text(["The first step", "Open", "Pay"])


def test_it_stays_calm_while_the_api_is_away(view: View, runs: dict[str, Json]) -> None:
    app = view.open(page_of(runs["paid"]), "dag_run")
    expect(component(app, "facts")).to_be_visible()
    view.page.route("**/run-view?*", lambda route: route.fulfill(status=503, json={"detail": "It is away"}))
    expect(app.get_by_text("may be out of date")).to_be_visible()
    expect(component(app, "facts")).to_be_visible()
    view.page.unroute("**/run-view?*")
    expect(app.get_by_text("may be out of date")).to_have_count(0)


def test_a_deleted_instance_is_reported(
    view: View, site: Site, database: Database, running_airflow: RunningAirflow
) -> None:
    site.admin.put("definitions/ui.stuck", json=STUCK).raise_for_status()
    failed = site.ended(site.start("ui.stuck", input={"amount": 7})["id"])
    # A task that still runs would make the row anew.
    running_airflow.client.wait_for_run(failed["dagId"], failed["runId"])
    # With its tasks' positions the instance would count as lost by a restore, and be made again.
    tasks = f"/dags/{failed['dagId']}/dagRuns/{failed['runId']}/taskInstances"
    for task in running_airflow.client.task_instances(failed["dagId"], failed["runId"]):
        with suppress(NotFound):
            running_airflow.client.request("DELETE", f"{tasks}/{task['task_id']}/xcomEntries/{POSITION}")
    app = view.open(page_of(failed), "dag_run")
    expect(app.get_by_role("heading", name="Stuck")).to_be_visible()
    with database.begin() as connection:
        connection.execute(delete(workflow_instances).where(workflow_instances.c.id == UUID(failed["id"])))
    expect(app.get_by_text("This instance no longer exists")).to_be_visible()
    view.page.reload()
    expect(view.settled("dag_run").get_by_text("This run has no workflow instance yet")).to_be_visible()


def test_a_dag_that_is_no_workflow_says_so(view: View, running_airflow: RunningAirflow) -> None:
    running_airflow.client.wait_for_dag("ui_plain", seconds=300)
    run = running_airflow.client.trigger("ui_plain")
    place = {"dagId": "ui_plain", "runId": run["dag_run_id"]}
    for more, name in (("/plugin/workflow-run", "dag_run"), ("/tasks/nothing/plugin/workflow-step", "task_instance")):
        app = view.open(page_of(place, more), name)
        expect(app.get_by_text("Not a workflow")).to_be_visible()


def test_a_task_shows_its_steps(view: View, runs: dict[str, Json]) -> None:
    app = view.open(page_of(runs["paid"], "/tasks/decide/plugin/workflow-step"), "task_instance")
    expect(app.get_by_role("region", name="Decide")).to_contain_text("Continued with pay")
    app = view.open(page_of(runs["paid"], "/tasks/remind.loop/plugin/workflow-step"), "task_instance")
    expect(app.get_by_role("region", name="Collect papers")).to_contain_text("Visit 3")
    app = view.open(page_of(runs["paid"], "/tasks/end/plugin/workflow-step"), "task_instance")
    expect(app.get_by_text("Not a step of the workflow")).to_be_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious(
    open_view: Callable[..., View], runs: dict[str, Json], dark: bool, shoot: Callable[[View, str], None]
) -> None:
    view = open_view(dark=dark)
    app = view.open(page_of(runs["refused"]), "dag_run")
    app.get_by_role("tab", name="Graph").scroll_into_view_if_needed()
    assert view.violations() == []
    step = app.get_by_test_id("workflow-graph").last.locator("button[data-step=pay]")
    colour = "element => getComputedStyle(element).color"
    assert step.evaluate(colour) == app.get_by_role("heading", level=2).evaluate(colour)
    shoot(view, "workflow-dark" if dark else "workflow")
    for tab in ("Timeline", "Data", "Log"):
        app.get_by_role("tab", name=tab).click()
        view.settled("dag_run")
        assert view.violations() == []
    view.open(page_of(runs["refused"], "/tasks/decide/plugin/workflow-step"), "task_instance")
    assert view.violations() == []


@pytest.mark.parametrize("more", ["/plugin/workflow-run", "/tasks/decide/plugin/workflow-step"])
def test_a_narrow_place_holds_it(open_view: Callable[..., View], runs: dict[str, Json], more: str) -> None:
    # Airflow leaves its right half to us, and does not make its left half smaller.
    view = open_view(width=820)
    app = view.open(page_of(runs["paid"], more), "dag_run" if "tasks" not in more else "task_instance")
    beyond = app.evaluate(
        "app => [...app.querySelectorAll('*')].filter(each => !each.closest('.workflows-graph, table')"
        " && each.getBoundingClientRect().right > app.getBoundingClientRect().right + 1).map(each => each.outerHTML)"
    )
    assert beyond == []


def test_sixty_steps_can_be_read(view: View, runs: dict[str, Json], shoot: Callable[[View, str], None]) -> None:
    assert runs
    app = view.open("/dags/ui.many/plugin/workflow-definition", "dag")
    graph = app.get_by_test_id("workflow-graph")
    name = graph.get_by_text("Gather data 0", exact=True)
    expect(name).to_be_visible()
    size = name.bounding_box()
    assert size is not None
    assert size["height"] >= 10
    shoot(view, "definition-graph")


def test_a_page_of_500_steps_is_there_soon(view: View, runs: dict[str, Json], database: Database, site: Site) -> None:
    assert runs
    site.admin.put("definitions/ui.long", json=LONG).raise_for_status()
    started = site.start("ui.long", input={})
    graph = Graph.of(parse_definition(LONG))

    def to_the_end(record: Record) -> None:
        machine = Machine(graph, record.state)
        for step in LONG["steps"]:
            machine.begin("", step["stepId"], "by hand", datetime.now(UTC), generation=MANUAL)
            machine.succeed("", step["stepId"], "by hand", {}, datetime.now(UTC))
        record.status, record.output, record.current_step_id = machine.status, {}, machine.current_step_id
        record.completed_at = datetime.now(UTC)
        record.save()

    Instances(database).update(UUID(started["id"]), to_the_end)
    assert site.admin.get(f"instances/{started['id']}").json()["status"] == "completed"
    airflow, own = view.timed(page_of(started), "dag_run", "[data-testid=workflow-graph] [data-step]")
    print(f"500 steps: Airflow {airflow:.0f} ms, then {own:.0f} ms to the graph")
    assert own <= max(2_000, 2 * airflow)
    app = view.settled("dag_run")
    expect(app.get_by_text("500 of 500 steps")).to_be_visible()
    app.get_by_role("tab", name="Timeline").click()
    timeline = app.get_by_role("tabpanel", name="Timeline")
    expect(timeline.get_by_role("listitem").first).to_be_visible()
    # Of 500 rows only those in sight are in the page.
    assert timeline.get_by_role("listitem").count() < 60
