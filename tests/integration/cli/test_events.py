"""``events …`` on a real PostgreSQL."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.delivering import Deliverer
from airflow_workflow_provider.store.events import Events
from airflow_workflow_provider.store.instances import Instances
from airflow_workflow_provider.store.waits import NewWait, Waits
from tests.integration.cli.test_database_commands import Cli, cli
from tests.support.events import Starts, event, triggered
from tests.support.store import new_instance

__all__ = ["cli"]

pytestmark = pytest.mark.postgres

SCHEMA = {"type": "object", "required": ["n"]}


def test_events_are_sent_once_listed_and_driven_again(cli: Cli, database: Database, tmp_path: Path) -> None:
    triggered(database, "order", "order.*", inputSchema=SCHEMA)
    file = tmp_path / "events.json"
    file.write_text(json.dumps([event("1", data={}).to_json(), event("2", data={"n": 1}).to_json()]))
    first = cli.json("events", "send", str(file))
    again = cli.json("events", "send", json.dumps(event("1").to_json()))
    assert [each["created"] for each in (*first, *again)] == [True, True, False]
    assert [each["id"] for each in cli.json("events", "list", "--type", "order.created")] == ["2", "1"]
    assert "order.created" in cli("events", "list")
    starts = Starts()
    Deliverer(database, starts).deliver()
    (dead,) = cli.json("events", "deliveries", "--status", "dead", "--workflow", "order")
    assert (dead["eventRowId"], dead["reason"]["type"]) == (first[0]["eventRowId"], "ValidationError")
    assert "ValidationError" in cli("events", "deliveries")
    assert cli.json("events", "redrive", str(dead["deliveryId"]), "--event", dead["eventRowId"]) == {"redriven": 1}
    assert "0 dead letters" in cli("events", "redrive", "--all")


def test_waiting_steps_are_listed(cli: Cli, database: Database) -> None:
    triggered(database, "order", "order.*")
    instance = Instances(database).open(new_instance()).id
    Waits(database).begin(NewWait(instance, "pay", "", 1, 1, "payment.*", {"order.id": 7}), timedelta(0))
    (row,) = cli.json("events", "waiting", "--instance", str(instance))
    assert (row["stepId"], row["eventPattern"], row["correlation"]) == ("pay", "payment.*", {"order.id": 7})
    assert "order.id=7" in cli("events", "waiting", "--workflow", "order")
    assert cli.json("events", "waiting", "--workflow", "other") == []


def test_old_events_are_purged(cli: Cli, database: Database) -> None:
    Events(database).accept([event()])
    assert cli.json("events", "purge", "--dry-run") == {"dryRun": True, "events": 0}
    assert "0 events removed" in cli("events", "purge")


def test_wrong_words_are_said(cli: Cli) -> None:
    for arguments in (
        ("send", '{"id": "1"}'),
        ("send", "not json"),
        ("redrive",),
        ("deliveries", "--event", "x"),
        ("waiting", "--instance", "x"),
        ("list", "--limit", "0"),
    ):
        cli("events", *arguments, code=1 if arguments[0] == "send" and "{" in arguments[-1] else 2)
        assert cli.err.startswith("error ")
