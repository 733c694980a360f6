"""Rule E6 in a real Airflow: its scheduler starts an instance at each time of each schedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.filtering import InstanceFilter
from airflow_workflow_provider.store.instances import Instance, Instances
from airflow_workflow_provider.store.listing import InstanceList
from tests.support.airflow import RunningAirflow

pytestmark = [pytest.mark.daemons, pytest.mark.slow, pytest.mark.xdist_group("airflow"), pytest.mark.timeout(900)]

SECONDS = 300
TWICE = '{"shop": "%s", "at": scheduledTime, "by": $event.id}'
DOCUMENT = {
    "workflowId": "sched.report",
    "name": "Report",
    "version": "1.0.0",
    "inputSchema": {"type": "object", "required": ["shop"], "properties": {"shop": {"type": "string"}}},
    # Both are due at the same times.
    "triggers": [
        {"schedule": {"every": "PT20S", "input": {"type": "jsonata", "expression": TWICE % "Rome"}}},
        {"schedule": {"every": "PT20S", "input": {"type": "jsonata", "expression": TWICE % "Oslo"}}},
    ],
    "settings": {"execution": "inline"},
    "steps": [{"stepId": "write", "taskId": "set", "arguments": {"of": {"type": "cel", "expression": "input.shop"}}}],
}


def instances(database: Database) -> list[Instance]:
    page = InstanceList(database).page(InstanceFilter(workflow_id="sched.report"), limit=200)
    return [Instances(database).get(each.id) for each in page.items]


def test_e6_each_time_of_each_schedule_starts_one_instance_while_the_workflow_is_active(
    running_airflow: RunningAirflow,
) -> None:
    client = running_airflow.client
    with Database(running_airflow.workflows_url) as database:
        definitions = Definitions(database)
        definitions.publish(parse_definition(DOCUMENT), DOCUMENT)
        published = datetime.now(UTC)

        def ended() -> list[Instance] | None:
            found = [each for each in instances(database) if each.completed_at is not None]
            return found if {each.input["shop"] for each in found} == {"Rome", "Oslo"} and len(found) > 2 else None

        try:
            found = poll(ended, seconds=SECONDS, what="three scheduled instances to end")
        finally:
            definitions.set_active("sched.report", active=False)
        poll(
            lambda: client.dag("sched.report")["next_dagrun_run_after"] is None or None,
            seconds=SECONDS,
            what="Airflow to know that nothing is due",
        )
    assert {each.status for each in found} == {"completed"}
    assert {each.run_id for each in found} == {each.input["by"] for each in found}
    for each in found:
        assert each.run_id.startswith("scheduled__")
        assert each.event is not None
        assert each.event["type"] == "airflow.schedule"
        assert each.event["data"]["scheduledTime"] == each.input["at"]
        due = datetime.fromisoformat(each.input["at"])
        assert due.timestamp() % 20 == 0
        assert due > published - timedelta(seconds=20)
        assert each.output == {"of": each.input["shop"]}
    starts = [(each.input["shop"], each.input["at"]) for each in found]
    assert len(set(starts)) == len(starts)
