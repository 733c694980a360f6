"""A task whose instance turns out to be older than what it has stored itself (rules I1, I2)."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from airflow.sdk.exceptions import AirflowTaskTerminated, TaskAwaitingInput

from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.engine.instance_records import InstanceFacts
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.suspension import resume
from airflow_workflow_provider.instances.session import InstanceSession
from airflow_workflow_provider.instances.stored import StateRestored, Stored
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.operators.restored import noticed
from tests.support.documents import step, workflow

NOW = datetime(2027, 1, 1, tzinfo=UTC)


class Session:
    """An instance in memory whose step ``a`` runs: what a backup has of one whose step ``b`` ran."""

    instance_id = "i"
    stored = Stored(position=2)

    def __init__(self) -> None:
        graph = Graph.of(parse_definition(workflow(step("a"), step("b"))))
        self.machine = Machine.start(graph, InstanceFacts("i", "example", "1.0.0", None), {}, now=NOW)
        self.machine.begin("", "a", "first", NOW)

    def clock(self) -> datetime:
        return NOW

    def change(self, work: Any) -> Any:
        return work(self.machine)


def context(state: str | None) -> Any:
    """Return the context of task ``b``, in a state that Airflow knows."""
    states = {"r": {"b": state}}
    asked = SimpleNamespace(dag_id="example", run_id="r", get_task_states=lambda **_: states)
    return {"ti": asked}


def notice(session: Session, state: str | None) -> None:
    with noticed("b", cast("InstanceSession", session), context(state)):
        raise StateRestored


def test_a_task_that_runs_suspends_the_instance_and_waits() -> None:
    session = Session()
    with pytest.raises(TaskAwaitingInput):
        notice(session, "running")
    assert session.machine.is_suspended
    assert session.machine.state.held == ["b"]


@pytest.mark.parametrize("state", ["restarting", "scheduled", "awaiting_input", None])
def test_one_that_was_cleared_meanwhile_suspends_nothing(state: str | None) -> None:
    session = Session()
    with pytest.raises(TaskAwaitingInput):
        notice(session, "running")
    resume(session.machine, NOW)
    session.machine.begin("", "a", "second", NOW)
    before = session.machine.state.to_json()
    with pytest.raises(AirflowTaskTerminated):
        notice(session, state)
    assert session.machine.state.to_json() == before
