"""The page behind Airflow's navigation."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from airflow_workflow_provider.local.client import poll
from tests.ui.conftest import PATIENCE, Site, View
from tests.ui.definitions import ORDER

pytestmark = [pytest.mark.daemons, pytest.mark.slow, pytest.mark.xdist_group("airflow-ui"), pytest.mark.timeout(900)]

expect.set_options(timeout=PATIENCE)

OURS = "/plugin/workflows?search=ui."
"""The list without what other files' tests have published."""


def test_airflow_leads_to_it(view: View) -> None:
    view.page.goto(view.site.address)
    view.page.get_by_role("link", name="Workflows").click()
    view.settled()
    expect(view.page.get_by_role("heading", name="Workflows", level=1)).to_be_visible()


def test_definitions_show_how_they_do(view: View, shoot: Callable[[View, str], None]) -> None:
    app = view.open(OURS)
    row = app.get_by_test_id("definition-ui.order")
    expect(row.get_by_role("link", name=re.compile("completed$"))).to_be_visible()
    expect(row.get_by_role("list", name="Last runs").get_by_role("link")).not_to_have_count(0)
    expect(app.get_by_test_id("definition-ui.broken").get_by_role("link", name="1 failed")).to_be_visible()
    shoot(view, "definitions")
    app.get_by_label("Search workflows").fill("looked order")
    expect(app.get_by_test_id("definition-ui.broken")).to_have_count(0)
    expect(row).to_be_visible()
    # One character after the other: Airflow must not take the field away meanwhile.
    app.get_by_label("Search workflows").fill("")
    app.get_by_label("Search workflows").press_sequentially("nothing has this")
    expect(app.get_by_text("No matching workflows")).to_be_visible()
    # Another visit to the same address shows the same.
    view.page.wait_for_url(re.compile("search=nothing"))
    view.page.reload()
    expect(view.settled().get_by_text("No matching workflows")).to_be_visible()


def test_workflows_are_shown_page_by_page(view: View) -> None:
    def two(route: Route) -> None:
        route.continue_(url=route.request.url.replace("limit=50", "limit=2"))

    view.page.route(re.compile(r"/api/v1/definitions\?"), two)
    app = view.open(OURS)
    rows = app.locator("tbody tr")
    expect(rows).to_have_count(2)
    first = rows.first.get_attribute("data-testid") or ""
    app.get_by_role("button", name="Next").click()
    expect(rows.first).not_to_have_attribute("data-testid", first)
    app.get_by_role("button", name="Back").click()
    expect(rows.first).to_have_attribute("data-testid", first)


def test_a_count_leads_to_its_instances(view: View) -> None:
    app = view.open(OURS)
    app.get_by_test_id("definition-ui.broken").get_by_role("link", name="1 failed").click()
    app = view.settled()
    expect(app.get_by_role("button", name=re.compile(r"^failed \d+$"), pressed=True)).to_be_visible()
    expect(app.get_by_label("Workflow", exact=True)).to_have_value("ui.broken")
    rows = app.locator("tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("failed")


def test_instances_are_found(view: View, shoot: Callable[[View, str], None]) -> None:
    app = view.open("/plugin/workflows/instances")
    shoot(view, "instances")
    # One character after the other: Airflow must not take the field away meanwhile.
    search = app.get_by_label("Correlation ID, run or ID")
    search.press_sequentially("ORDER-2")
    expect(search).to_be_focused()
    rows = app.locator("tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("ui.order")
    assert "search=ORDER-2" in view.page.url
    expect(rows.get_by_role("link", name="order-2", exact=True)).to_be_visible()
    app.get_by_label("Started", exact=True).select_option("Between two times")
    app.get_by_label("Started from").fill("2999-01-01T00:00")
    expect(app.get_by_text("No matching instances")).to_be_visible()
    app.get_by_role("button", name="Clear filter").click()
    expect(rows).not_to_have_count(1)
    # Another visit to the same address shows the same.
    app = view.open("/plugin/workflows/instances?workflowId=ui.order&status=completed&correlationId=order-1")
    expect(app.locator("tbody tr")).to_have_count(1)


def test_two_instances_are_compared(view: View, shoot: Callable[[View, str], None]) -> None:
    app = view.open("/plugin/workflows/instances?workflowId=ui.order&search=order-")
    for name in ("order-1", "order-2"):
        app.get_by_role("checkbox", name=f"Select {name}", exact=True).click(force=True)
    app.get_by_role("toolbar").get_by_role("link", name="Compare").click()
    view.page.wait_for_url(re.compile("/plugin/workflows/compare/[^/]+/[^/]+$"))
    expect(app.get_by_text(re.compile("^The paths part at Register the order.*: the end, Look at it$"))).to_be_visible()
    path = app.get_by_role("table", name="Path").get_by_role("row")
    expect(path.filter(has_text="Look at it").last).to_have_text(re.compile("different.*Not reached.*completed"))
    values = app.get_by_role("table", name="Input").get_by_role("row")
    expect(values).to_have_text(["Inputorder-1order-2", "amountdifferent125000", 'customerdifferent"Ada""Grace"'])
    shoot(view, "compare")
    view.page.set_viewport_size({"width": 420, "height": 800})
    assert (view.overflow(), view.violations()) == (0, [])
    app.get_by_role("link", name="order-1", exact=True).first.click()
    app.get_by_role("link", name="Compare with another instance").click()
    app.get_by_label("Correlation ID, run or ID").fill("order-2")
    app.get_by_role("table").get_by_role("link", name="order-2", exact=True).click()
    app.get_by_text("Only differences").click()
    expect(values.last).to_contain_text("Grace")
    shoot(view, "phone-compare")


def test_failures_are_found_by_their_cause_and_looked_at_before_anything_is_done(
    view: View, shoot: Callable[[View, str], None]
) -> None:
    app = view.open("/plugin/workflows/instances?workflowId=ui.broken")
    causes = app.get_by_role("region", name="Why instances failed")
    causes.get_by_role("button").first.click()
    expect(causes.get_by_role("button", pressed=True)).to_be_visible()
    assert "errorType=" in view.page.url
    # The filter has a name, and is there again by it.
    app.get_by_role("button", name="Save as view…").click()
    app.get_by_label("Name of the view").fill("Broken for good")
    view.page.keyboard.press("Enter")
    app = view.open("/plugin/workflows/instances")
    app.get_by_label("Saved views").select_option("Broken for good")
    view.page.wait_for_url(re.compile("errorType="))
    app.get_by_role("button", name="Delete view").click()
    rows = app.locator("tbody tr")
    expect(rows).to_have_count(1)
    app.get_by_role("checkbox", name="Select all on this page").click(force=True)
    app.get_by_role("toolbar").get_by_role("button", name="Suspend").click()
    dialog = view.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Preview").click()
    # What has failed cannot be suspended, so there is nothing to confirm.
    expect(dialog.get_by_text("not possible")).to_be_visible()
    expect(dialog.get_by_role("button", name=re.compile("^Suspend:"))).to_have_count(0)
    shoot(view, "bulk")


def test_pages_of_instances_continue_where_the_last_ended(view: View) -> None:
    asked: list[str] = []

    def pages(route: Route) -> None:
        asked.append(route.request.url)
        answer = route.fetch()
        body = answer.json()
        route.fulfill(response=answer, json={**body, "next": None if "after=" in route.request.url else "the-next"})

    view.page.route(re.compile(r"/api/v1/instances\?(?!.*after=)"), pages)
    view.page.route(re.compile(r"/api/v1/instances\?.*after="), lambda route: route.fulfill(json=EMPTY_PAGE))
    app = view.open("/plugin/workflows/instances")
    app.get_by_role("button", name="Older").click()
    expect(app.get_by_text(re.compile("There are no instances|No instance"))).to_be_visible()


EMPTY_PAGE: dict[str, Any] = {"items": [], "next": None}


def test_an_instance_starts_from_its_form(view: View, shoot: Callable[[View, str], None]) -> None:
    app = view.open(OURS)
    app.get_by_test_id("definition-ui.order").get_by_role("link", name="Start Order").click()
    app = view.settled()
    app.get_by_label("Amount").fill("0")
    app.get_by_role("button", name="Start", exact=True).click()
    expect(app.get_by_text("Enter 1 or more")).to_be_visible()
    expect(app.get_by_text("Required", exact=True)).to_be_visible()
    app.get_by_label("Amount").fill("75")
    app.get_by_label("Customer").fill("ada")
    app.get_by_role("button", name="Add").click()
    app.get_by_label("Article").fill("A-1")
    app.get_by_role("button", name="Start", exact=True).click()
    # What only the server knows is shown at the field as well.
    expect(app.get_by_label("Customer")).to_have_attribute("aria-invalid", "true")
    expect(app.get_by_label("Customer")).to_be_focused()
    shoot(view, "start")
    correlation = f"form-{uuid.uuid4()}"
    app.get_by_label("Customer").fill("Ada")
    app.get_by_label("Correlation ID").fill(correlation)
    app.get_by_role("button", name="Start", exact=True).click()
    view.page.wait_for_url(re.compile("/plugin/workflows/instance/"))
    found = view.site.admin.get("instances", params={"correlationId": correlation}).json()["items"]
    assert len(found) == 1
    started = view.site.admin.get(f"instances/{found[0]['id']}").json()
    assert started["input"] == {"amount": 75, "customer": "Ada", "lines": [{"sku": "A-1"}]}


def test_a_start_that_is_sent_twice_starts_one(view: View) -> None:
    correlation = f"twice-{uuid.uuid4()}"
    app = view.open("/plugin/workflows/start/ui.order")
    lost: list[int] = []

    def lose_the_first_answer(route: Route) -> None:
        answer = route.fetch()
        lost.append(answer.status)
        if len(lost) == 1:
            route.abort()
        else:
            route.fulfill(response=answer)

    view.page.route("**/definitions/ui.order/instances", lose_the_first_answer)
    app.get_by_label("Amount").fill("5")
    app.get_by_label("Customer").fill("Ada")
    app.get_by_label("Correlation ID").fill(correlation)
    app.get_by_role("button", name="Start", exact=True).click()
    expect(app.get_by_text("Airflow cannot be reached").first).to_be_visible()
    app.get_by_role("button", name="Start", exact=True).click()
    view.page.wait_for_url(re.compile("/plugin/workflows/instance/"))
    assert lost == [201, 200]
    assert len(view.site.admin.get("instances", params={"correlationId": correlation}).json()["items"]) == 1


def dead_letter(site: Site) -> dict[str, Any]:
    event = {"specversion": "1.0", "id": str(uuid.uuid4()), "source": "/ui", "type": "ui.shipment.sent", "data": {}}
    accepted = site.admin.post("events", json=event).raise_for_status().json()["items"][0]["id"]

    def look() -> dict[str, Any] | None:
        found = site.admin.get("deliveries", params={"event": accepted, "status": "dead"}).json()["items"]
        return found[0] if found else None

    return poll(look, seconds=300, what="a dead letter")


def test_dead_letters_are_read_and_driven_again(view: View, shoot: Callable[[View, str], None]) -> None:
    letter = dead_letter(view.site)
    app = view.open("/plugin/workflows/events")
    row = app.get_by_test_id(f"delivery-{letter['id']}")
    expect(row).to_contain_text("ui.shipment")
    row.get_by_role("button", name="Show").click()
    expect(app.get_by_text('"ui.shipment.sent"')).to_be_visible()
    shoot(view, "events")
    with view.page.expect_response(re.compile("/redrive$")) as answer:
        row.get_by_role("button", name="Deliver again").click()
    assert answer.value.status == 202

    def tried_again() -> bool | None:
        found = view.site.admin.get("deliveries", params={"event": letter["eventId"]}).json()["items"][0]
        return True if found["updatedAt"] != letter["updatedAt"] else None

    assert poll(tried_again, seconds=300, what="the delivery to be tried again")


@pytest.mark.parametrize(
    ("shown", "words"), [("events", "ui.shipment.sent"), ("deliveries", "ui.shipment"), ("waits", "No step is waiting")]
)
def test_other_lists_of_events(view: View, shown: str, words: str) -> None:
    dead_letter(view.site)
    app = view.open(f"/plugin/workflows/events?show={shown}")
    if shown == "waits":
        # Another file's workflows may wait; then there is a table instead.
        expect(app.get_by_text(words).or_(app.get_by_role("columnheader", name="Waits for"))).to_be_visible()
    else:
        expect(app.get_by_text(words).first).to_be_visible()


def test_a_viewer_sees_but_is_offered_nothing(open_view: Callable[..., View]) -> None:
    viewer = open_view("viewer")
    app = viewer.open("/plugin/workflows/instances")
    expect(app.get_by_role("link", name="Export CSV")).to_be_visible()
    expect(app.locator("tbody tr").first).to_be_visible()
    expect(app.get_by_role("checkbox")).to_have_count(0)
    app = viewer.open(OURS)
    expect(app.get_by_test_id("definition-ui.order").get_by_role("list", name="Last runs")).to_be_visible()
    expect(app.get_by_role("link", name=re.compile("^Start "))).to_have_count(0)
    expect(app.get_by_role("link", name="New workflow")).to_have_count(0)
    app = viewer.open("/plugin/workflows/new")
    expect(app.get_by_text("You cannot publish workflows")).to_be_visible()
    dead_letter(viewer.site)
    app = viewer.open("/plugin/workflows/events")
    expect(app.locator("tbody tr").first).to_be_visible()
    expect(app.get_by_role("button", name="Deliver again")).to_have_count(0)
    app = viewer.open("/plugin/workflows/start/ui.order")
    app.get_by_label("Amount").fill("5")
    app.get_by_label("Customer").fill("Ada")
    app.get_by_role("button", name="Start", exact=True).click()
    expect(app.get_by_text("Permission required")).to_be_visible()


def test_the_overview_counts_and_leads_to_what_failed(
    view: View, open_view: Callable[..., View], shoot: Callable[[View, str], None]
) -> None:
    app = view.open("/plugin/workflows/overview?workflowId=ui.broken")
    expect(app.get_by_role("listitem", name=re.compile("1 failed"))).to_be_visible()
    expect(app.get_by_text("100%")).to_be_visible()
    shoot(view, "overview")
    assert view.violations() == []
    app.get_by_label("Period").select_option("Last 7 days")
    view.page.wait_for_url(re.compile("last=7d"))
    view.settled().get_by_role("region", name="Top causes of failures").get_by_role("link").first.click()
    app = view.settled()
    expect(app.get_by_role("button", name=re.compile(r"^failed \d+$"), pressed=True)).to_be_visible()
    expect(app.locator("tbody tr")).to_have_count(1)
    phone = open_view(dark=True, width=420)
    for name in ("overview", "instances"):
        app = phone.open(f"/plugin/workflows/{name}")
        expect(app.locator("tbody tr").first).to_be_visible()
        shoot(phone, f"phone-{name}")
        assert phone.overflow() == 0


def test_a_new_workflow_is_written(view: View) -> None:
    app = view.open("/plugin/workflows/new")
    expect(app.get_by_text("No errors")).to_be_visible()
    document = {**ORDER, "workflowId": f"ui.new-{uuid.uuid4().hex[:8]}", "triggers": []}
    view.write(document)
    expect(app.get_by_text(re.compile("^No errors"))).to_be_visible()
    app.get_by_role("button", name="Publish").click()
    expect(app.get_by_text("Version 1.0.0 is published")).to_be_visible()
    stored = view.site.admin.get(f"definitions/{document['workflowId']}").json()
    assert stored["document"] == document
