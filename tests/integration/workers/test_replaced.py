"""Rule I7: an instance that replaces others, with Airflow's metadata database and no scheduler."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_workflow_provider.api.services import Services
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.workers.admissions import Admitter
from tests.support.api import Api, moved, start_of
from tests.support.documents import step, workflow

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]


def replacing(**more: Any) -> dict[str, Any]:
    settings = {"concurrency": {"limit": 1, "onLimit": "replace"}}
    return workflow(
        step("reserve", compensation={"taskId": "noop"}), step("ship"), workflowId="w", settings=settings, **more
    )


def started(api: Api) -> str:
    answer = api.as_role("user").post("definitions/w/instances", json={})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def shown(api: Api, *instances: str) -> list[str]:
    return [api.as_role("user").get(f"instances/{each}").json()["displayStatus"] for each in instances]


def admit(api: Api) -> int:
    services = Services.configured()
    return Admitter(services.operation_context, api.database).work()


def test_i7_the_newest_replaces_what_runs_and_what_waits(api: Api) -> None:
    first = start_of(api, replacing())
    second, third = started(api), started(api)
    assert shown(api, first, second, third) == ["running", "queued", "queued"]
    admit(api)
    assert shown(api, first, second, third) == ["cancelled", "cancelled", "running"]
    error = api.as_role("user").get(f"instances/{first}").json()["error"]
    assert "replaces it" in error["message"]
    rows = api.as_role("op").get(f"instances/{first}/log").json()["items"]
    (row,) = [each for each in rows if each["event"] == "instance.cancelled"]
    assert (row["actor"]["id"], row["data"]["via"]) == ("concurrency", "limit")


def test_i7_what_is_replaced_compensates_before_its_place_is_free(api: Api) -> None:
    first = start_of(api, replacing(onFailure={"compensate": True}))

    def reserved(machine: Machine) -> None:
        now = datetime.now(UTC)
        machine.begin("", "reserve", "r", now)
        machine.succeed("", "reserve", "r", {}, now)

    moved(api, first, reserved)
    second = started(api)
    admit(api)
    assert shown(api, first, second) == ["running", "queued"]
    assert admit(api) == 0

    def compensated(machine: Machine) -> None:
        now = datetime.now(UTC)
        assert [(each.step_id, each.kind) for each in machine.ready(now)] == [("reserve", "compensation")]
        machine.begin("", "reserve", "c", now)
        machine.succeed("", "reserve", "c", {}, now)

    moved(api, first, compensated)
    assert shown(api, first, second) == ["cancelled", "queued"]
    admit(api)
    assert shown(api, first, second) == ["cancelled", "running"]


def test_i7_what_has_failed_is_left_to_its_compensations(api: Api) -> None:
    first = start_of(api, replacing(onFailure={"compensate": True}))

    def failed(machine: Machine) -> None:
        now = datetime.now(UTC)
        machine.begin("", "reserve", "r", now)
        machine.succeed("", "reserve", "r", {}, now)
        machine.begin("", "ship", "r", now)
        machine.fail("", "ship", "r", Failure.named("Trouble", "no van"), now)
        assert not machine.is_over

    moved(api, first, failed)
    second = started(api)
    assert admit(api) == 0
    assert shown(api, first, second) == ["running", "queued"]

    def compensated(machine: Machine) -> None:
        now = datetime.now(UTC)
        machine.begin("", "reserve", "c", now)
        machine.succeed("", "reserve", "c", {}, now)

    moved(api, first, compensated)
    admit(api)
    assert shown(api, first, second) == ["failed", "running"]


def test_i7_lists_show_who_waits_and_at_which_position(api: Api) -> None:
    document = replacing()
    document["settings"] = {"concurrency": {"limit": 1}}
    first = start_of(api, document)
    second, third = started(api), started(api)
    items = api.as_role("viewer").get("instances", params={"workflowId": "w"}).json()["items"]
    found = {each["id"]: (each["status"], each["displayStatus"], each["queuePosition"]) for each in items}
    assert found == {
        first: ("running", "running", None),
        second: ("suspended", "queued", 1),
        third: ("suspended", "queued", 2),
    }
    cancelled = api.as_role("op").post(f"instances/{second}/cancel", json={})
    assert cancelled.status_code == 200, cancelled.text
    assert api.as_role("viewer").get(f"instances/{third}").json()["queuePosition"] == 1
