"""When the check of a wave judges, and what a fault does that needs what another one has taken away."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import text

from airflow_workflow_provider.errors import StoreUnavailable
from airflow_workflow_provider.local.airflow import LocalEnvironment
from airflow_workflow_provider.local.client import AirflowClient
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.deliveries import Deliveries
from airflow_workflow_provider.store.delivering import Deliverer, Start
from airflow_workflow_provider.store.events import Events
from airflow_workflow_provider.store.instances import Instances
from tests.chaos.faults import FAULTS
from tests.chaos.in_flight import in_flight, wait_for_the_end
from tests.chaos.invariants import violations
from tests.chaos.place import NOT_REACHED, Place
from tests.chaos.rounds import Round, inject
from tests.chaos.workload import Accepted
from tests.support.events import due_now, event, triggered
from tests.support.store import new_instance

KEY = "s1-r0-ordered-0"
RUNS = "CREATE TABLE dag_run (dag_id text, run_id text, state text)"
"""Of Airflow's metadata, as much as is asked for."""


@pytest.fixture
def chaos(database: Database) -> Database:
    """A database with an event that starts an instance, which is accepted and not delivered; it has both's tables."""
    do(database, RUNS)
    triggered(database, "chaos.triggered", "chaos.ordered")
    Events(database).accept([event(KEY, "chaos.ordered")])
    return database


def do(database: Database, statement: str, **values: Any) -> None:
    with database.begin() as connection:
        connection.execute(text(statement), values)


def lost(database: Database) -> list[str]:
    return [each.sentence for each in violations(database, database, Accepted(events=[KEY])) if each.kind == "lost"]


def deliver(database: Database) -> None:
    """Start what is due, each instance with its run."""

    def start(given: Start) -> None:
        names = {"workflow_id": given.workflow_id, "dag_id": given.workflow_id, "run_id": given.run_id}
        Instances(database).open(new_instance(**names, event=given.event))
        do(
            database,
            "INSERT INTO dag_run VALUES (:dag_id, :run_id, 'running')",
            **{k: names[k] for k in names if k != "workflow_id"},
        )

    assert Deliverer(database, start).deliver() == 1


def runs(database: Database) -> set[tuple[str, str]]:
    with database.begin() as connection:
        return {(row.dag_id, row.run_id) for row in connection.execute(text("SELECT dag_id, run_id FROM dag_run"))}


def end(database: Database) -> None:
    do(database, "UPDATE workflow_instances SET status = 'completed', completed_at = now()")


@pytest.mark.postgres
def test_a_delivery_whose_process_died_is_waited_for(chaos: Database) -> None:
    claimed = Deliveries(chaos).claim()
    assert len(claimed) == 1
    assert in_flight(chaos, chaos) == {f"delivery of event {KEY}"}
    (sentence,) = lost(chaos)
    assert sentence.startswith(
        f"event {KEY} has started 0 instances, its delivery is pending, tried 1 times, claimed, due"
    )
    seen: list[frozenset[str]] = []

    def lapse() -> None:
        due_now(chaos)
        deliver(chaos)

    def finish() -> None:
        end(chaos)
        do(chaos, "UPDATE dag_run SET state = 'success'")

    steps = iter([lapse, finish])

    def meanwhile(_: float) -> None:
        seen.append(in_flight(chaos, chaos))
        next(steps)()

    assert wait_for_the_end(lambda: in_flight(chaos, chaos), 60, meanwhile=meanwhile, every=0) == frozenset()
    assert [sorted(each.split(" ")[0] for each in found) for found in seen] == [["delivery"], ["instance", "run"]]
    assert lost(chaos) == []


@pytest.mark.postgres
def test_an_instance_is_in_flight_until_its_run_has_ended_and_nothing_is_owed(chaos: Database) -> None:
    deliver(chaos)
    end(chaos)
    assert [each.split(" ")[0] for each in in_flight(chaos, chaos)] == ["run"]
    do(chaos, "UPDATE dag_run SET state = 'success'")
    assert in_flight(chaos, chaos) == frozenset()
    do(chaos, "UPDATE workflow_instances SET status = 'failed', compensations_owed = 1")
    assert [each.split(" ")[0] for each in in_flight(chaos, chaos)] == ["instance"]


@pytest.mark.postgres
def test_an_instance_may_have_completed_before_a_fault_let_its_run_fail(chaos: Database) -> None:
    deliver(chaos)
    end(chaos)
    do(chaos, "UPDATE dag_run SET state = 'failed'")
    (run,) = runs(chaos)
    accepted = Accepted(events=[KEY])
    sentence = f"is completed, run {run[1]} of {run[0]} is failed"
    assert [each.sentence for each in violations(chaos, chaos, accepted) if each.sentence.endswith(sentence)]
    faulty = violations(chaos, chaos, accepted, ended={run: "failed"})
    assert not [each.sentence for each in faulty if each.sentence.endswith(sentence)]


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("second", "decided", "wrong"), [("failed", True, 0), ("failed", False, 1), ("completed", True, 1)]
)
def test_an_instance_ends_twice_only_where_a_fault_decided_otherwise(
    chaos: Database, second: str, decided: bool, wrong: int
) -> None:
    deliver(chaos)
    end(chaos)
    for name in ("instance.started", "instance.completed", f"instance.{second}"):
        do(
            chaos,
            "INSERT INTO workflow_execution_logs (instance_id, level, event) "
            "SELECT id, 'error', :name FROM workflow_instances",
            name=name,
        )
    (run,) = runs(chaos)
    found = violations(chaos, chaos, Accepted(events=[KEY]), ended={run: second} if decided else {})
    assert len([each for each in found if " ends, " in each.sentence]) == wrong


@pytest.mark.postgres
def test_what_is_to_start_or_to_continue_a_run_is_in_flight(chaos: Database) -> None:
    do(chaos, "UPDATE workflow_event_deliveries SET status = 'dead'")
    do(
        chaos,
        "INSERT INTO workflow_run_requests (dag_id, run_id, revision, conf, created_at, due_at) "
        "VALUES ('chaos.plain', 'child', 1, '{}', now(), now() + interval '1 hour')",
    )
    do(
        chaos,
        "INSERT INTO workflow_wakeups (dag_id, run_id, task_id, created_at, due_at) "
        "VALUES ('chaos.approved', 'r', 'decide', now(), now()), ('shop', 'r', 'decide', now(), now())",
    )
    assert sorted(each.rstrip("0123456789") for each in in_flight(chaos, chaos)) == ["request of run child", "wake-up "]


@pytest.mark.postgres
def test_a_dead_letter_is_judged_at_once_and_its_reason_is_said(chaos: Database) -> None:
    do(chaos, "UPDATE workflow_event_deliveries SET status = 'dead', reason = '{\"message\": \"no such input\"}'")
    assert wait_for_the_end(lambda: in_flight(chaos, chaos), 60) == frozenset()
    assert lost(chaos) == [f"event {KEY} has started 0 instances, its delivery is dead (no such input)"]


def test_the_wait_ends_with_what_has_not_ended_and_later_waits_leave_that_out() -> None:
    stuck = wait_for_the_end(lambda: {"run a", "run b"}, seconds=0)
    assert stuck == {"run a", "run b"}
    looks = iter([{"run a", "run c"}, {"run a"}])
    reported: list[float] = []
    assert wait_for_the_end(lambda: next(looks), 60, without=stuck, meanwhile=reported.append, every=0) == frozenset()
    assert len(reported) == 1


def place(url: Callable[[], str], folder: Path) -> Place:
    server = SimpleNamespace(url=url)
    environment = cast("LocalEnvironment", SimpleNamespace(postgres=server, workflows_url=url))
    return Place(environment, cast("AirflowClient", None), random.Random(1), folder)  # noqa: S311 - no secret


@pytest.mark.postgres
def test_a_fault_waits_for_a_database_that_another_one_took_away(database_url: str, tmp_path: Path) -> None:
    answers = iter([StoreUnavailable("it does not run"), StoreUnavailable("it starts")])

    def url() -> str:
        error = next(answers, None)
        if error is not None:
            raise error
        return database_url

    with place(url, tmp_path).server() as database:
        assert database.run(lambda connection: connection.execute(text("SELECT 1")).scalar()) == 1
    assert next(answers, None) is None


def test_a_fault_that_cannot_be_injected_ends_no_other_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: Place) -> None:
        message = "PostgreSQL does not come up"
        raise StoreUnavailable(message)

    monkeypatch.setattr("tests.chaos.rounds.FAULTS", {**FAULTS, "runs deleted": gone})
    found = Round("runs deleted")
    inject(place(str, tmp_path), found)
    assert found.notes == [NOT_REACHED, "given up: store-unavailable"]
