"""Finding instances, and reading their log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.store.filtering import EVERYTHING, InstanceFilter
from airflow_workflow_provider.store.instances import Instances
from airflow_workflow_provider.store.listing import InstanceList
from airflow_workflow_provider.store.logs import LogEntry, Logs
from tests.support.store import document, new_instance, publish

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database

pytestmark = pytest.mark.postgres

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def listing(database: Database) -> InstanceList:
    """Runs 0 to 6 on the hour from noon; runs 2 and 3 start in the same instant."""
    for workflow_id in ("order", "invoice"):
        publish(database, document(workflow_id=workflow_id))
    instances = Instances(database)
    for number in range(7):
        opened = instances.open(
            new_instance(
                f"run-{number}",
                dag_id="invoice" if number == 6 else "order",
                workflow_id="invoice" if number == 6 else "order",
                started_at=NOON + timedelta(hours=2 if number == 3 else number),
                correlation_id=f"c{number % 2}",
                current_step_id="approve" if number < 2 else "check",
            )
        )
        if number in (0, 4):
            with instances.locked(opened.id) as record:
                record.status = "completed" if number == 4 else "suspended"
                record.save()
    return InstanceList(database)


def runs(listing: InstanceList, only: InstanceFilter) -> list[int]:
    return sorted(int(item.run_id.removeprefix("run-")) for item in listing.page(only).items)


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (EVERYTHING, [0, 1, 2, 3, 4, 5, 6]),
        (InstanceFilter(workflow_id="invoice"), [6]),
        (InstanceFilter(version="9.9.9"), []),
        (InstanceFilter(statuses=["completed", "suspended"]), [0, 4]),
        (InstanceFilter(statuses=[]), []),
        (InstanceFilter(correlation_id="c1"), [1, 3, 5]),
        (InstanceFilter(current_step_id="approve"), [0, 1]),
        (InstanceFilter(started_from=NOON + timedelta(hours=4)), [4, 5, 6]),
        (InstanceFilter(started_from=NOON, started_before=NOON + timedelta(hours=1)), [0]),
        (InstanceFilter(workflow_id="order", statuses=["running"], correlation_id="c0"), [2]),
    ],
)
def test_filters(listing: InstanceList, only: InstanceFilter, expected: list[int]) -> None:
    assert runs(listing, only) == expected


def test_pages_are_complete_and_in_order_while_instances_come(database: Database, listing: InstanceList) -> None:
    seen = []
    after = None
    while True:
        page = listing.page(after=after, limit=2)
        seen += [item.run_id for item in page.items]
        if page.next is None:
            break
        after = page.next
        Instances(database).open(new_instance(f"late-{len(seen)}", started_at=NOON + timedelta(days=1)))
    assert len(seen) == 7
    assert seen[:3] == ["run-6", "run-5", "run-4"]
    assert set(seen[3:5]) == {"run-2", "run-3"}
    assert seen[5:] == ["run-1", "run-0"]


def test_counts(listing: InstanceList) -> None:
    assert listing.count_by_status() == {"running": 5, "completed": 1, "failed": 0, "suspended": 1}
    assert listing.count_by_status(InstanceFilter(workflow_id="invoice"))["running"] == 1


@pytest.mark.parametrize("marker", ["x", "é", "bm90aGluZw==", ""])
def test_a_broken_page_marker_is_misuse(listing: InstanceList, marker: str) -> None:
    with pytest.raises(Misuse, match="page marker"):
        listing.page(after=marker)


def test_i1_an_unknown_status_is_misuse(listing: InstanceList) -> None:
    with pytest.raises(Misuse, match=r"Unknown status \['cancelled'\]; allowed are"):
        listing.page(InstanceFilter(statuses=["cancelled"]))


def test_l1_the_log_is_read_by_level_and_from_where_one_stopped(database: Database) -> None:
    publish(database, document())
    instances, logs = Instances(database), Logs(database)
    opened = instances.open(new_instance())
    entry = LogEntry(
        "step.completed",
        at=NOON,
        step_id="a",
        scope="par/b1",
        visit=1,
        attempt=2,
        actor={"id": "ann"},
        metadata={"userId": 7},
        data={"output": {}},
        message="done",
    )
    with instances.locked(opened.id) as record:
        record.log([entry, LogEntry("rendered", "debug"), LogEntry("step.failed", "error", step_id="b")])
        record.log([])
    rows = logs.read(opened.id)
    assert [row.event for row in rows] == ["step.completed", "rendered", "step.failed"]
    assert {name: getattr(rows[0], name) for name in entry.__dataclass_fields__} == vars(entry)
    assert rows[1].at == rows[2].at > opened.started_at
    assert [row.event for row in logs.read(opened.id, level="info")] == ["step.completed", "step.failed"]
    assert [row.event for row in logs.read(opened.id, level="error")] == ["step.failed"]
    assert [row.event for row in logs.read(opened.id, step_id="a")] == ["step.completed"]
    assert [row.event for row in logs.read(opened.id, limit=1)] == ["step.completed"]
    assert [row.event for row in logs.read(opened.id, after_id=rows[1].id)] == ["step.failed"]
    assert logs.read(opened.id, after_id=rows[2].id) == ()
