"""How operators find many instances and change them: filters, numbers, causes, files, operations on a selection."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.machine import Machine
from tests.support.api import Api, moved, problem, start_of
from tests.support.documents import step, workflow

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

TRIP = workflow(step("book", "noop"), step("pay", "noop"), workflowId="trip")
LOAN = workflow(step("book", "noop"), workflowId="loan")


def failing(error_type: str, code: str | None) -> Any:
    def fail(machine: Machine) -> None:
        now = datetime.now(UTC)
        assert machine.begin("", "book", "r", now).action == "run"
        machine.fail("", "book", "r", Failure.named(error_type, "key=top-secret", code=code), now)

    return fail


@pytest.fixture
def night(api: Api) -> dict[str, str]:
    """Five failed instances of two workflows, one that runs and one that was cancelled, by their correlation ids."""
    found = {}
    for number, (document, how) in enumerate(
        [(TRIP, ("HttpError", "404"))] * 3 + [(TRIP, ("HttpError", None)), (LOAN, ("HttpError", "404"))]
    ):
        name = f"R-{number}_%"
        found[name] = start_of(api, document, correlationId=name)
        moved(api, found[name], failing(*how))
    for name in ("S-1", "S-2"):
        found[name] = start_of(api, TRIP, correlationId=name)
    api.as_role("user").post(f"instances/{found['S-2']}/cancel").raise_for_status()
    return found


def names(api: Api, **query: Any) -> list[str]:
    answer = api.as_role("user").get("instances", params=query)
    assert answer.status_code == 200, answer.text
    return sorted(each["correlationId"] for each in answer.json()["items"])


def test_instances_are_found_by_what_went_wrong_where_and_by_whom(api: Api, night: dict[str, str]) -> None:
    assert names(api, errorType="HttpError", errorCode="404") == ["R-0_%", "R-1_%", "R-2_%", "R-4_%"]
    assert names(api, errorType="HttpError", errorCode="") == ["R-3_%"]
    assert names(api, errorStepId="book", workflowId="loan") == ["R-4_%"]
    assert names(api, errorStepId="pay") == []
    (cancelled,) = api.as_role("user").get("instances", params={"errorType": "Cancelled"}).json()["items"]
    assert cancelled["correlationId"] == "S-2"
    assert names(api, errorStepId="") == ([] if cancelled["error"]["stepId"] else ["S-2"])
    assert names(api, stepId="book", status="running") == ["S-1"]
    assert len(names(api, stepId="book")) == 7
    assert names(api, startedBy="user") == sorted(night)
    assert names(api, startedBy="somebody") == []
    assert names(api, errorType="x" * 5000) == []


def test_instances_are_found_by_the_status_that_is_shown(api: Api, night: dict[str, str]) -> None:
    failed = [f"R-{number}_%" for number in range(5)]
    assert names(api, displayStatus="cancelled") == ["S-2"]
    assert names(api, displayStatus="failed") == failed
    assert names(api, displayStatus=["failed", "cancelled"]) == names(api, status="failed") == [*failed, "S-2"]
    assert names(api, displayStatus=["running", "cancelled"]) == ["S-1", "S-2"]
    assert names(api, displayStatus="cancelled", search="s-") == ["S-2"]
    assert names(api, displayStatus="cancelled", status="running") == []
    client = api.as_role("user")
    client.post(f"instances/{night['S-1']}/suspend").raise_for_status()
    shown = [names(api, displayStatus=each) for each in ("running", "suspended", "waiting", "queued")]
    assert shown == [[], ["S-1"], [], []]
    summary = client.get("instances/summary", params={"displayStatus": "cancelled"}).json()
    assert (summary["counts"]["failed"], summary["cancelled"], summary["causes"]) == (1, 1, [])
    summary = client.get("instances/summary", params={"displayStatus": ["running", "failed"]}).json()
    assert (summary["counts"]["failed"], summary["cancelled"], len(summary["causes"])) == (5, 0, 3)
    problem(client.get("instances", params={"displayStatus": "happy"}), 422, "bad-request")


def test_a_text_is_found_anywhere_in_the_ids_and_means_itself(api: Api, night: dict[str, str]) -> None:
    assert names(api, search="s-") == ["S-1", "S-2"]
    assert names(api, search="r-1") == ["R-1_%"]
    assert names(api, search="_%") == [f"R-{number}_%" for number in range(5)]
    assert names(api, search="%-") == names(api, search="/") == names(api, search="\\") == []
    assert names(api, search=night["S-1"]) == ["S-1"]
    assert names(api, search="s-", status="failed") == ["S-2"]
    assert names(api, search="r-", errorCode="") == ["R-3_%"]
    assert names(api, search="r-", workflowId="loan") == ["R-4_%"]
    problem(api.as_role("user").get("instances", params={"search": ""}), 422, "bad-request")


def test_pages_of_a_search_and_of_the_oldest_first_are_complete(api: Api, night: dict[str, str]) -> None:
    client = api.as_role("user")
    for query in ({"search": "r-"}, {"search": "r-", "order": "oldest"}, {"search": "r-", "errorType": "HttpError"}):
        seen: list[str] = []
        after = None
        while True:
            page = client.get("instances", params={**query, "limit": 2, **({"after": after} if after else {})}).json()
            seen += [each["correlationId"] for each in page["items"]]
            after = page["next"]
            if after is None:
                break
        wanted = [f"R-{number}_%" for number in range(5)]
        assert seen == (wanted if "order" in query else wanted[::-1]), query
    assert client.get("instances", params={"order": "oldest"}).json()["items"][0]["id"] == night["R-0_%"]


@pytest.mark.usefixtures("night")
def test_failures_are_counted_and_grouped_by_cause(api: Api) -> None:
    client = api.as_role("user")
    found = client.get("instances/summary").json()
    assert found["counts"] == {"running": 1, "suspended": 0, "completed": 0, "failed": 6}
    assert found["cancelled"] == 1
    causes = [
        (each["workflowId"], each["stepId"], each["errorType"], each["errorCode"], each["count"])
        for each in found["causes"]
    ]
    assert causes[0] == ("trip", "book", "HttpError", "404", 3)
    assert sorted(causes[1:], key=str) == [
        ("loan", "book", "HttpError", "404", 1),
        ("trip", "book", "HttpError", None, 1),
    ]
    # Each cause leads to as many instances as it counts.
    for each in found["causes"]:
        query = {
            "workflowId": each["workflowId"],
            "status": "failed",
            "errorStepId": each["stepId"] or "",
            "errorType": each["errorType"] or "",
            "errorCode": each["errorCode"] or "",
        }
        assert len(names(api, **query)) == each["count"]
    assert client.get("instances/summary", params={"status": "running"}).json()["causes"] == []
    only = client.get("instances/summary", params={"search": "r-0"}).json()
    assert (only["counts"]["failed"], [each["count"] for each in only["causes"]]) == (1, [1])
    assert "top-secret" not in json.dumps(found)
    # A number would tell what a value is that is masked when it is read.
    asked = client.get("instances/summary", params={"workflowId": "trip", "input": "$.a == 1"}).json()
    assert asked == {"counts": None, "cancelled": None, "causes": [], "operable": True}
    read_only = api.as_role("viewer").get("instances/summary").json()
    assert read_only == {**found, "operable": False}


@pytest.mark.usefixtures("night")
def test_who_may_not_read_instances_sees_no_numbers_of_them(api: Api) -> None:
    for path in ("instances/summary", "instances/export"):
        assert api.as_role(None).get(path).status_code == 401
    problem(api.as_role("user").get("instances/summary", params={"status": "happy"}), 422, "bad-request")
    problem(api.as_role("user").get("instances/summary", params={"unknown": "1"}), 422, "bad-request")


@pytest.mark.usefixtures("night")
def test_a_list_is_written_to_a_file(api: Api) -> None:
    start_of(api, TRIP, correlationId='=cmd|"calc"!A1\n')
    client = api.as_role("user")
    answer = client.get("instances/export", params={"order": "oldest"})
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="instances.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert len(rows) == 8
    assert (rows[0]["correlationId"], rows[0]["displayStatus"], rows[0]["errorCode"]) == ("R-0_%", "failed", "404")
    assert rows[6]["displayStatus"] == "cancelled"
    # A spreadsheet computes nothing of what somebody has sent.
    assert rows[7]["correlationId"] == "'" + '=cmd|"calc"!A1\n'
    listed = client.get("instances", params={"status": "failed"}).json()["items"]
    written = client.get("instances/export", params={"format": "json", "status": "failed"})
    assert written.headers["Content-Type"] == "application/json"
    assert written.json() == listed
    assert client.get("instances/export", params={"format": "json", "search": "nobody"}).json() == []


def test_what_was_chosen_is_operated_and_nothing_else(api: Api, night: dict[str, str]) -> None:
    client = api.as_role("user")
    chosen = [night["S-1"], night["R-0_%"], "00000000-0000-0000-0000-000000000001"]
    body: dict[str, Any] = {"operation": "suspend", "filter": {"ids": chosen}}
    would = client.post("instances/bulk", json={**body, "dryRun": True}).json()["items"]
    assert {each["correlationId"]: each["outcome"] for each in would} == {"S-1": "would", "R-0_%": "refused"}
    done = client.post("instances/bulk", json=body).json()["items"]
    assert {each["correlationId"]: each["outcome"] for each in done} == {"S-1": "done", "R-0_%": "refused"}
    assert client.post("instances/bulk", json={**body, "filter": {"ids": []}}).json()["items"] == []
    problem(api.as_role("viewer").post("instances/bulk", json=body), 403, "forbidden")
    problem(client.post("instances/bulk", json={**body, "filter": {"ids": ["x"]}}), 422, "bad-request")


@pytest.mark.usefixtures("night")
def test_what_is_operated_is_found_as_in_the_list(api: Api) -> None:
    client = api.as_role("user")

    def would(**only: Any) -> list[str]:
        body = {"operation": "retry", "filter": only, "dryRun": True}
        answer = client.post("instances/bulk", json=body)
        assert answer.status_code == 200, answer.text
        return sorted(each["correlationId"] for each in answer.json()["items"])

    assert would(errorType="HttpError", errorCode="404", workflowId="trip") == ["R-0_%", "R-1_%", "R-2_%"]
    assert would(search="s-", startedBy="user") == ["S-1", "S-2"]
    assert would(workflowId="trip", input=["$.nothing"]) == []
    secret = {"operation": "retry", "filter": {"workflowId": "trip", "input": ['$.password == "x"']}}
    problem(client.post("instances/bulk", json=secret), 422, "bad-filter")


def test_the_longest_texts_can_be_found_again(api: Api) -> None:
    """What is computed for lists fits into an index, whatever a task or a caller says."""
    longest = "\U0001d538" * 255
    instance = start_of(api, TRIP, correlationId=longest)
    moved(api, instance, failing("\U0001d538" * 400, "\U0001d538" * 400))
    assert names(api, search="\U0001d538" * 200) == [longest]
    assert names(api, errorType="\U0001d538" * 400) == [longest]
