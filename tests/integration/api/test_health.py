"""``/workflows/health``: for everybody, without secrets, and honest."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import text

from airflow_workflow_provider.api.background import workers
from airflow_workflow_provider.api.health import HealthReporter
from airflow_workflow_provider.api.services import Services
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.comparing import Comparisons
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.events import Events
from airflow_workflow_provider.workers.worker import Job, Worker, working
from tests.support.api import Api
from tests.support.documents import step, workflow
from tests.support.events import event

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]


def asked(api: Api) -> tuple[int, dict[str, Any]]:
    client = api.as_role(None)
    answer = client.get(str(client.base_url).replace("/api/v1", "/health").rstrip("/"))
    return answer.status_code, answer.json()


def reporter(api: Api, *given: Worker) -> dict[str, Any]:
    return HealthReporter(lambda: Services(api.database, load_settings()), given).report()


def test_it_needs_no_user_and_reports_nothing_but_how_it_is(api: Api) -> None:
    status, report = asked(api)
    assert (status, report["status"]) == (200, "healthy")
    assert report["checks"]["schema"]["current"] == report["checks"]["schema"]["head"]
    words = json.dumps(report)
    assert api.database.url.host is not None
    for secret in (api.database.url.password, api.database.url.username, api.database.url.host):
        assert not secret or secret not in words


def test_everything_else_still_asks_who_is_there(api: Api) -> None:
    client = api.as_role(None)
    base = str(client.base_url).replace("/api/v1", "").rstrip("/")
    for path in ("/health/", "/health/x", "/healthy", "//health"):
        assert client.get(base + path).status_code in (401, 404), path
    assert client.post(f"{base}/health").status_code == 401


def test_a_database_that_is_away_or_not_migrated_is_unhealthy(api: Api) -> None:
    with Database(api.database.url.set(port=1), retry_for=0) as away:
        report = HealthReporter(lambda: Services(away, load_settings()), ()).report()
    assert report["status"] == report["checks"]["database"]["status"] == "unhealthy"
    assert report["checks"]["database"]["code"] == "store-unavailable"
    with api.database.begin() as connection:
        connection.execute(text("UPDATE workflow_alembic_version SET version_num = '0001'"))
    report = reporter(api)
    assert report["status"] == report["checks"]["schema"]["status"] == "unhealthy"


def test_work_that_is_overdue_and_instances_without_run_degrade_it(api: Api) -> None:
    api.publish(workflow(step("a"), workflowId="listening", triggers=[{"eventPattern": "paid"}]))
    Events(api.database).accept([event("1", "paid")])
    assert reporter(api)["checks"]["events"]["status"] == "healthy"
    with api.database.begin() as connection:
        connection.execute(text("UPDATE workflow_event_deliveries SET due_at = now() - interval '10 minutes'"))
    report = reporter(api)
    assert report["status"] == report["checks"]["events"]["status"] == "degraded"
    assert 600 <= report["checks"]["events"]["overdueSeconds"] < 700
    Comparisons(api.database).note_look(3)
    assert reporter(api)["checks"]["reconciliation"]["status"] == "degraded"
    assert reporter(api)["checks"]["reconciliation"]["left"] == 3
    Comparisons(api.database).note_look(0)
    assert reporter(api)["checks"]["reconciliation"]["status"] == "healthy"


def test_the_threads_of_workers_are_watched(api: Api) -> None:
    def fail(_: Database) -> Job:
        raise ZeroDivisionError

    broken = Worker("broken", fail)
    dead = reporter(api, broken)
    assert dead["status"] == dead["checks"]["workers"]["status"] == "unhealthy"
    reconciling = [each for each in workers(load_settings()) if each.name == "reconciliation"]
    with working(reconciling):
        Comparisons(api.database).ask_and_wait(30)
        fine = reporter(api, *reconciling)
    assert fine["status"] == "healthy"
    assert [(each["name"], each["alive"]) for each in fine["checks"]["workers"]["items"]] == [("reconciliation", True)]
    assert "ZeroDivisionError" not in json.dumps(dead)
