"""Inline steps in PostgreSQL, turn after turn: what a turn costs, who else changes the instance, and who dies when."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from operator import eq
from typing import Any

import psycopg
import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import text

from airflow_workflow_provider.engine import suspension
from airflow_workflow_provider.engine.calls import Call
from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.hosts.ending import Ended
from airflow_workflow_provider.hosts.inline import (
    ChangedMeanwhile,
    InlineHost,
    Left,
    Region,
    Superseded,
    Waiting,
)
from airflow_workflow_provider.instances.session import InstanceSession
from airflow_workflow_provider.model.ways import ON_FAILURE
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.held import HeldInstance
from airflow_workflow_provider.store.instances import Instances
from airflow_workflow_provider.store.logs import Logs
from airflow_workflow_provider.tasks.calls import tasks_of
from airflow_workflow_provider.tasks.catalogue import Catalogue
from tests.integration.instances.test_session import ledger
from tests.support.documents import step

pytestmark = pytest.mark.postgres

Json = dict[str, Any]

STEPS = 6
RETRY: Json = {"retryPolicy": {"maxAttempts": 50}}


class Killed(BaseException):
    """Stands for SIGKILL."""


@pytest.fixture
def database(database_url: str) -> Database:
    return Database(database_url)


def session_in(database: Database, run_id: str = "r", **more: Any) -> InstanceSession:
    steps = [step(f"s{number}", "set", **RETRY) for number in range(STEPS)]
    session = ledger(database, *steps, run_id=run_id, **more)
    definition = session.graph.definition
    session.graph = Graph.of(definition, tasks_of(definition, Catalogue()))
    session.change(lambda _: None)
    return session


def host_of(session: InstanceSession, runner: str, run: Callable[[Call], Ended]) -> InlineHost:
    nodes = frozenset({each.step_id for each in session.graph.root.steps} | {ON_FAILURE})
    return InlineHost(Region("", nodes, "workflow.steps"), runner, session.turns(), run, session.clock)


def output(call: Call) -> Ended:
    return Ended(output={call.step_id: [None, 1.5, 10**17, "naïve text"], "empty": {}})


@contextmanager
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Note each round trip of psycopg."""
    found: list[str] = []
    wait = psycopg.Connection.wait

    def noting(self: Any, work: Any, *more: Any, **named: Any) -> Any:
        idle = self.pgconn.transaction_status == TransactionStatus.IDLE
        if not work.__name__.startswith("_set_") and not (idle and work.__name__ in ("_commit_gen", "_rollback_gen")):
            found.append(work.__name__)
        return wait(self, work, *more, **named)

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Connection, "wait", noting)
        yield found


def test_a_step_costs_two_round_trips_and_one_commit(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    session = session_in(database)
    trips: list[int] = []
    with sent(monkeypatch) as found:

        def run(call: Call) -> Ended:
            trips.append(len(found))
            return output(call)

        assert isinstance(host_of(session, "host", run).run(), Left)
    assert [after - before for before, after in pairwise(trips)] == [2] * (STEPS - 1)


def test_both_ways_of_writing_leave_the_same_rows(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    log: Json = {"executionLog": {"level": "debug", "metadata": ["order"]}}
    found = {}
    for way in ("plain", "whole"):
        session = session_in(database, way, conf={"order": "A-1"}, **log)
        with monkeypatch.context() as patch:
            if way == "whole":
                patch.setattr("airflow_workflow_provider.store.held.HeldRecord.is_plain", False)
            assert isinstance(host_of(session, "host", output).run(), Left)
        rows = [
            {name: value for name, value in vars(row).items() if name not in ("id", "instance_id", "at")}
            for row in Logs(database).read(session.instance_id)
        ]
        stored = Instances(database).get(session.instance_id)
        found[way] = (
            [(row["event"], row["step_id"], row["visit"], row["attempt"], row["actor"], row["metadata"], row["message"],
              row["level"], row["scope"], _without_times(row["data"])) for row in rows],
            stored.status, stored.output, stored.current_step_id, stored.state.data,
        )  # fmt: skip
    assert found["plain"] == found["whole"]
    assert len(found["plain"][0]) > 2 * STEPS


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        names = ("startedAt", "at", "instanceId", "idempotencyKey")
        return {key: _without_times(each) for key, each in value.items() if key not in names}
    return [_without_times(each) for each in value] if isinstance(value, list) else value


def test_i3_what_others_change_between_two_turns_counts(database: Database) -> None:
    session, other = session_in(database), session_in(database)

    def run(call: Call) -> Ended:
        if call.step_id == "s2":
            other.change(lambda machine: suspension.suspend(machine, {"id": "u", "name": "u"}, None, other.clock()))
        return output(call)

    waiting = host_of(session, "host", run).run()
    assert isinstance(waiting, Waiting)
    assert waiting.held
    stored = Instances(database).get(session.instance_id)
    assert (stored.status, stored.state.steps["s2"].status) == ("suspended", "completed")
    assert "s3" not in stored.state.steps or stored.state.steps["s3"].attempt == 0


def test_a_turn_that_was_overtaken_while_it_waited_for_the_row_is_not_stored(database: Database) -> None:
    session = session_in(database)
    held = HeldInstance(database, session.instance_id, session._new)
    record = held.read()
    with database.begin() as blocker:
        blocker.execute(text("UPDATE workflow_instances SET updated_at = now() WHERE id = :id"), {"id": record.id})
    record.current_step_id = "nowhere"
    with pytest.raises(ChangedMeanwhile):
        held.write(record)
    assert Instances(database).get(session.instance_id).current_step_id == "s0"


def test_of_two_hosts_one_continues(database: Database) -> None:
    session = session_in(database)
    calls: Counter[str] = Counter()
    second: list[Left | Waiting] = []

    def run_second(call: Call) -> Ended:
        calls[f"second {call.step_id}"] += 1
        return output(call)

    def run_first(call: Call) -> Ended:
        calls[f"first {call.step_id}"] += 1
        if call.step_id == "s2":
            # Airflow counts the first as dead, and starts another.
            stop = {"s4"}

            def run(inner: Call) -> Ended:
                if inner.step_id in stop:
                    raise Killed
                return run_second(inner)

            with pytest.raises(Killed):
                host_of(session_in(database), "second", run).run()
        return output(call)

    # Each process has a session of its own.
    with pytest.raises(Superseded):
        host_of(session, "first", run_first).run()
    second.append(host_of(session_in(database), "second again", run_second).run())
    assert isinstance(second[0], Left)
    assert calls == Counter(["first s0", "first s1", "first s2", "second s2", "second s3", "second s4", "second s5"])
    assert Instances(database).get(session.instance_id).status == "completed"


class Faults:
    """Kills the process at some statement: before or after a call's work, before or after a turn is written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: Callable[[int], bool]) -> None:
        self.points = 0
        self.worked: Counter[str] = Counter()
        self._at = at
        read, write = HeldInstance.read, HeldInstance.write

        def reading(held: HeldInstance) -> Any:
            self.point()
            return read(held)

        def writing(held: HeldInstance, record: Any) -> None:
            self.point()
            write(held, record)
            self.point()

        monkeypatch.setattr(HeldInstance, "read", reading)
        monkeypatch.setattr(HeldInstance, "write", writing)

    def point(self) -> None:
        self.points += 1
        if self._at(self.points):
            raise Killed

    def run(self, call: Call) -> Ended:
        self.point()
        self.worked[call.step_id] += 1
        self.point()
        return output(call)


def to_end(session: InstanceSession, faults: Faults, database: Database) -> int:
    """Run to the end with a new host after each kill; check after each that what was stored stands."""
    kills = 0
    stood: dict[str, tuple[Any, int]] = {}
    while True:
        try:
            host = host_of(session, f"host-{kills}", faults.run)
            result: Any = host.run()
            while isinstance(result, Waiting):
                result = host.run()
        except Killed:
            kills += 1
        else:
            return kills
        state = Instances(database).get(session.instance_id).state
        now = {
            name: (record.output, faults.worked[name])
            for name, record in state.steps.items()
            if record.status == "completed"
        }
        # What was stored before the last kill is as it was, and was not done again.
        assert {name: now[name] for name in stood} == stood
        stood = now


def check(session: InstanceSession, database: Database, kills: int, faults: Faults) -> None:
    stored = Instances(database).get(session.instance_id)
    assert stored.status == "completed", stored.error
    assert list(stored.state.steps) == [f"s{number}" for number in range(STEPS)]
    done = Counter(row.step_id for row in Logs(database).read(session.instance_id) if row.event == "step.completed")
    assert done == Counter({f"s{number}": 1 for number in range(STEPS)})
    assert sum(faults.worked.values()) <= STEPS + kills


def test_f6_a_kill_between_any_two_statements_loses_at_most_what_ran(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        undisturbed = Faults(patch, lambda _: False)
        to_end(session_in(database, "undisturbed"), undisturbed, database)
    assert undisturbed.points > 4 * STEPS
    for point in range(1, undisturbed.points + 1):
        session = session_in(database, f"killed-{point}")
        with monkeypatch.context() as patch:
            faults = Faults(patch, partial(eq, point))
            kills = to_end(session, faults, database)
        assert kills == 1
        check(session, database, kills, faults)


@pytest.mark.parametrize("seed", range(5))
def test_f6_random_kills_lose_nothing_that_was_stored(
    database: Database, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311
    left = 10
    session = session_in(database, f"random-{seed}")

    def at(_: int) -> bool:
        nonlocal left
        left -= (hit := left > 0 and chance.random() < 0.25)
        return hit

    with monkeypatch.context() as patch:
        faults = Faults(patch, at)
        kills = to_end(session, faults, database)
    assert kills > 0
    check(session, database, kills, faults)


def test_a_machine_that_failed_in_memory_is_read_again(database: Database) -> None:
    session = session_in(database)
    turn = session.turns()

    def broken(machine: Machine) -> None:
        machine.state.data["half"] = True
        raise RuntimeError

    with pytest.raises(RuntimeError), turn() as machine:
        broken(machine)
    with turn() as machine:
        assert "half" not in machine.state.data
