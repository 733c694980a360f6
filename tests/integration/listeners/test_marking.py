"""Tasks that a person marked as failed in Airflow."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.instances.session import InstanceSession, Run
from airflow_workflow_provider.listeners import marked_tasks
from airflow_workflow_provider.listeners.marked import MarkedTask
from airflow_workflow_provider.listeners.marking import fail_step
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.instances import Instances, instance_id

pytestmark = pytest.mark.postgres

UNDO: dict[str, Any] = {"compensation": {"taskId": "noop"}}
DOCUMENT: dict[str, Any] = {
    "workflowId": "w",
    "name": "W",
    "version": "1.0.0",
    "steps": [{"stepId": "pay", "taskId": "noop", **UNDO}, {"stepId": "ship", "taskId": "noop", **UNDO}],
    "onFailure": {"action": "stop", "compensate": True},
}


@pytest.fixture
def session(database_url: str) -> InstanceSession:
    database = Database(database_url)
    definition = parse_definition(DOCUMENT)
    published = Definitions(database).publish(definition, DOCUMENT)
    made = InstanceSession(Graph.of(definition), published.revision, Run("w", "r"), instances=Instances(database))
    for step_id in ("pay", "ship"):
        made.change(lambda machine, name=step_id: machine.begin("", name, "r", made.clock()))  # type: ignore[misc]
        if step_id == "pay":
            made.change(lambda machine: machine.succeed("", "pay", "r", {}, made.clock()))
    return made


@pytest.mark.parametrize("ended", [False, True])
def test_f7_the_error_names_the_mark_and_completed_steps_are_compensated(
    session: InstanceSession, database_url: str, ended: bool
) -> None:
    if ended:
        session.change(lambda machine: machine.succeed("", "ship", "r", {}, session.clock()))
    database = Database(database_url)
    assert fail_step(MarkedTask("w", "r", "ship"), database)
    found = Instances(database).get(instance_id("w", "r"))
    assert found.status == "running"
    assert found.state.failure is not None
    assert found.state.failure.error["type"] == "MarkedFailed"
    assert len(found.state.failure.queue) == (1 if ended else 0)
    assert not fail_step(MarkedTask("w", "r", "ship"), database)
    # What its process still reports changes nothing.
    late = session.change(lambda machine: machine.succeed("", "ship", "r", {}, session.clock()))
    assert late.status == "ignored"


@pytest.mark.parametrize("marked", [("w", "r", "pay"), ("w", "r", "end"), ("w", "r", "gone"), ("other", "r", "pay")])
def test_marks_that_change_nothing(session: InstanceSession, database_url: str, marked: tuple[str, str, str]) -> None:
    assert not fail_step(MarkedTask(*marked), Database(database_url))
    assert session.look(lambda machine: machine.state.active_steps) == ["ship"]


def test_a_mark_in_a_run_that_has_ended_changes_nothing(session: InstanceSession, database_url: str) -> None:
    """Nothing would run what follows from it: the run stays as it ended."""
    session.change(lambda machine: machine.succeed("", "ship", "r", {}, session.clock()))
    database = Database(database_url)
    assert not fail_step(MarkedTask("w", "r", "ship"), database, run_continues=lambda _: False)
    assert Instances(database).get(instance_id("w", "r")).status == "completed"


def test_only_marks_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[MarkedTask] = []
    monkeypatch.setattr(marked_tasks, "MARKER", SimpleNamespace(add=noted.append))
    task = SimpleNamespace(dag_id="w", run_id="r", task_id="ship")
    manually = "TaskInstance's state was manually set to `failed`."
    for error in (ValueError("manually set"), None, "Exception: broken", manually):
        marked_tasks.on_task_instance_failed(None, task, error)
    marked_tasks.on_task_instance_failed(None, None, manually)
    assert noted == [MarkedTask("w", "r", "ship")]
