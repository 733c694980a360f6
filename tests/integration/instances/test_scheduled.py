"""Rule E6: what a run of a schedule makes of its instance, and since when schedules count."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.instances.session import InstanceSession, Run
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.instances import Instance, Instances

pytestmark = pytest.mark.postgres

Json = dict[str, Any]

BERLIN = {"cron": "0 7 * * *", "timezone": "Europe/Berlin"}
RUN = "scheduled__2026-03-30T05:00:00+00:00"


@pytest.fixture
def database(database_url: str) -> Database:
    return Database(database_url)


def document(*schedules: Json, version: str = "1.0.0", **more: Any) -> Json:
    triggers = [{"schedule": each} for each in schedules]
    steps = [{"stepId": "a", "taskId": "noop"}]
    return {"workflowId": "w", "name": "W", "version": version, "triggers": triggers, "steps": steps, **more}


def opened(database: Database, run_id: str, given: Json, conf: Json | None = None) -> Instance:
    definition = parse_definition(given)
    published = Definitions(database).publish(definition, given)
    run = Run("w", run_id, conf or {})
    return InstanceSession(Graph.of(definition), published.revision, run, instances=Instances(database)).open()


def giving(expression: str) -> Json:
    return {**BERLIN, "input": {"type": "jsonata", "expression": expression}}


def test_e6_the_instance_has_an_event_and_the_input_of_its_schedule(database: Database) -> None:
    given = document({"every": "PT1H"}, giving('{"day": $substring(localTime, 0, 10), "by": $event.source}'))
    found = opened(database, "scheduled__2026-03-30T05:00:00.000001+00:00", given)
    assert found.input == {"day": "2026-03-30", "by": "/workflows/w/schedules/1"}
    assert found.event is not None
    assert (found.event["type"], found.event["id"]) == ("airflow.schedule", found.run_id)
    assert found.event["data"] == {
        "scheduledTime": "2026-03-30T05:00:00Z",
        "localTime": "2026-03-30T07:00:00+02:00",
        "timezone": "Europe/Berlin",
    }
    assert found.state.event == found.event


def test_e6_without_input_there_are_the_defaults_of_the_schema(database: Database) -> None:
    schema = {"type": "object", "properties": {"region": {"default": "EU"}}, "additionalProperties": False}
    assert opened(database, RUN, document(BERLIN, inputSchema=schema)).input == {"region": "EU"}


@pytest.mark.parametrize(
    ("schedule", "run_id", "kind"),
    [
        (giving('{"n": $error("no")}'), RUN, "ExpressionError"),
        (giving("7"), RUN, "ValidationError"),
        (giving('{"n": "text"}'), RUN, "ValidationError"),
        (giving('{"n": 1}'), "scheduled__2026-03-30T05:00:00.000009+00:00", "NoTrigger"),
    ],
)
def test_e6_an_input_that_fails_is_an_instance_that_failed(
    database: Database, schedule: Json, run_id: str, kind: str
) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    found = opened(database, run_id, document(schedule, inputSchema=schema))
    assert found.error is not None
    assert (found.status, found.error["type"]) == ("failed", kind)


def test_e6_the_conf_of_a_backfill_replaces_what_the_schedule_computes(database: Database) -> None:
    given = document(giving('{"day": scheduledTime, "kind": "daily"}'))
    found = opened(database, "backfill__2026-03-30T05:00:00+00:00", given, {"kind": "again"})
    assert found.input == {"day": "2026-03-30T05:00:00Z", "kind": "again"}


@pytest.mark.parametrize("run_id", ["manual__2026-03-30T05:00:00+00:00", "api__1"])
def test_e6_any_other_run_has_its_own_input(database: Database, run_id: str) -> None:
    found = opened(database, run_id, document(giving('{"day": scheduledTime}')), {"day": "mine"})
    assert (found.input, found.event) == ({"day": "mine"}, None)


def publish(database: Database, *schedules: Json, version: str) -> dict[int, tuple[str, ...]]:
    given = document(*schedules, version=version)
    definitions = Definitions(database)
    definitions.publish(parse_definition(given), given)
    return definitions.schedules(definitions.highest_revision())


def test_e6_a_schedule_counts_from_its_publication_and_new_versions_keep_it(database: Database) -> None:
    began = datetime.now(UTC)
    ((_, (first,)),) = publish(database, BERLIN, version="1.0.0").items()
    assert datetime.fromisoformat(first) >= began.replace(microsecond=0)
    hourly = {"cron": "@hourly"}
    found = publish(database, hourly, giving('{"new": true}'), hourly, version="1.1.0")
    ((revision, (second, kept, third)),) = found.items()
    assert revision == Definitions(database).head("w").revision
    assert kept == first < second == third
    assert publish(database, version="1.2.0") == {}


def test_e6_what_is_inactive_has_no_schedule_and_starts_again(database: Database) -> None:
    definitions = Definitions(database)
    eager = {"every": "PT1H", "catchup": True}
    ((_, (first, second)),) = publish(database, BERLIN, eager, version="1.0.0").items()
    known = definitions.highest_revision()

    definitions.set_active("w", active=False)
    assert definitions.schedules(definitions.highest_revision()) == {}
    assert [each.workflow_id for each in definitions.changed_since(known)] == ["w"]
    known = definitions.highest_revision()
    definitions.set_active("w", active=False)
    assert definitions.highest_revision() == known

    definitions.set_active("w", active=True)
    assert [each.workflow_id for each in definitions.changed_since(known)] == ["w"]
    ((_, (again, kept)),) = definitions.schedules(definitions.highest_revision()).items()
    assert again > first
    assert kept == second


def test_what_has_no_schedule_is_switched_without_a_new_revision(database: Database) -> None:
    publish(database, version="1.0.0")
    known = Definitions(database).highest_revision()
    Definitions(database).set_active("w", active=False)
    assert Definitions(database).highest_revision() == known
