"""The instance of a DAG run, made and changed in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from airflow_workflow_provider import metrics
from airflow_workflow_provider.engine.calls import Decision
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.errors import NotFound
from airflow_workflow_provider.instances.run_conf import ABOUT
from airflow_workflow_provider.instances.session import InstanceSession, Parent, Run
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.instances import Instances
from airflow_workflow_provider.store.logs import Logs
from tests.support.documents import step

pytestmark = pytest.mark.postgres

Json = dict[str, Any]


@pytest.fixture
def database(database_url: str) -> Database:
    return Database(database_url)


def ledger(
    database: Database,
    *steps: Json,
    conf: Json | None = None,
    run_id: str = "r",
    about: Json | None = None,
    **more: Any,
) -> InstanceSession:
    document = {"workflowId": "w", "name": "W", "version": "1.0.0", "steps": list(steps), **more}
    definition = parse_definition(document)
    published = Definitions(database).publish(definition, document)
    run = Run("w", run_id, conf or {})
    if about is not None:
        announced = Instances(database).starts.announce(run.instance_id, about)
        run = Run("w", run_id, {**run.conf, ABOUT: {"start": announced.token}})
    return InstanceSession(Graph.of(definition), published.revision, run, instances=Instances(database))


def done(machine: Machine, scope: str, step_id: str, ledger: InstanceSession) -> Decision:
    runner = f"{scope}/{step_id}"
    machine.begin(scope, step_id, runner, ledger.clock())
    return machine.succeed(scope, step_id, runner, {step_id: 1}, ledger.clock())


def test_i2_the_row_is_there_before_the_first_step_has_run(database: Database) -> None:
    found = ledger(database, step("a"), conf={"n": 1}, about={"correlationId": "order-7"})
    with pytest.raises(NotFound):
        found.look(lambda machine: machine.status)

    assert found.change(lambda machine: machine.state.active_steps) == ["a"]

    stored = Instances(database).get(found.instance_id)
    assert (stored.status, stored.input, stored.correlation_id) == ("running", {"n": 1}, "order-7")
    assert [row.event for row in Logs(database).read(found.instance_id)] == ["instance.started"]


def test_x6_an_input_that_does_not_fit_is_an_instance_that_failed(database: Database) -> None:
    schema = {"type": "object", "required": ["n"]}
    found = ledger(database, step("a"), inputSchema=schema, onFailure={"action": "continue", "nextStepId": "a"})

    assert found.change(lambda machine: machine.status) == "failed"

    stored = Instances(database).get(found.instance_id)
    assert stored.error is not None
    assert (stored.status, stored.error["type"]) == ("failed", "ValidationError")
    assert stored.completed_at is not None
    assert [row.event for row in Logs(database).read(found.instance_id)] == ["instance.started", "instance.failed"]


def test_x6_what_airflows_form_leaves_empty_is_no_input(database: Database) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer", "default": 2}}}
    found = ledger(database, step("s"), inputSchema=schema, conf={"a": None})
    assert found.change(lambda machine: machine.state.input) == {"b": 2}


def test_i2_parallel_branches_never_lose_each_others_update(database: Database) -> None:
    names = [f"b{n}" for n in range(12)]
    branches = [{"branchId": name, "steps": [step(f"{name}-s")]} for name in names]
    found = ledger(database, step("p", parallelBranches=branches))
    found.change(lambda machine: done(machine, "", "p", found))

    def finish(name: str) -> Any:
        return found.change(lambda machine: done(machine, f"p/{name}", f"{name}-s", found))

    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(finish, names))

    stored = Instances(database).get(found.instance_id)
    assert stored.status == "completed"
    assert {f"{name}-s" for name in names} <= stored.state.data.keys()
    rows = Logs(database).read(found.instance_id)
    assert sorted(row.step_id or "" for row in rows if row.event == "step.completed") == sorted(
        ["p", *(f"{name}-s" for name in names)]
    )


def test_an_error_inside_changes_nothing(database: Database) -> None:
    found = ledger(database, step("a"))
    found.change(lambda machine: machine.status)

    def breaks(machine: Machine) -> None:
        done(machine, "", "a", found)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        found.change(breaks)
    assert found.look(lambda machine: machine.state.steps) == {}


def test_p5_a_child_whose_parent_does_not_wait_is_cancelled(database: Database) -> None:
    parent = ledger(database, step("a"), run_id="parent")
    parent.change(lambda machine: machine.begin("", "a", "r", parent.clock()))
    waiting = Parent(str(parent.instance_id), "", "a", 1, 1, 1)
    child = ledger(database, step("a"), run_id="child", about={"parent": waiting.to_json()})

    child.stop_if_abandoned()
    assert child.change(lambda machine: machine.status) == "running"
    stored = Instances(database).get(child.instance_id)
    assert (stored.parent_instance_id, stored.parent_step_id) == (parent.instance_id, "a")
    assert stored.state.instance.depth == 1

    parent.change(lambda machine: machine.fail("", "a", "r", Failure("X", "x"), parent.clock()))
    child.stop_if_abandoned()

    error = Instances(database).get(child.instance_id).error
    assert error is not None
    assert error["type"] == "Cancelled"


def test_l2_l4_rows_have_metadata_and_no_secrets(database: Database) -> None:
    schema = {"type": "object", "properties": {"pin": {"type": "string", "format": "password"}}}
    found = ledger(
        database,
        step("a"),
        inputSchema=schema,
        executionLog={"metadata": ["order.id"]},
        conf={"pin": "hunter22", "order": {"id": 7}},
    )
    found.change(lambda machine: done(machine, "", "a", found))
    rows = Logs(database).read(found.instance_id)
    assert all(row.metadata == {"order.id": 7} for row in rows)
    assert "hunter22" not in str([row.data for row in rows])


def test_what_starts_and_ends_is_counted_whatever_the_log_keeps(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    got: list[tuple[str, Json]] = []
    monkeypatch.setattr(metrics, "count", lambda name, **tags: got.append((name, tags)))
    monkeypatch.setattr(metrics, "timing", lambda name, _, **tags: got.append((name, tags)))
    retried = step("a", retryPolicy={"maxAttempts": 2, "delay": "PT0S"})
    session = ledger(database, retried, step("b"), executionLog={"level": "error"})

    def fail(machine: Machine) -> None:
        machine.begin("", "a", "r1", session.clock())
        machine.fail("", "a", "r1", Failure.named("Broken", "not today"), session.clock())

    session.change(fail)
    session.change(lambda machine: done(machine, "", "a", session))
    session.change(lambda machine: done(machine, "", "b", session))
    session.change(lambda machine: machine.status)
    of_a, of_b = ({"workflow_id": "w", "step_id": name} for name in ("a", "b"))
    assert got == [
        (metrics.INSTANCES_STARTED, {"workflow_id": "w"}),
        (metrics.STEPS_RETRIED, of_a),
        (metrics.STEPS_DURATION, {**of_a, "status": "completed"}),
        (metrics.INSTANCES_ENDED, {"workflow_id": "w", "status": "completed"}),
        (metrics.STEPS_DURATION, {**of_b, "status": "completed"}),
    ]


@pytest.mark.parametrize("level", ["debug", "error"])
def test_l4_secrets_are_masked_as_of_the_last_change_without_another_look(
    database: Database, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = {"type": "object", "properties": {"pin": {"type": "string", "writeOnly": True}}}
    found = ledger(database, step("a"), conf={"pin": "tell-nobody"}, inputSchema=schema, executionLog={"level": level})
    found.change(lambda machine: machine.status)
    # As each task has a session of its own.
    other = InstanceSession(found.graph, 1, found.run, instances=Instances(database))
    other.change(lambda machine: machine.begin("", "a", "runner", other.clock()))
    monkeypatch.setattr(other, "look", lambda _: pytest.fail("the instance is known already"))
    assert other.masked(["about tell-nobody", 7]) == ["about ***", 7]


def test_l4_what_was_not_changed_is_looked_at_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    schema = {"type": "object", "properties": {"pin": {"type": "string", "writeOnly": True}}}
    made = ledger(database, step("a"), conf={"pin": "tell-nobody"}, inputSchema=schema)
    made.change(lambda machine: machine.status)
    other = InstanceSession(made.graph, 1, made.run, instances=Instances(database))
    look, looks = other.look, 0

    def counted(work: Callable[[Machine], Any]) -> Any:
        nonlocal looks
        looks += 1
        return look(work)

    monkeypatch.setattr(other, "look", counted)
    assert [other.masked("tell-nobody") for _ in range(3)] == ["***"] * 3
    assert looks == 1
