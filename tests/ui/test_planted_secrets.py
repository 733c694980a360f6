"""No planted secret is in what a browser sends or gets on our pages and Airflow's (rule L4)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

import pytest
from playwright.sync_api import Error, Response, expect

from airflow_workflow_provider.local.client import poll
from tests.integration.api.test_secrets import GIVEN, SCHEMA, readable_in
from tests.support.documents import step, workflow
from tests.ui.conftest import PATIENCE, Site, View

pytestmark = [pytest.mark.daemons, pytest.mark.slow, pytest.mark.xdist_group("airflow-ui"), pytest.mark.timeout(900)]

expect.set_options(timeout=PATIENCE)

OURS = "/workflows/api/v1/"
WHOLE = {"type": "jsonata", "expression": "'All of it: ' & $string(input)"}
DOCUMENT = workflow(
    step("copy", "set", arguments={"all": {"type": "jmespath", "expression": "input"}}),
    step("broken", "fail", arguments={"message": WHOLE}, onFailure={"action": "continue"}),
    step("ask", "approval", arguments={"subject": "Is it hidden?", "body": WHOLE}),
    workflowId="ui.planted",
    inputSchema=SCHEMA,
    executionLog={"level": "debug", "redact": ['"p redacted".*.pin']},
    uiComponents=[
        {
            "componentId": "facts",
            "condition": "true",
            "context": {"title": "Facts", "layout": "card", "items": [{"label": "all", "value": WHOLE}]},
        }
    ],
)


class Traffic:
    """What a page has sent and got, by address."""

    def __init__(self, view: View) -> None:
        self.found: dict[str, str] = {}
        self._seen: list[Response] = []
        view.page.on("response", self._note)
        view.page.on("console", lambda message: self._add(f"console {message.type}", message.text))

    def _note(self, response: Response) -> None:
        # The library keeps something with a handler, which a method of a list has no room for.
        self._seen.append(response)

    def _add(self, place: str, text: str) -> None:
        self.found[place] = self.found.get(place, "") + "\n" + text

    def read(self) -> None:
        """Read the answers that have come since; once a page is left, the browser forgets them."""
        for response in self._seen:
            request = response.request
            place = f"{request.method} {request.url}"
            self._add(place, f"{unquote(request.url)}\n{request.post_data or ''}")
            try:
                self._add(place, _without_conf(response.text(), request.url))
            except (Error, UnicodeDecodeError):
                # A picture, a redirect, or an answer that came after the page was left.
                continue
        self._seen.clear()


def _without_conf(body: str, address: str) -> str:
    """An answer of Airflow's API without the ``conf`` of runs, which is kept as it is: ``docs/security.md`` says so."""
    if OURS in address:
        return body
    try:
        return json.dumps(_cut(json.loads(body)), ensure_ascii=False)
    except ValueError:
        return body


def _cut(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _cut(part) for key, part in value.items() if key != "conf"}
    return [_cut(part) for part in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def question(site: Site) -> dict[str, Any]:
    """The question of an instance whose input is all secrets."""
    site.admin.put("definitions/ui.planted", json=DOCUMENT).raise_for_status()
    instance = site.start("ui.planted", input=GIVEN)

    def look() -> dict[str, Any] | None:
        found = site.admin.get("questions", params={"mine": "false", "instanceId": instance["id"]}).json()["items"]
        return found[0] if found else None

    return {**poll(look, seconds=240, what="the question to be asked"), "instance": instance}


def test_l4_no_planted_secret_is_in_the_traffic_of_a_browser(
    open_view: Callable[..., View], question: dict[str, Any]
) -> None:
    view = open_view("operator")
    traffic = Traffic(view)
    instance = question["instance"]
    run = f"/dags/ui.planted/runs/{quote(instance['runId'])}"
    app = view.open(f"{run}/plugin/workflow-run", "dag_run")
    expect(app).to_contain_text("All of it")
    for tab in app.get_by_role("tab").all():
        tab.click()
        view.settled("dag_run")
    traffic.read()
    app = view.open("/plugin/workflows/instances?workflowId=ui.planted")
    expect(app.locator("tbody tr")).to_have_count(1)
    traffic.read()
    app = view.open("/plugin/workflows/tasks")
    item = app.get_by_test_id(f"question-{question['id']}")
    item.get_by_role("button", name="Answer").click()
    expect(item).to_contain_text("All of it")
    traffic.read()
    for path in ("/plugin/workflows/start/ui.planted", "/plugin/workflows/events"):
        view.open(path)
        traffic.read()
    for path in ("/required_actions", f"{run}/required_actions", f"{run}/tasks/copy", f"{run}/tasks/broken/xcom"):
        view.page.goto(f"{view.site.address}{path}")
        view.page.wait_for_load_state("load")
        traffic.read()
    asked = {address.split("/workflows/api/v1/")[1].split("?")[0] for address in traffic.found if OURS in address}
    assert {each.split("/")[0] for each in asked} >= {"instances", "questions", "definitions"}
    assert any("***" in text for text in traffic.found.values())
    assert {place: readable_in(text) for place, text in traffic.found.items() if readable_in(text)} == {}
