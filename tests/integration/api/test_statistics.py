"""How instances have been doing over time, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.machine import Machine
from tests.support.api import Api, moved, problem, start_of
from tests.support.documents import step, workflow

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

TRIP = workflow(step("book", "noop"), workflowId="trip")
LOAN = workflow(step("book", "noop"), workflowId="loan")
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def complete(machine: Machine) -> None:
    now = datetime.now(UTC)
    machine.begin("", "book", "r", now)
    machine.succeed("", "book", "r", {}, now)


def fail(machine: Machine) -> None:
    now = datetime.now(UTC)
    machine.begin("", "book", "r", now)
    machine.fail("", "book", "r", Failure.named("HttpError", "no", code="404"), now)


@pytest.fixture
def past(api: Api) -> Api:
    """Four instances that completed in 10 to 40 seconds, one that failed, and one of long ago that is suspended."""
    for number in range(4):
        instance = start_of(api, TRIP)
        moved(api, instance, complete)
        place(api, instance, NOW - timedelta(hours=3), timedelta(seconds=10 * (number + 1)))
    broken = start_of(api, LOAN)
    moved(api, broken, fail)
    place(api, broken, NOW - timedelta(hours=1), timedelta(seconds=5))
    old = start_of(api, LOAN, correlationId="old")
    api.as_role("user").post(f"instances/{old}/suspend").raise_for_status()
    place(api, old, NOW - timedelta(days=90), None)
    return api


def place(api: Api, instance: str, started: datetime, took: timedelta | None) -> None:
    with api.database.begin() as connection:
        connection.execute(
            text("UPDATE workflow_instances SET started_at = :at, completed_at = :end WHERE id = CAST(:id AS uuid)"),
            {"id": instance, "at": started, "end": None if took is None else started + took},
        )


def asked(api: Api, role: str = "user", **query: Any) -> Any:
    query.setdefault("startedFrom", (NOW - timedelta(hours=6)).isoformat())
    return api.as_role(role).get("statistics", params=query)


def test_instances_are_counted_by_hour_and_measured(past: Api) -> None:
    found = asked(past).json()
    hours = [(datetime.fromisoformat(each["start"]), each["counts"]) for each in found["buckets"]]
    assert hours == [(NOW - timedelta(hours=3), {"completed": 4}), (NOW - timedelta(hours=1), {"failed": 1})]
    assert found["durations"] == {"p50": 25.0, "p95": 38.5}
    assert [(each["errorType"], each["count"]) for each in found["causes"]] == [("HttpError", 1)]
    assert [each["correlationId"] for each in found["oldestWaiting"]] == ["old"]
    assert found["asked"] == []


def test_days_begin_where_the_user_says_and_one_workflow_counts(past: Api) -> None:
    since = NOW - timedelta(days=1, hours=2)
    found = asked(past, startedFrom=since.isoformat(), unit="day", workflowId="trip").json()
    days = [(datetime.fromisoformat(each["start"]), each["counts"]) for each in found["buckets"]]
    assert days == [(since, {"completed": 4})]
    assert (found["causes"], found["oldestWaiting"]) == ([], [])
    nothing = asked(past, workflowId="nothing").json()
    assert nothing == {
        "buckets": [], "durations": {"p50": None, "p95": None}, "causes": [], "oldestWaiting": [], "asked": [],
    }  # fmt: skip


def test_open_questions_are_counted_by_whom_they_ask(past: Api) -> None:
    instance = start_of(past, LOAN)
    with past.database.begin() as connection:
        for number, keys in enumerate((["role:op", "user:ada"], ["role:op"])):
            connection.execute(
                text(
                    "INSERT INTO workflow_questions (id, instance_id, task_id, step_id, visit, attempt, kind, subject,"
                    " options, schema, defaults, comment_required, min_approvals, keys, excluded, plan, asked_at)"
                    " VALUES (gen_random_uuid(), CAST(:id AS uuid), 'approval', 'book', 1, 1, 'approval', '?', '[]',"
                    " '{}', '{}', '[]', 1, :keys, '[]', '{}', :at)"
                ),
                {"id": instance, "keys": keys, "at": NOW - timedelta(hours=number)},
            )
    found = [
        (each["who"], each["count"], datetime.fromisoformat(each["oldest"])) for each in asked(past).json()["asked"]
    ]
    assert found == [("role:op", 2, NOW - timedelta(hours=1)), ("user:ada", 1, NOW)]
    assert len(asked(past, workflowId="loan").json()["asked"]) == 2
    assert asked(past, workflowId="trip").json()["asked"] == []


@pytest.mark.parametrize(
    "query", [{"startedFrom": "2001-01-01T00:00:00Z"}, {"startedFrom": "yesterday"}, {"unit": "year"}, {"days": "3"}]
)
def test_what_would_take_too_long_or_has_no_meaning_is_refused(api: Api, query: dict[str, str]) -> None:
    assert asked(api, **query).status_code == 422


def test_nobody_sees_numbers_without_signing_in(api: Api) -> None:
    problem(api.as_role(None).get("statistics", params={"startedFrom": NOW.isoformat()}), 401, "not-authenticated")
