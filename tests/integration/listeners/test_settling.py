"""Instances of DAG runs that ended without a word of their tasks."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import pytest

from airflow_workflow_provider.bounded.limits import Limits
from airflow_workflow_provider.bounded.pool import Pool
from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.instances.run_conf import conf_of
from airflow_workflow_provider.instances.session import InstanceSession, Run
from airflow_workflow_provider.listeners.dag_runs import REFUSER, SETTLER, on_dag_run_running
from airflow_workflow_provider.listeners.settling import settle_configured
from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.local.configuration import connection_json
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.operations.ended_run import EndedRun, UncarriedRun
from airflow_workflow_provider.operations.settling import settle
from airflow_workflow_provider.operations.uncarried import fail_uncarried
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.instances import Instance, Instances, instance_id
from airflow_workflow_provider.workers import evaluation
from airflow_workflow_provider.workers.evaluation import WARM
from tests.support.bombs import doubling

pytestmark = pytest.mark.postgres

DOCUMENT: dict[str, Any] = {
    "workflowId": "w", "name": "W", "version": "1.0.0", "steps": [{"stepId": "a", "taskId": "noop"}]
}  # fmt: skip


@pytest.fixture
def database(database_url: str) -> Database:
    return Database(database_url)


@pytest.fixture
def ledger(database: Database) -> InstanceSession:
    definition = parse_definition(DOCUMENT)
    published = Definitions(database).publish(definition, DOCUMENT)
    return InstanceSession(Graph.of(definition), published.revision, Run("w", "r"), instances=Instances(database))


def ended(*, succeeded: bool, reason: str = "", dag_id: str = "w") -> EndedRun:
    return EndedRun(dag_id, "r", {}, succeeded, reason)


def instance(database: Database) -> Instance:
    return Instances(database).get(instance_id("w", "r"))


@pytest.mark.parametrize(
    ("reason", "error_type"),
    [
        ("timed_out", "TimeoutError"),
        ("task_failure", "WorkerLost"),
        ("all_tasks_deadlocked", "WorkerLost"),
        ("by hand", "Cancelled"),
    ],
)
def test_i1_a_run_that_failed_ends_its_instance(
    database: Database, ledger: InstanceSession, reason: str, error_type: str
) -> None:
    ledger.change(lambda machine: machine.status)
    assert settle(ended(succeeded=False, reason=reason), database)
    found = instance(database)
    assert found.error is not None
    assert (found.status, found.error["type"]) == ("failed", error_type)
    assert not settle(ended(succeeded=False, reason=reason), database)


def test_i1_a_run_that_succeeded_ends_its_instance(database: Database, ledger: InstanceSession) -> None:
    ledger.change(lambda machine: machine.status)
    assert settle(ended(succeeded=True), database)
    assert instance(database).status == "completed"
    assert settle(ended(succeeded=False), database)
    assert instance(database).status == "failed"


@pytest.mark.usefixtures("ledger")
def test_a_run_that_failed_before_its_first_step_has_an_instance_that_failed(database: Database) -> None:
    assert settle(ended(succeeded=False, reason="task_failure"), database)
    assert instance(database).status == "failed"


def test_a_run_of_another_dag_is_left_alone(database: Database) -> None:
    assert not settle(ended(succeeded=False, dag_id="somebody-elses"), database)


def test_an_instance_that_runs_again_is_left_alone(database: Database, ledger: InstanceSession) -> None:
    ledger.change(lambda machine: machine.status)
    assert not settle(ended(succeeded=False), database, still_so=lambda _: False)
    assert instance(database).status == "running"


@pytest.mark.airflow
@pytest.mark.usefixtures("airflow_in_process")
def test_runs_are_settled_in_a_thread_and_trouble_is_survived(
    database: Database, database_url: str, ledger: InstanceSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.change(lambda machine: machine.status)
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", "nonsense")
    SETTLER.add(ended(succeeded=False))
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", connection_json(database_url))
    SETTLER.add(ended(succeeded=False))
    poll(lambda: True if instance(database).status == "failed" else None, seconds=300, what="the instance to end")


def test_what_is_settled_is_evaluated_within_limits_of_all_of_it_together(
    database_url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = {**DOCUMENT, "inputSchema": doubling(29)}
    Definitions(database).publish(parse_definition(document, checked=False), document)
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", connection_json(database_url))
    monkeypatch.setattr("airflow_workflow_provider.listeners.settling.is_still_so", lambda _: True)
    pool = Pool(Limits(seconds=1.0), WARM)
    monkeypatch.setattr(evaluation, "evaluations", lambda: pool)
    try:
        pool.start()
        poll(lambda: pool.pids or None, seconds=300, what="the processes", interval=0.02)
        before = time.process_time()
        assert settle_configured(EndedRun("w", "r", {"a": 1}, succeeded=True, reason=""))
        assert time.process_time() - before < 5
    finally:
        pool.close()
    found = instance(database)
    assert found.error is None or "takes longer than 1 s" in found.error["message"]
    assert found.status in ("failed", "completed")


def test_e4_a_run_whose_tasks_cannot_start_fails_once_with_its_reason(
    database: Database, ledger: InstanceSession
) -> None:
    del ledger
    ends: list[tuple[str, str]] = []

    def end(*run: str) -> bool:
        ends.append((run[0], run[1]))
        return len(ends) == 1

    run = UncarriedRun("w", "r", {"n": [2**64]}, "ada")

    assert fail_uncarried(run, database, end_run=end)
    found = instance(database)
    assert found.error is not None
    assert (found.status, found.error["type"], found.error["code"]) == ("failed", "ValidationError", "integer-too-long")
    assert found.error["details"]["errors"][0]["pointer"] == "/n/0"
    assert found.input == {"n": [2**64]}
    assert not fail_uncarried(run, database, end_run=end)
    assert ends == [("w", "r"), ("w", "r")]
    assert not fail_uncarried(replace(run, dag_id="somebody-elses"), database, end_run=end)
    assert len(ends) == 2


@dataclass
class Begun:
    """Airflow's DAG run, as a listener gets it."""

    conf: Any
    dag_id: str = "w"
    run_id: str = "r"
    triggering_user_name: str | None = None


@pytest.mark.parametrize(
    ("conf", "noted"),
    [
        ({"n": 2**64}, True),
        ({"a": [{"b": -(2**63) - 1}]}, True),
        ({"n": 1e20}, True),
        ({"n": [2**64 - 1, -(2**63), 1.5, "9" * 30]}, False),
        (conf_of({"n": 2**70}, {}), False),
        ({}, False),
        (None, False),
        ("text", False),
    ],
)
def test_e4_only_a_run_that_cannot_begin_is_noted(conf: Any, noted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[UncarriedRun] = []
    monkeypatch.setattr(REFUSER, "add", found.append)

    on_dag_run_running(Begun(conf), "started")

    assert [each.conf for each in found] == ([conf] if noted else [])
