"""Instances that run while the release changes: an older one stored them, or a newer one has (docs/architecture.md)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text

from airflow_workflow_provider.engine.graph import DAG_SHAPE_OF_CATCHES
from airflow_workflow_provider.engine.state import FORMAT
from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.store import definitions
from airflow_workflow_provider.store.database import Database
from tests.support.airflow import RunningAirflow
from tests.support.api import problem
from tests.support.documents import step
from tests.support.older import as_format_1
from tests.support.scenarios import Scenario
from tests.support.steering import Steering

pytestmark = [pytest.mark.daemons, pytest.mark.slow, pytest.mark.xdist_group("airflow-3"), pytest.mark.timeout(900)]

Json = dict[str, Any]

DONE: Json = {"output": {"done": True}}
BROKEN: Json = {"error": {"type": "Broken", "message": "not today"}}
LATER: Json = {"maxAttempts": 2, "delay": "PT15S"}


def waits(step_id: str, event: str = "upgrade.over") -> Json:
    return step(step_id, "receive", arguments={"eventPattern": event})


def branches(*steps: Json) -> Json:
    return {"parallelBranches": [{"branchId": each["stepId"][-1], "steps": [each]} for each in steps]}


def each_of(*steps: Json) -> Json:
    return {"forEach": {"items": {"type": "jmespath", "expression": "`[1, 2]`"}, "as": "n", "steps": list(steps)}}


@dataclass(frozen=True)
class Kind:
    """An instance at a moment of its life.

    :param reached: whether an instance, as the API shows it, is at that moment; its tasks come with it
    :param operation: what makes it continue, beside the event that all wait for
    :param status: what it ends with
    """

    steps: tuple[Json, ...]
    reached: Callable[[Json, dict[str, str | None]], bool]
    operation: str | None = None
    mocks: Json | None = None
    status: str = "completed"
    more: Json | None = None


KINDS = {
    "waiting": Kind((step("a"), waits("b"), step("c")), lambda _, tasks: tasks.get("b") == "deferred"),
    "branches": Kind(
        (step("p", **branches(waits("x"), step("y"))), step("q")),
        lambda _, tasks: (tasks.get("x"), tasks.get("y")) == ("deferred", "success"),
    ),
    "items": Kind((step("each", **each_of(waits("one"))), step("q")), lambda _, tasks: tasks.get("each") == "deferred"),
    "suspended": Kind(
        (waits("a"), step("b")),
        lambda found, tasks: found["status"] == "suspended" and tasks.get("a") == "deferred",
        operation="resume",
    ),
    "retrying": Kind(
        (step("a", "work", retryPolicy=LATER), step("b")),
        lambda _, tasks: tasks.get("a") == "up_for_retry",
        mocks={"a": [BROKEN, DONE]},
    ),
    "failed": Kind(
        (step("a"), step("b", "work"), step("c")),
        lambda found, _: found["status"] == "failed",
        operation="retry",
        mocks={"b": [BROKEN, DONE]},
    ),
    "compensated": Kind(
        (step("a", compensation={"taskId": "undo"}), step("b", "work"), step("c")),
        lambda found, _: found["status"] == "failed",
        operation="restart",
        mocks={"b": [BROKEN, DONE]},
        more={"onFailure": {"action": "stop", "compensate": True}},
    ),
    "completed": Kind((step("a"), step("b")), lambda found, _: found["status"] == "completed", operation="restart"),
}


@pytest.fixture
def store(running_airflow: RunningAirflow) -> Iterator[Database]:
    with Database(running_airflow.workflows_url) as database:
        yield database


def stored(database: Database, instance: str) -> Json:
    with database.begin() as connection:
        found = connection.execute(text("SELECT state FROM workflow_instances WHERE id = :id"), {"id": instance})
        return dict(found.scalar_one())


def store_state(database: Database, instance: str, change: Callable[[Json], Json]) -> Json:
    """Change what is stored while nobody else does, and return it."""
    with database.begin() as connection:
        query = "SELECT state FROM workflow_instances WHERE id = :id FOR UPDATE"
        state = change(dict(connection.execute(text(query), {"id": instance}).scalar_one()))
        statement = "UPDATE workflow_instances SET state = CAST(:state AS jsonb) WHERE id = :id"
        connection.execute(text(statement), {"id": instance, "state": json.dumps(state)})
    return state


def test_instances_that_the_first_release_stored_continue_to_their_end(steering: Steering, store: Database) -> None:
    scenarios = {
        name: Scenario(
            f"upgrade.{name}",
            {"name": name, "version": "1.0.0", "steps": list(kind.steps), **(kind.more or {})},
            mocks=kind.mocks or {},
        )
        for name, kind in KINDS.items()
    }
    steering.scenarios.publish(scenarios.values())
    instances = {name: steering.started(scenario.workflow_id) for name, scenario in scenarios.items()}
    steering.wait_for(instances["suspended"], a="deferred")
    steering.do(instances["suspended"], "suspend")

    for name, kind in KINDS.items():
        instance = instances[name]

        def reached(kind: Kind = kind, instance: str = instance) -> bool | None:
            return kind.reached(steering.get(instance), steering.tasks(instance)) or None

        poll(reached, seconds=240, what=f"instance {name} to be there")
        assert store_state(store, instance, as_format_1)["format"] == 1

    # What only looks at an instance does not mind its format.
    seen = {name: steering.get(instance)["state"]["activeSteps"] for name, instance in instances.items()}
    assert (seen["waiting"], seen["branches"], seen["completed"]) == (["b"], ["p", "x"], [])

    event = {"specversion": "1.0", "id": "over", "source": "/test", "type": "upgrade.over"}
    sent = steering.http.post("events", json=event, headers={"Content-Type": "application/cloudevents+json"})
    assert sent.status_code in (200, 201, 202), sent.text
    for name, kind in KINDS.items():
        if kind.operation is not None:
            steering.do(instances[name], kind.operation)
    for name, kind in KINDS.items():
        steering.ended(instances[name], kind.status)
        assert stored(store, instances[name])["format"] == FORMAT, name


def test_an_instance_that_a_newer_release_stored_is_left_alone_until_that_release_runs_it(
    steering: Steering, store: Database
) -> None:
    steps = [step("a", "work", retryPolicy={"maxAttempts": 5, "delay": "PT1S"}), step("b")]
    document = {"name": "Newer", "version": "1.0.0", "steps": steps}
    instance = steering.start(Scenario("upgrade.newer", document, mocks={"a": [{"sleep": 8, **DONE}]}))
    steering.wait_for_start(instance, "a")
    found = steering.get(instance)
    newer = store_state(store, instance, lambda state: {**state, "format": FORMAT + 1, "shape": ["of", "its", "own"]})

    refused = steering.http.get(f"instances/{instance}")
    assert problem(refused, 409, "stored-state-too-new")["suggestion"]
    assert steering.refused(instance, "suspend") == "stored-state-too-new"
    assert steering.refused(instance, "cancel") == "stored-state-too-new"
    # It stands in lists, where nothing of its state is shown.
    listed = steering.http.get("instances", params={"workflowId": "upgrade.newer"}).json()["items"]
    assert [each["id"] for each in listed] == [instance]

    # The end of the step cannot be stored; Airflow tries the task again until the newer release is there.
    def tried_again() -> bool | None:
        states = steering.airflow.task_instances(found["dagId"], found["runId"])
        return True if {each["task_id"]: each["state"] for each in states}["a"] == "up_for_retry" else None

    poll(tried_again, seconds=300, what="the task to be tried again")
    log = f"/dags/{found['dagId']}/dagRuns/{found['runId']}/taskInstances/a/logs/1"
    assert f"has format {FORMAT + 1}" in json.dumps(steering.airflow.request("GET", log, params={"full_content": True}))
    assert stored(store, instance) == newer

    store_state(store, instance, lambda state: {**{k: v for k, v in state.items() if k != "shape"}, "format": FORMAT})
    steering.ended(instance)


def test_an_instance_keeps_the_dag_of_its_revision_while_a_newer_version_has_one_of_another_shape(
    steering: Steering, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = {"action": "continue", "nextStepId": "h"}
    steps = [waits("a", "shape.over"), step("b", "work", onFailure=handler), step("c", next=[]), step("h")]
    scenarios = {
        version: Scenario("upgrade.shape", {"name": "Shape", "version": version, "steps": steps}, mocks={"b": [BROKEN]})
        for version in ("1.0.0", "1.1.0")
    }
    with monkeypatch.context() as older:
        older.setattr(definitions, "DAG_SHAPE", DAG_SHAPE_OF_CATCHES)
        steering.scenarios.publish([scenarios["1.0.0"]])
    instances = {"1.0.0": steering.started("upgrade.shape")}
    steering.wait_for(instances["1.0.0"], a="deferred")
    steering.scenarios.publish([scenarios["1.1.0"]])

    def newer() -> str | None:
        found = steering.started("upgrade.shape")
        return found if steering.get(found)["version"] == "1.1.0" else None

    instances["1.1.0"] = poll(newer, seconds=300, what="the newer version to start", interval=2)
    steering.wait_for(instances["1.1.0"], a="deferred")
    event = {"specversion": "1.0", "id": "shape", "source": "/test", "type": "shape.over"}
    sent = steering.http.post("events", json=event, headers={"Content-Type": "application/cloudevents+json"})
    assert sent.status_code in (200, 201, 202), sent.text
    tasks = {}
    for version, instance in instances.items():
        steering.ended(instance)
        tasks[version] = {name: state for name, state in steering.tasks(instance).items() if name != "a"}
    assert tasks == {
        "1.0.0": {"b": "failed", "b.catch": "success", "c": "upstream_failed", "h": "success", "end": "success"},
        "1.1.0": {"b": "failed", "c": "upstream_failed", "h": "success", "end": "success"},
    }
