"""Rule E2 when processes die: nothing is lost and nothing starts twice, wherever they are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.deliveries import Deliveries, Delivery
from airflow_workflow_provider.store.delivering import MAX_KILLS, MAX_LAPSES, run_id_of
from airflow_workflow_provider.store.events import Events, event_row_id
from airflow_workflow_provider.store.tables import workflow_event_deliveries, workflow_events
from tests.support.deliverer_process import RUNS
from tests.support.events import count, due_now, event, many_triggered, triggered

pytestmark = pytest.mark.postgres

ROOT = Path(__file__).parents[3]
KILLED = -signal.SIGKILL

ACCEPT = """
import os, signal, sys
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.events import accept
from tests.support.events import event

def work(connection):
    accept(connection, [event(str(number)) for number in range(5)])
    if sys.argv[1] == "before":
        os.kill(os.getpid(), signal.SIGKILL)

Database(sys.stdin.readline().strip()).run(work)
os.kill(os.getpid(), signal.SIGKILL)
"""


def start(database_url: str, *arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(database_url + "\n")
    process.stdin.close()
    return process


def deliverer(database_url: str, point: str = "never", after: int = 0) -> subprocess.Popen[str]:
    return start(database_url, "-m", "tests.support.deliverer_process", point, str(after))


def runs(database: Database) -> Counter[tuple[str, str]]:
    query = text("SELECT dag_id, run_id, calls FROM runs")
    rows = database.run(lambda connection: connection.execute(query).all())
    return Counter({(row.dag_id, row.run_id): row.calls for row in rows})


def make_runs(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(text(RUNS))


@pytest.mark.parametrize(("point", "kept"), [("before", 0), ("after", 5)])
def test_e2_a_sender_killed_before_and_after_the_commit(
    database_url: str, database: Database, point: str, kept: int
) -> None:
    triggered(database, "order", "order.*")
    assert start(database_url, "-c", ACCEPT, point).wait(60) == KILLED
    assert (count(database, workflow_events), count(database, workflow_event_deliveries)) == (kept, kept)
    accepted = Events(database).accept([event(str(number)) for number in range(5)])
    assert sum(each.created for each in accepted) == 5 - kept
    assert count(database, workflow_event_deliveries) == 5


@pytest.mark.parametrize(("point", "calls"), [("before", 1), ("after", 2)])
def test_e2_a_deliverer_killed_before_and_after_a_start(
    database_url: str, database: Database, point: str, calls: int
) -> None:
    triggered(database, "order", "order.*")
    make_runs(database)
    Events(database).accept([event()])
    assert deliverer(database_url, point, 1).wait(60) == KILLED
    assert Deliveries(database).list()[0].status == "pending"
    until_started(database_url, database, 1)
    # After the start it is asked for again, with the same run id: Airflow answers that the run is there.
    assert runs(database) == {("order", run_id_of(event_row_id("/shop", "1"))): calls}


def until_started(database_url: str, database: Database, expected: int) -> None:
    deadline = time.monotonic() + 120
    while len(Deliveries(database).list(status="started", limit=100_000)) < expected:
        assert time.monotonic() < deadline
        assert deliverer(database_url).wait(120) == 0


@pytest.mark.slow
def test_e2_a_thousand_events_for_a_thousand_definitions_and_deliverers_that_die(
    database_url: str, database: Database
) -> None:
    make_runs(database)
    many_triggered(database, {f"w{number}": f"shop.*.t{number}" for number in range(1000)})
    for first in range(0, 1000, 250):
        batch = [event(str(number), f"shop.x.t{number}") for number in range(first, first + 250)]
        for _ in range(2):
            Events(database).accept(batch)
    for round_ in range(3):
        dying = [deliverer(database_url, point, 40 + 10 * round_) for point in ("before", "after")]
        assert [each.wait(120) for each in dying] == [KILLED, KILLED]
    until_started(database_url, database, 1000)
    expected = {(f"w{number}", run_id_of(event_row_id("/shop", str(number)))) for number in range(1000)}
    found = runs(database)
    assert set(found) == expected
    # Each of the six that died can have left at most one start whose end it did not write down.
    assert sum(found.values()) <= 1000 + 6


def dead_letter(
    database: Database, begin: Callable[[], subprocess.Popen[str]], *, before: Callable[[], None] = lambda: None
) -> tuple[Delivery, Counter[int]]:
    """Run two deliverers, and another for each that ends, until there is a dead letter and 20 runs.

    :param before: done before each look
    :returns: the letter, and how often a deliverer ended with which code
    """
    processes = [begin() for _ in range(2)]
    ends: Counter[int] = Counter()

    def dead() -> Any:
        before()
        for index, process in enumerate(processes):
            if process.poll() is not None:
                ends[process.returncode] += 1
                processes[index] = begin()
        found = Deliveries(database).list(status="dead")
        return found if found and len(runs(database)) == 20 else None

    try:
        (letter,) = poll(dead, seconds=180, what="the dead letter", interval=0.1)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    return letter, ends


def test_e3_two_processes_that_an_event_kills_deliver_all_others(database_url: str, database: Database) -> None:
    """Whatever starts them again stands for a supervisor; the event is a dead letter after some deaths."""
    triggered(database, "order", "order.*")
    triggered(database, "poisoned", "poison.*")
    make_runs(database)
    Events(database).accept([event("p", "poison.made"), *(event(str(number)) for number in range(20))])
    letter, ends = dead_letter(database, lambda: deliverer(database_url, "poison"))
    assert (letter.workflow_id, letter.reason["type"]) == ("poisoned", "WorkerLost")
    assert ends[KILLED] == MAX_LAPSES
    assert {dag_id for dag_id, _ in runs(database)} == {"order"}


@pytest.mark.parametrize(
    ("expression", "seconds", "error_type", "message"),
    [
        ('{"a": xs.($pad("x", 3000000 + $))}', 60, "ExpressionError", "more memory than there is"),
        ('{"a": xs.($split($$.s, ""))}', 1, "LimitExceeded", f"{MAX_KILLS} times"),
    ],
)
def test_e3_two_processes_whose_evaluators_an_event_kills_deliver_all_others(
    database_url: str, database: Database, expression: str, seconds: int, error_type: str, message: str
) -> None:
    triggered(database, "order", "order.*")
    transform = {"type": "jsonata", "expression": expression}
    triggered(database, "poisoned", triggers=[{"eventPattern": "poison.*", "transform": transform}])
    make_runs(database)
    bomb = event("p", "poison.made", data={"xs": list(range(30_000)), "s": "x" * 400_000})
    Events(database).accept([bomb, *(event(str(number)) for number in range(20))])
    letter, ends = dead_letter(
        database,
        lambda: deliverer(database_url, "bounded", seconds),
        before=lambda: due_now(database, leased=False),
    )
    # Only the evaluators were killed: each deliverer went on until nothing was due.
    assert set(ends) <= {0}
    assert (letter.workflow_id, letter.reason["type"]) == ("poisoned", error_type)
    assert message in letter.reason["message"]
    assert runs(database) == {("order", run_id_of(event_row_id("/shop", str(number)))): 1 for number in range(20)}
