"""Rule I7: who runs and who waits where the number of instances is limited, decided by PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text

from airflow_workflow_provider.api.services import Services
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.manual_override import agree_failed
from airflow_workflow_provider.engine.suspension import resume, suspend
from airflow_workflow_provider.failpoints import VARIABLE
from airflow_workflow_provider.instances.session import InstanceSession, Run
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.comparing import Comparisons
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.instances import Instance, Instances
from airflow_workflow_provider.store.logs import Logs
from airflow_workflow_provider.store.places import Places
from airflow_workflow_provider.workers.admissions import Admitter
from tests.support.documents import step, workflow

pytestmark = pytest.mark.postgres

Json = dict[str, Any]

STARTERS = 8
EACH = 5

CUSTOMER = {"type": "jmespath", "expression": "input.customer"}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database(database_url, retry_for=20) as database:
        yield database


class Limited:
    """A published workflow whose number of instances is limited."""

    def __init__(self, database: Database, limit: int = 1, on_limit: str = "queue", **more: Any) -> None:
        concurrency = {"limit": limit, "onLimit": on_limit, **more.pop("concurrency", {})}
        settings = {"concurrency": concurrency, **more.pop("settings", {})}
        document = workflow(step("a"), step("b"), workflowId="w", settings=settings, **more)
        definition = parse_definition(document)
        self.database = database
        self.instances = Instances(database)
        self.revision = Definitions(database).publish(definition, document).revision
        self.graph = Graph.of(definition)

    def session(self, run_id: str, database: Database | None = None, **given: Any) -> InstanceSession:
        instances = self.instances if database is None else Instances(database)
        return InstanceSession(self.graph, self.revision, Run("w", run_id, given), instances=instances)

    def start(self, run_id: str, **given: Any) -> Instance:
        return self.session(run_id, **given).open()

    def begin(self, run_id: str, step_id: str = "a") -> str:
        def work(machine: Machine) -> str:
            return machine.begin("", step_id, "r", datetime.now(UTC)).action

        return self.session(run_id).change(work)

    def end(self, run_id: str) -> None:
        """Run an instance to its end, as its tasks would."""

        def work(machine: Machine) -> None:
            now = datetime.now(UTC)
            while not machine.is_over:
                (ready,) = machine.ready(now)
                assert machine.begin("", ready.step_id, "r", now).action == "run"
                machine.succeed("", ready.step_id, "r", {}, now)

        self.session(run_id).change(work)

    def admit(self) -> int:
        return Admitter(Services(self.database, load_settings()).operation_context, self.database).work()

    def shown(self, run_id: str) -> str:
        return self.instances.get(Run("w", run_id).instance_id).display_status

    def running(self) -> set[str]:
        """Return the runs of the instances that may begin attempts."""
        rows = (
            "SELECT run_id FROM workflow_instances WHERE status IN ('running', 'suspended') AND NOT state ? 'queuedAt'"
        )
        return set(self.database.run(lambda connection: connection.execute(text(rows)).scalars().all()))

    def log(self, run_id: str) -> list[str]:
        wanted = Run("w", run_id).instance_id
        return [row.event for row in Logs(self.database).read(wanted, limit=100)]


def test_i7_one_runs_and_the_next_waits_until_it_has_ended(database: Database) -> None:
    found = Limited(database)
    first, second, third = (found.start(name) for name in ("r1", "r2", "r3"))
    assert [each.display_status for each in (first, second, third)] == ["running", "queued", "queued"]
    assert Places(database).positions([each.id for each in (first, second, third)]) == {second.id: 1, third.id: 2}
    assert found.begin("r2") == "hold"
    assert found.admit() == 0
    found.end("r1")
    assert found.admit() == 1
    assert [found.shown(name) for name in ("r1", "r2", "r3")] == ["completed", "running", "queued"]
    assert found.begin("r2") == "run"
    assert found.log("r2")[:3] == ["instance.started", "instance.queued", "instance.admitted"]


def test_i7_the_task_that_waits_is_woken_once(database: Database) -> None:
    found = Limited(database)
    found.start("r1")
    found.start("r2")

    def hold(machine: Machine) -> None:
        assert machine.begin("", "a", "r", datetime.now(UTC)).action == "hold"
        machine.state.held.append("a")

    found.session("r2").change(hold)
    found.end("r1")
    assert found.admit() == 1
    assert found.admit() == 0
    woken = "SELECT run_id, task_id FROM workflow_wakeups"
    assert database.run(lambda connection: [tuple(row) for row in connection.execute(text(woken))]) == [("r2", "a")]


def test_i7_each_key_has_its_own_places(database: Database) -> None:
    found = Limited(database, concurrency={"key": CUSTOMER})
    for run_id, customer in (("r1", 1), ("r2", 2), ("r3", 1.0), ("r4", "1")):
        found.start(run_id, customer=customer)
    assert [found.shown(f"r{n}") for n in (1, 2, 3, 4)] == ["running", "running", "queued", "running"]


@pytest.mark.parametrize("customer", [None, "absent"])
def test_i7_a_key_that_is_null_fails_the_instance(database: Database, customer: str | None) -> None:
    found = Limited(database, concurrency={"key": CUSTOMER})
    given = {} if customer == "absent" else {"customer": customer}
    instance = found.start("r1", **given)
    assert instance.error is not None
    assert (instance.status, instance.error["type"]) == ("failed", "ExpressionError")
    assert "input.customer" in instance.error["message"]


@pytest.mark.parametrize(
    ("on_limit", "shown", "error"), [("skip", "cancelled", "Cancelled"), ("fail", "failed", "ConcurrencyLimitExceeded")]
)
def test_i7_over_the_limit_an_instance_ends_without_a_step(
    database: Database, on_limit: str, shown: str, error: str
) -> None:
    found = Limited(database, on_limit=on_limit, onFailure={"action": "continue", "nextStepId": "b"})
    found.start("r1")
    instance = found.start("r2")
    assert instance.error is not None
    assert (instance.display_status, instance.error["type"]) == (shown, error)
    assert instance.error["code"] == "concurrency-limit"
    assert instance.state.steps.to_json() == {}
    found.end("r1")
    assert found.start("r3").display_status == "running"


def test_i7_a_place_is_free_after_each_kind_of_end(database: Database) -> None:
    found = Limited(database)
    for number, end in enumerate(("cancelled", "failed", "row deleted")):
        found.start(f"r{number}")
        waiting = f"w{number}"
        assert found.start(waiting).display_status == "queued"
        wanted = Run("w", f"r{number}").instance_id
        if end == "row deleted":
            with database.begin() as connection:
                connection.execute(text("DELETE FROM workflow_instances WHERE id = :id"), {"id": wanted})
        else:
            _fail(found, f"r{number}", "Cancelled" if end == "cancelled" else "Trouble")
        assert found.admit() == 1, end
        assert found.shown(waiting) == "running", end
        found.end(waiting)


def test_i7_an_end_that_was_stored_without_its_place_frees_it(database: Database) -> None:
    """What counts is the instance's own status, so that no release can be lost."""
    found = Limited(database)
    found.start("r1")
    found.start("r2")
    end = text("UPDATE workflow_instances SET status = 'completed' WHERE run_id = 'r1'")
    database.run(lambda connection: connection.execute(end))
    assert found.admit() == 1
    assert found.running() == {"r2"}


def test_i7_an_instance_that_runs_again_waits_for_a_new_turn(database: Database) -> None:
    found = Limited(database)
    assert found.begin("r1") == "run"
    _fail(found, "r1", "Trouble")
    assert found.start("r2").display_status == "running"
    reopened = found.session("r1").change(
        lambda machine: machine.begin("", "a", "again", datetime.now(UTC), generation=9).action
    )
    assert reopened == "hold"
    assert found.shown("r1") == "queued"
    assert found.admit() == 0
    found.end("r2")
    assert found.admit() == 1
    assert found.begin("r1") == "run"


def test_i7_one_that_is_suspended_while_it_waits_is_passed_over(database: Database) -> None:
    found = Limited(database)
    for name in ("r1", "r2", "r3"):
        found.start(name)
    by = {"id": "u", "name": "U"}
    found.session("r2").change(lambda machine: suspend(machine, by, None, datetime.now(UTC)))
    assert found.shown("r2") == "suspended"
    found.end("r1")
    assert found.admit() == 1
    assert found.running() == {"r3"}
    found.session("r2").change(lambda machine: resume(machine, datetime.now(UTC)))
    assert found.shown("r2") == "queued"
    found.end("r3")
    assert found.admit() == 1
    assert found.running() == {"r2"}


def test_i7_who_waits_is_not_taken_for_one_that_waits_in_vain(database: Database) -> None:
    found = Limited(database)
    found.start("r1")
    second = found.start("r2")
    assert Comparisons(database).suspended([second.id]) == {second.id}


@pytest.mark.parametrize("limit", [1, 3])
def test_i7_eight_starters_at_once_never_exceed_the_limit(database: Database, database_url: str, limit: int) -> None:
    found = Limited(database, limit)
    barrier = Barrier(STARTERS)

    def starter(number: int) -> None:
        with Database(database_url, retry_for=20) as own:
            barrier.wait(60)
            for turn in range(EACH):
                found.session(f"r{number}-{turn}", own).open()

    with ThreadPoolExecutor(STARTERS) as threads:
        list(threads.map(starter, range(STARTERS)))
    every = {f"r{number}-{turn}" for number in range(STARTERS) for turn in range(EACH)}
    assert len(found.running()) == limit
    order = "SELECT run_id FROM workflow_instances JOIN workflow_places ON instance_id = id ORDER BY sequence"
    queue = list(database.run(lambda connection: connection.execute(text(order)).scalars().all()))
    assert set(queue) == every
    ran: list[str] = []
    while running := sorted(found.running(), key=queue.index):
        assert len(running) <= limit
        ran.append(running[0])
        found.end(running[0])
        found.admit()
    assert ran == queue


def test_i7_eight_that_admit_at_once_admit_each_once(database: Database, database_url: str) -> None:
    found = Limited(database, 2)
    names = [f"r{number}" for number in range(10)]
    for name in names:
        found.start(name)
    barrier = Barrier(STARTERS)

    def admitter(_: int) -> int:
        with Database(database_url, retry_for=20) as own:
            context = Services(own, load_settings()).operation_context
            barrier.wait(60)
            return Admitter(context, own).work()

    for round_ in range(5):
        for name in names[2 * round_ : 2 * round_ + 2]:
            found.end(name)
        with ThreadPoolExecutor(STARTERS) as threads:
            admitted = sum(threads.map(admitter, range(STARTERS)))
        expected = names[2 * round_ + 2 : 2 * round_ + 4]
        assert admitted == len(expected)
        assert found.running() == set(expected)


_KILLED = """
import sys
from airflow_workflow_provider.api.services import Services
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.workers.admissions import Admitter
with Database(sys.argv[1]) as database:
    context = Services(database, load_settings()).operation_context
    context.graph_of("w", int(sys.argv[3]))
    admitter = Admitter(context, database)
    (claim,) = admitter._places.free()
    open(sys.argv[2], "w").close()
    admitter._admit_all(claim)
"""


@pytest.mark.parametrize(("place", "admitted"), [("transaction.before-commit", False), ("transaction.committed", True)])
def test_i7_a_process_that_is_killed_while_it_admits_loses_nobody(
    database: Database, database_url: str, tmp_path: Path, place: str, admitted: bool
) -> None:
    found = Limited(database)
    for name in ("r1", "r2", "r3"):
        found.start(name)
    found.end("r1")
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, database_url, str(tmp_path / place), str(found.revision)],
        env={**os.environ, VARIABLE: str(tmp_path)},
        check=False,
        timeout=120,
    )
    assert killed.returncode == -signal.SIGKILL
    assert found.admit() == (0 if admitted else 1)
    assert found.running() == {"r2"}
    found.end("r2")
    found.admit()
    assert found.running() == {"r3"}


def test_i7_the_time_in_the_queue_does_not_count_for_the_timeout(database: Database) -> None:
    found = Limited(database, settings={"timeout": "PT1H"})
    found.start("r1")
    second = found.start("r2")
    found.end("r1")
    assert second.deadline_at is not None
    found.admit()
    later = found.instances.get(second.id).deadline_at
    assert later is not None
    assert later > second.deadline_at


def _fail(found: Limited, run_id: str, kind: str) -> None:
    failure = Failure.named(kind, "it ended")
    found.session(run_id).change(lambda machine: agree_failed(machine, failure, datetime.now(UTC)))
