"""How workflows have been doing lately."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from airflow_workflow_provider.store.instances import Instances
from airflow_workflow_provider.store.overview import Overviews
from tests.support.store import document, new_instance, publish

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database

pytestmark = pytest.mark.postgres

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def filled(database: Database) -> Database:
    """Order has one instance an hour: one failed, one was cancelled, two run and one waits; invoice has none."""
    for workflow_id in ("order", "invoice"):
        publish(database, document(workflow_id=workflow_id))
    instances = Instances(database)
    for number in range(5):
        opened = instances.open(new_instance(f"run-{number}", started_at=NOON + timedelta(hours=number)))
        with instances.locked(opened.id) as record:
            record.status = "failed" if number < 2 else "suspended" if number == 4 else "running"
            record.error = {"type": "Cancelled"} if number == 1 else None
            record.completed_at = NOON + timedelta(hours=9) if number < 2 else None
            record.save()
    return database


def test_it_counts_and_shows_the_newest_last(filled: Database) -> None:
    invoice, order = Overviews(filled).of(["order", "invoice", "unknown"], since=NOON, recent=3)
    assert (invoice.workflow_id, invoice.active, invoice.recent) == ("invoice", True, ())
    assert invoice.counts == {"running": 0, "completed": 0, "failed": 0, "suspended": 0}
    assert order.counts == {"running": 2, "completed": 0, "failed": 2, "suspended": 1}
    assert (invoice.cancelled, order.cancelled) == (0, 1)
    assert [each.run_id for each in order.recent] == ["run-2", "run-3", "run-4"]
    assert [each.display_status for each in order.recent] == ["running", "running", "waiting"]
    assert order.recent[-1].started_at == NOON + timedelta(hours=4)
    assert order.recent[-1].completed_at is None


def test_what_ended_before_does_not_count_but_what_still_runs_does(filled: Database) -> None:
    (order,) = Overviews(filled).of(["order"], since=NOON + timedelta(minutes=30), recent=50)
    assert (order.counts["failed"], order.cancelled) == (1, 1)
    assert [each.display_status for each in order.recent[:2]] == ["failed", "cancelled"]
    (order,) = Overviews(filled).of(["order"], since=NOON + timedelta(days=1), recent=0)
    assert order.counts == {"running": 2, "completed": 0, "failed": 0, "suspended": 1}
    assert order.recent == ()


def test_it_asks_once_for_all(filled: Database) -> None:
    statements: list[str] = []
    event.listen(filled.engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    Overviews(filled).of(["order", "invoice"], since=NOON)
    assert len([each for each in statements if "workflow_" in each]) == 1
