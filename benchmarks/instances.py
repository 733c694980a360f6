"""What reading, writing and purging cost where many instances and rows of the log are stored.

Run as ``python -m benchmarks.instances [INSTANCES] [ROWS]``: a PostgreSQL of its own that writes to disk, filled by
SQL. Reads are asked for different instances and workflows in turn; each is what a page, a worker or the API asks.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, redirect_stdout
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import event, func, select

from airflow_workflow_provider.store.causes import Causes
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.filtering import InstanceFilter
from airflow_workflow_provider.store.instances import Instances
from airflow_workflow_provider.store.jsonpath import parse_condition
from airflow_workflow_provider.store.listing import InstanceList
from airflow_workflow_provider.store.logs import LogEntry, Logs
from airflow_workflow_provider.store.migrate import upgrade
from airflow_workflow_provider.store.overview import Overviews
from airflow_workflow_provider.store.retention import Retention
from airflow_workflow_provider.store.tables import workflow_execution_logs
from airflow_workflow_provider.store.views import Views
from benchmarks.machine import about
from benchmarks.server import Client, postgres, serving
from tests.support.many import BEGAN, fill, instance
from tests.support.store import document, new_instance, publish

if TYPE_CHECKING:
    from airflow_workflow_provider.local.postgres import PostgresServer

REPEAT = 200
SELDOM = 10
"""How often what reads all instances is asked for."""

STEPS = 300
REQUESTS = {
    "one instance": "instances/{id}",
    "the page of an instance": "instances/{id}/view",
    "the log of an instance": "instances/{id}/log",
    "list of all": "instances",
    "list of a workflow": "instances?workflowId=rare",
    "list of a status": "instances?status=suspended",
    "list of a correlation id": "instances?correlationId=c{n}",
    "list of a user": "instances?startedBy=user{user}",
    "list of an error": "instances?errorType=Error{kind}",
    "list of a text that few have": "instances?search=C{n}",
    "numbers of a workflow": "instances/summary?workflowId=rare",
    "numbers of all": "instances/summary",
}
"""What the pages ask for."""

OF_ALL = ("list of a text that few have", "numbers of all")

PURGED = 200_000
"""Rows of the log that the purge removes at most, while a writer continues."""


def measure(many: int, rows: int, kept: Path | None = None) -> dict[str, Any]:
    """Return what was measured with so many instances and rows of the log of each, in milliseconds.

    :param kept: folder of a server that stays; one that is there already is not filled again
    """
    is_filled = kept is not None and (kept / "filled").exists()
    with ExitStack() as stack:
        server, folder = stack.enter_context(postgres(kept))
        databases = []
        for name in ("empty", "full"):
            server.create_database(name)
            upgrade(server.url(name))
            databases.append(stack.enter_context(Database(server.url(name), statement_timeout=3600)))
        empty, full = databases
        if not is_filled:
            fill(full, many, rows)
            (folder / "filled").touch()
        return {
            "instances": many,
            "rows of the log": many * rows,
            "reads": _reads(full, many),
            "requests": _requests(server, folder, many),
            "a step": _steps(empty, full),
            "purge": _purge(full, many, rows),
        }


def _reads(database: Database, many: int) -> dict[str, dict[str, float]]:
    chosen = random.Random(7)  # noqa: S311 - the same ones each time
    since = BEGAN + timedelta(minutes=many) - timedelta(days=1)
    pages, logs, views = InstanceList(database), Logs(database), Views(database)

    def one() -> Any:
        return instance(chosen.randrange(1, many))

    def about(text: str) -> InstanceFilter:
        return InstanceFilter(input=[parse_condition(text)])

    reads: dict[str, Callable[[], object]] = {
        "one instance": lambda: Instances(database).get(one()),
        "the mark of an instance": lambda: views.mark(one()),
        "what happened in an instance": lambda: views.happenings(one()),
        "the log of an instance": lambda: logs.read(one()),
        "page of all": pages.page,
        "page of a workflow": lambda: pages.page(InstanceFilter(workflow_id=chosen.choice(["busy", "rare"]))),
        "page of a status": lambda: pages.page(InstanceFilter(statuses=[chosen.choice(["suspended", "completed"])])),
        "page of a correlation id": lambda: pages.page(InstanceFilter(correlation_id=f"c{chosen.randrange(1, many)}")),
        "page of a user": lambda: pages.page(InstanceFilter(started_by=f"user{chosen.randrange(500)}")),
        "page of an error": lambda: pages.page(InstanceFilter(error_type=f"Error{chosen.randrange(3)}")),
        "causes of all failures": lambda: Causes(database).of(),
        "causes of the failures of a day": lambda: Causes(database).of(InstanceFilter(started_from=since)),
        "overview of three workflows": lambda: Overviews(database).of(["busy", "rare", "empty"], since=since),
        "page by input that many have": lambda: pages.page(about("$.amount > 500")),
    }
    found = {what: _summary(database, read, REPEAT) for what, read in reads.items()}
    searched: dict[str, Callable[[], object]] = {
        "page of a text that few have": lambda: pages.page(InstanceFilter(search=f"C{chosen.randrange(1, many)}")),
        "number of all by status": pages.count_by_status,
    }
    found |= {what: _summary(database, read, SELDOM) for what, read in searched.items()}
    found["page by input that few have"] = _summary(
        database, lambda: pages.page(about(f'$.customer.id == "c{chosen.randrange(9_999)}"')), SELDOM
    )
    return found


def _requests(server: PostgresServer, folder: Path, many: int) -> dict[str, dict[str, float]]:
    """Ask the API over HTTP, one request at a time."""
    from tests.support.api import API

    chosen = random.Random(7)  # noqa: S311 - the same ones each time
    with serving(server, folder, "full") as (api, address):
        client = Client(address, API, api.token("admin"))
        found = {}
        for what, path in REQUESTS.items():
            took = []
            for _ in range(SELDOM if what in OF_ALL else REPEAT):
                number = chosen.randrange(1, many)
                words = {"id": instance(number), "n": number, "user": number % 500, "kind": number % 3}
                took.append(1000 * client.get(path.format(**words)))
            found[what] = {
                "median": round(statistics.median(took), 2),
                "p95": round(statistics.quantiles(took, n=20)[-1], 2),
            }
    return found


def _summary(database: Database, read: Callable[[], object], repeat: int) -> dict[str, float]:
    """Return what a read takes here, and what PostgreSQL says that planning and executing its statement take."""
    asked: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if "workflow_" in statement:
            asked.append((statement, parameters))

    took = []
    event.listen(database.engine, "before_cursor_execute", note)
    try:
        for _ in range(repeat):
            began = time.perf_counter()
            read()
            took.append(1000 * (time.perf_counter() - began))
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    inside = []
    with database.engine.connect() as connection:
        for statement, parameters in asked:
            found = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).scalar_one()
            plan = json.loads(found) if isinstance(found, str) else found
            inside.append(plan[0]["Planning Time"] + plan[0]["Execution Time"])
        connection.rollback()
    return {
        "median": round(statistics.median(took), 2),
        "p95": round(statistics.quantiles(took, n=20)[-1], 2),
        "median in PostgreSQL": round(statistics.median(inside), 2),
        "p95 in PostgreSQL": round(statistics.quantiles(inside, n=20)[-1], 2),
    }


def _steps(empty: Database, full: Database) -> dict[str, float]:
    """Store the results of steps in turn in both databases."""
    took: dict[str, list[float]] = {"empty": [], "full": []}
    publish(empty, document(workflow_id="order"))
    publish(full, document(workflow_id="order"))
    opened = {
        name: (Instances(database), Instances(database).open(new_instance()).id)
        for name, database in (("empty", empty), ("full", full))
    }
    for number in range(STEPS):
        for name, (instances, wanted) in opened.items():
            began = time.perf_counter()
            with instances.locked(wanted) as record:
                record.current_step_id = f"s{number % 7}"
                record.log([LogEntry("step.completed", step_id=f"s{number % 7}", scope="", visit=1, attempt=1)])
                record.save()
            took[name].append(1000 * (time.perf_counter() - began))
    medians = {name: statistics.median(times) for name, times in took.items()}
    return {
        "median where it is empty": round(medians["empty"], 2),
        "median where it is full": round(medians["full"], 2),
        "ratio": round(medians["full"] / medians["empty"], 2),
    }


def _purge(database: Database, many: int, rows: int) -> dict[str, float]:
    """Remove the oldest rows, while another thread continues to write."""
    with database.engine.connect() as connection:
        at = workflow_execution_logs.c.at
        oldest = connection.scalar(select(func.min(at)).where(at >= BEGAN))
    latest = oldest + timedelta(minutes=min(PURGED // rows, many))
    instances = Instances(database)
    wanted = instances.open(new_instance("while-purged")).id
    stop, writes = threading.Event(), []

    def write() -> None:
        while not stop.is_set():
            began = time.perf_counter()
            with instances.locked(wanted) as record:
                record.log([LogEntry("step.completed", step_id="a", scope="", visit=1, attempt=1)])
                record.save()
            writes.append(1000 * (time.perf_counter() - began))
            time.sleep(0.01)

    writer = threading.Thread(target=write)
    writer.start()
    began = time.perf_counter()
    try:
        removed = sum(each.rows for each in Retention(database, "P1D").purge(latest + timedelta(days=1)))
        took = time.perf_counter() - began
    finally:
        stop.set()
        writer.join()
    if not removed:
        message = "nothing was purged"
        raise AssertionError(message)
    return {
        "rows": removed,
        "rows a second": round(removed / took),
        "slowest write meanwhile": round(max(writes), 1),
        "median write meanwhile": round(statistics.median(writes), 2),
    }


def main() -> int:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("instances", nargs="?", type=int, default=1_000_000)
    parser.add_argument("rows", nargs="?", type=int, default=10)
    parser.add_argument("--keep", type=Path, help="folder of a server that stays, for another measurement")
    given = parser.parse_args()
    # Airflow writes to standard output too.
    os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "ERROR")
    with redirect_stdout(sys.stderr):
        found = measure(given.instances, given.rows, given.keep) | {"machine": about()}
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
