"""Good manners: for everybody, on every screen, whatever authors write and whatever is away."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from tests.ui.conftest import PATIENCE, View

pytestmark = [pytest.mark.daemons, pytest.mark.slow, pytest.mark.xdist_group("airflow-ui"), pytest.mark.timeout(900)]

expect.set_options(timeout=PATIENCE)

VIEWS = [
    ("/plugin/workflows", "nav"),
    ("/plugin/workflows/instances", "nav"),
    ("/plugin/workflows/events?show=deliveries", "nav"),
    ("/plugin/workflows/events?show=events", "nav"),
    ("/plugin/workflows/start/ui.evil", "nav"),
    ("/plugin/workflows/new", "nav"),
    ("/dags/ui.evil/plugin/workflow-definition", "dag"),
    ("/dags/ui.evil/plugin/workflow-definition?view=versions", "dag"),
    ("/dags/ui.evil/plugin/workflow-definition?view=triggers", "dag"),
    ("/dags/ui.evil/plugin/workflow-definition?view=checks", "dag"),
    ("/dags/ui.evil/plugin/workflow-definition?view=edit", "dag"),
]


@pytest.mark.parametrize(("path", "component"), VIEWS)
def test_a_view_runs_nothing_of_authors_is_accessible_and_fits(view: View, path: str, component: str) -> None:
    app = view.open(path, component)
    expect(app.locator("h1, h2, table, [role=tab]").first).to_be_visible()
    assert view.page.evaluate("window.hacked") is None
    assert app.locator("img, script, iframe, [onerror], a[href^='javascript:' i]").count() == 0
    assert view.violations() == []
    view.page.set_viewport_size({"width": 420, "height": 800})
    assert view.overflow() == 0


@pytest.mark.parametrize(("path", "component"), VIEWS)
def test_a_view_is_accessible_in_the_dark(open_view: Callable[..., View], path: str, component: str) -> None:
    view = open_view(dark=True)
    view.open(path, component)
    assert view.violations() == []


def test_dark_is_airflows_dark(open_view: Callable[..., View], shoot: Callable[[View, str], None]) -> None:
    view = open_view(dark=True)
    app = view.open("/plugin/workflows")
    expect(app.get_by_role("list", name="Last runs").first).to_be_visible()
    shoot(view, "definitions-dark")
    lightness = "element => getComputedStyle(element).color"
    light = open_view()
    other = light.open("/plugin/workflows")
    assert app.evaluate(lightness) != other.evaluate(lightness)


def test_the_keyboard_reaches_the_tabs(view: View) -> None:
    app = view.open("/plugin/workflows")
    app.get_by_role("tab", name="Definitions").focus()
    view.page.keyboard.press("ArrowRight")
    expect(app.get_by_role("tab", name="Instances", selected=True)).to_be_visible()
    view.page.wait_for_url(re.compile("/plugin/workflows/instances"))


def test_it_stays_calm_while_the_api_is_away(view: View) -> None:
    app = view.open("/plugin/workflows/instances")
    rows = app.locator("tbody tr")
    expect(rows.first).to_be_visible()
    view.page.route("**/workflows/api/v1/instances?*", lambda route: route.abort())
    expect(app.get_by_text("Airflow cannot be reached").first).to_be_visible()
    expect(app.get_by_text("may be out of date")).to_be_visible()
    # What was known stays.
    expect(rows.first).to_be_visible()
    view.page.unroute("**/workflows/api/v1/instances?*")
    expect(app.get_by_text("Airflow cannot be reached")).to_have_count(0)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (
            503,
            {"code": "store-unavailable", "detail": "The database is away"},
            "The database is temporarily unavailable",
        ),
        (401, {"code": "not-authenticated", "detail": "Nobody is signed in"}, "You are signed out"),
        (
            500,
            {"code": "internal-error", "detail": "The server's log says why"},
            "The server responded with status 500",
        ),
    ],
)
def test_errors_are_reported(view: View, status: int, body: dict[str, str], words: str) -> None:
    def answer(route: Route) -> None:
        route.fulfill(status=status, json=body)

    view.page.route("**/workflows/api/v1/instances?*", answer)
    app = view.open("/plugin/workflows/instances")
    expect(app.get_by_text(words).first).to_be_visible()
    if status == 401:
        link = app.get_by_role("link", name="Sign in")
        expect(link).to_have_attribute("href", re.compile("/api/v2/auth/login"))


def test_an_editor_that_cannot_be_loaded_leaves_a_field(view: View) -> None:
    view.page.route(re.compile("/workflows/ui/editor-"), lambda route: route.abort())
    app = view.open("/plugin/workflows/new")
    field = app.get_by_role("textbox", name="Workflow document")
    expect(field).to_have_value(re.compile("my-workflow"))
    field.fill("{")
    expect(app.get_by_text("1 error")).to_be_visible()


def test_an_unknown_workflow_or_instance_is_reported_calmly(view: View) -> None:
    app = view.open("/plugin/workflows/start/ui.nowhere")
    expect(app.get_by_text("Not found")).to_be_visible()
    app = view.open("/plugin/workflows/instance/7f1b8f0e-0000-4000-8000-000000000000")
    expect(app.get_by_text("Not found")).to_be_visible()


def test_the_first_view_is_there_soon(view: View) -> None:
    airflow, own = view.timed("/plugin/workflows", "nav", "[data-testid^=definition-]")
    print(f"first view: Airflow {airflow:.0f} ms, then {own:.0f} ms to the list")
    # On a machine that does other things Airflow's own page tells how slow it is.
    assert own <= max(1_000, airflow)


def test_a_list_asks_at_most_once_a_second(view: View) -> None:
    asked: list[str] = []
    view.page.on("request", lambda request: asked.append(request.url) if "/workflows/api/" in request.url else None)
    view.open("/plugin/workflows")
    expect(view.page.get_by_role("list", name="Last runs").first).to_be_visible()
    asked.clear()
    view.page.wait_for_timeout(10_000)
    assert len(asked) <= 10


def test_screenshots_in_the_documentation_are_small() -> None:
    images = list((Path(__file__).parents[2] / "docs" / "images").glob("*.png"))
    assert images
    assert [image.name for image in images if image.stat().st_size > 150_000] == []
