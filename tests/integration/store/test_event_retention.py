"""Old events go, but for those that are still needed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_workflow_provider.store import event_retention
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.delivering import Deliverer
from airflow_workflow_provider.store.event_retention import EventRetention
from airflow_workflow_provider.store.events import Events
from airflow_workflow_provider.store.instances import Instances
from airflow_workflow_provider.store.waits import NewWait, Waits
from tests.support.events import Starts, event, triggered
from tests.support.store import new_instance

pytestmark = pytest.mark.postgres


def test_what_is_old_goes_unless_somebody_needs_it(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_retention, "BATCH", 2)
    triggered(database, "order", "order.*")
    Events(database).accept([event(str(number)) for number in range(5)])
    Deliverer(database, Starts()).deliver()
    instance = Instances(database).open(new_instance(event=event("1").to_json())).id
    wait = NewWait(instance, "s", "", 1, 1, "payment", {})
    Waits(database).begin(wait, timedelta(0))
    Events(database).accept([event("received", "payment"), event("pending")])
    now = datetime.now(UTC)

    retention = EventRetention(database, "P90D")
    assert (retention.count(now), retention.purge(now)) == (0, 0)
    later = now + timedelta(days=91)
    assert retention.count(later) == 5
    assert retention.purge(later) == 5
    assert {each.event.id for each in Events(database).list()} == {"received", "pending"}
    kept = Instances(database).get(instance)
    assert kept.trigger_event_id is None
    assert kept.event == event("1").to_json()

    with Instances(database).locked(instance) as record:
        record.status = "failed"
        record.save()
    assert retention.purge(later) == 1
    assert EventRetention(database, "P9999Y").purge(later) == 0
