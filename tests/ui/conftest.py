"""A browser on a real Airflow with workflows in it, as users of each role."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Error, Locator, Page, sync_playwright

from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.ui.apps import NAMES
from tests.support.airflow import RunningAirflow
from tests.ui.definitions import DEFINITIONS, INSTANCES, PLAIN_DAG

ROOT = Path(__file__).parents[2]
AXE = ROOT / "ui" / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE = 90_000
"""Milliseconds for which something may take to appear on a busy machine."""

FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    # Chromium's own sandbox does not work for root; what it opens is ours.
    "--no-sandbox",
)
COMMANDS = ("chromium", "chromium-browser", "google-chrome")


def browser_path() -> str:
    """Return the path of the browser."""
    wanted = os.environ.get("WORKFLOWS_BROWSER")
    found = next(filter(None, map(shutil.which, [wanted] if wanted else COMMANDS)), None)
    assert found is not None, "there is no Chromium: run scripts/browser.sh"
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser; stopped with each file, since it keeps an event loop in this thread."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=browser_path(), args=list(FLAGS))
        yield started
        started.close()


@dataclass
class Site:
    """An Airflow with workflows in it.

    :param passwords: of its users: admin, operator, user, viewer
    """

    address: str
    passwords: dict[str, str]
    closing: ExitStack = field(default_factory=ExitStack)

    def api(self, user: str = "admin") -> httpx.Client:
        """Return a client of our API, signed in as a user."""
        client = httpx.Client(
            base_url=f"{self.address}/workflows/api/v1/",
            headers={"Authorization": f"Bearer {self.token(user)}"},
            timeout=120,
            trust_env=False,
        )
        return self.closing.enter_context(client)

    def token(self, user: str) -> str:
        """Return a token of a user."""
        body = {"username": user, "password": self.passwords[user]}
        answer = httpx.post(f"{self.address}/auth/token", json=body, timeout=60, trust_env=False)
        return str(answer.raise_for_status().json()["access_token"])

    @cached_property
    def admin(self) -> httpx.Client:
        """A client of our API as administrator."""
        return self.api()

    def start(self, workflow_id: str, **body: Any) -> dict[str, Any]:
        """Start an instance as soon as Airflow knows the workflow."""

        def attempt() -> dict[str, Any] | None:
            answer = self.admin.post(f"definitions/{workflow_id}/instances", json=body)
            if answer.status_code == httpx.codes.CONFLICT:
                return None
            return dict(answer.raise_for_status().json())

        return poll(attempt, seconds=300, what=f"{workflow_id} to start")

    def ended(self, instance: str) -> dict[str, Any]:
        """Wait until an instance has ended and return it."""

        def look() -> dict[str, Any] | None:
            found = dict(self.admin.get(f"instances/{instance}").raise_for_status().json())
            return found if found["status"] in {"completed", "failed"} else None

        return poll(look, seconds=180, what=f"instance {instance} to end")


@pytest.fixture(scope="session")
def site(running_airflow: RunningAirflow) -> Iterator[Site]:
    """The running Airflow with this folder's workflows, their instances at their end."""
    (running_airflow.dags_folder / "ui_plain.py").write_text(PLAIN_DAG)
    access = running_airflow.environment.access()
    passwords = json.loads(running_airflow.environment.layout.passwords.read_text())
    made = Site(access.address, passwords)
    with made.closing:
        for document in DEFINITIONS:
            made.admin.put(f"definitions/{document['workflowId']}", json=document).raise_for_status()
        started = [made.start(workflow_id, **body) for workflow_id, body in INSTANCES]
        for each in started:
            made.ended(each["id"])
        yield made


@dataclass
class View:
    """A page of Airflow in a browser, and what went wrong on it."""

    page: Page
    site: Site
    errors: list[str] = field(default_factory=list)

    def open(self, path: str, component: str = "nav") -> Locator:
        """Go to one of our components and wait until it shows what it has."""
        self.page.goto(f"{self.site.address}{path}")
        return self.settled(component)

    def settled(self, component: str = "nav") -> Locator:
        """Wait until a component is there and nothing in it is awaited any more; return it."""
        shown = self.page.get_by_test_id(f"workflows-{NAMES[component].lower()}")
        shown.wait_for()
        shown.locator("[aria-busy=true]").first.wait_for(state="detached")
        return shown

    def timed(self, path: str, component: str, place: str) -> tuple[float, float]:
        """Go to one of our components; return how long Airflow took, and how long ours took then to show a place.

        :param place: a selector below our component
        :returns: milliseconds from the request of the page to our first element, and from there to the place
        """
        ours = f"[data-testid=workflows-{NAMES[component].lower()}]"
        self.page.add_init_script(
            "window.seen = {};"
            f"const places = {json.dumps({'ours': ours, 'place': f'{ours} {place}'})};"
            "new MutationObserver(() => { for (const [name, place] of Object.entries(places))"
            " if (!(name in window.seen) && document.querySelector(place)) window.seen[name] = performance.now(); })"
            ".observe(document, {childList: true, subtree: true, attributes: true});"
        )
        self.open(path, component).locator(place).first.wait_for()
        seen = self.page.evaluate("window.seen")
        return float(seen["ours"]), float(seen["place"] - seen["ours"])

    def write(self, document: Any) -> None:
        """Replace the text of the editor by the keys of a person.

        Text that a browser's driver selects itself can lose its selection while the editor draws itself.
        """
        self.page.get_by_role("textbox", name="Workflow document").focus()
        self.page.keyboard.press("ControlOrMeta+A")
        self.page.keyboard.insert_text(document if isinstance(document, str) else json.dumps(document, indent=2))

    def refuse(self, dialog: Dialog) -> None:
        """Note a dialog, which nothing of ours opens, and close it."""
        self.errors.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def violations(self) -> list[str]:
        """Return what axe finds in our part of the page that is serious or worse."""
        self.page.add_script_tag(path=AXE)
        found = self.page.evaluate(
            "async () => (await axe.run('.workflows-app', {resultTypes: ['violations']})).violations"
            ".filter(each => ['serious', 'critical'].includes(each.impact))"
            ".flatMap(each => each.nodes.map(node => `${each.id}: ${node.html.slice(0, 160)} ${node.failureSummary}`))"
        )
        return list(found)

    def overflow(self) -> int:
        """Return by how many pixels our part is wider than its place, or makes its place wider than it is without."""
        return int(
            self.page.evaluate(
                "() => { const app = document.querySelector('.workflows-app');"
                " const width = () => app.parentElement.getBoundingClientRect().width;"
                " const own = app.scrollWidth - app.clientWidth, filled = width();"
                " app.style.display = 'none'; const empty = width(); app.style.display = '';"
                " return Math.max(0, own, filled - empty) }"
            )
        )


@pytest.fixture(scope="module")
def context_of(browser: Browser, site: Site) -> Callable[[str, bool], BrowserContext]:
    """Gives the browser of a user, light or dark; it has Airflow's scripts in its cache for a file's next test."""

    @cache
    def context_of(user: str, dark: bool) -> BrowserContext:
        context = browser.new_context(color_scheme="dark" if dark else "light")
        context.add_cookies([{"name": "_token", "value": site.token(user), "url": site.address}])
        context.add_init_script(f"localStorage.setItem('theme', '{'dark' if dark else 'light'}')")
        context.set_default_timeout(PATIENCE)
        return context

    return context_of


OPENED = pytest.StashKey[list[View]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to the report of a test that failed what its pages showed at that moment."""
    report = yield
    if report.when == "call" and report.failed:
        for view in item.stash.get(OPENED, []):
            with suppress(Error):
                shown = view.page.locator("body").aria_snapshot(timeout=5000)
                report.sections.append((view.page.url, "\n".join([*view.errors, shown])))
    return report


@pytest.fixture
def open_view(
    context_of: Callable[[str, bool], BrowserContext], site: Site, request: pytest.FixtureRequest
) -> Iterator[Callable[..., View]]:
    """Gives pages signed in as a user; they are closed after the test, which fails if a script of theirs did."""
    with ExitStack() as closing:
        opened: list[View] = []
        request.node.stash[OPENED] = opened

        def make(user: str = "admin", *, dark: bool = False, width: int = 1280, height: int = 800) -> View:
            page = context_of(user, dark).new_page()
            closing.callback(page.close)
            page.set_viewport_size({"width": width, "height": height})
            view = View(page, site)
            page.on("pageerror", lambda error: view.errors.append(str(error)))
            page.on("dialog", view.refuse)
            opened.append(view)
            return view

        yield make
        assert [error for view in opened for error in view.errors] == []


@pytest.fixture
def view(open_view: Callable[..., View]) -> View:
    """A page as administrator."""
    return open_view()


@pytest.fixture
def shoot() -> Callable[[View, str], None]:
    """Writes a screenshot for the documentation where WORKFLOWS_SCREENSHOTS says so, else beside the test results."""
    wanted = os.environ.get("WORKFLOWS_SCREENSHOTS")
    folder = Path(wanted or ROOT / ".local" / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)

    def take(view: View, name: str) -> None:
        if wanted:
            with suppress(Error):
                # Web fonts and icons of Airflow; a picture without them is one all the same.
                view.page.wait_for_load_state("networkidle", timeout=3000)
        # The workflow that is all attack would be no good advertisement.
        view.page.add_style_tag(
            content='[data-testid="definition-ui.evil"], tr:has(a[href*="ui.evil"]) {display: none}'
        )
        view.page.screenshot(path=folder / f"{name}.png", animations="disabled")

    return take
