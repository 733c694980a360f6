"""How long Airflow needs to know many workflows, and one that changes among them.

Run as ``python -m benchmarks.definitions [NUMBER]``: PostgreSQL and a dag-processor of its own, whose processor time
is counted with that of its children, so that other load on the machine counts little.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, insert, text

from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.local.configuration import Layout, Secrets, airflow_variables, process_environment
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.migrate import upgrade
from airflow_workflow_provider.store.tables import workflow_definition_versions, workflow_definitions
from benchmarks.machine import about
from benchmarks.server import postgres

STEPS = 10
CHANGES = 10
SECONDS = 3600
IDLE_SECONDS = 20
TICKS = os.sysconf("SC_CLK_TCK")
BUNDLE = "workflows"
REFRESHES = 200
REFRESHING = """
import json, statistics, sys, time
from airflow.dag_processing.bundles.manager import DagBundlesManager
from sqlalchemy import event
from sqlalchemy.engine import Engine

bundle = DagBundlesManager().get_bundle(sys.argv[1])
bundle.initialize()
bundle.refresh()
took, asked = [], []
event.listen(Engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
for _ in range(int(sys.argv[2])):
    began = time.perf_counter()
    bundle.refresh()
    took.append(1000 * (time.perf_counter() - began))
p95 = statistics.quantiles(took, n=20)[-1]
found = {"median": statistics.median(took), "p95": p95, "statements": len(asked) / len(took)}
sys.__stderr__.write("\\n" + json.dumps(found))
"""
"""Looks for changes where there are none, with files of its own beside those of the dag-processor."""


def document(number: int, steps: int = STEPS, version: str = "1.0.0") -> dict[str, Any]:
    """Return a definition of so many steps in a row, with an input schema."""
    listed: list[dict[str, Any]] = [
        {
            "stepId": f"s{each}",
            "taskId": "set",
            "arguments": {"n": {"type": "cel", "expression": f"input.number + {each}"}},
        }
        for each in range(steps)
    ]
    for step, following in pairwise(listed):
        step["next"] = [{"nextStepId": following["stepId"]}]
    schema = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}
    name = f"w{number}"
    return {"workflowId": name, "name": name, "version": version, "inputSchema": schema, "steps": listed}


def store(database: Database, number: int) -> None:
    """Store so many definitions, without publishing each."""
    documents = [(revision, document(revision)) for revision in range(1, number + 1)]
    heads = [
        {"workflow_id": d["workflowId"], "name": d["name"], "version": d["version"], "revision": revision}
        | {"steps": d["steps"]}
        for revision, d in documents
    ]
    versions = [
        {"workflow_id": d["workflowId"], "version": d["version"], "revision": revision, "document": d}
        | {"digest": str(revision)}
        for revision, d in documents
    ]
    with database.begin() as connection:
        connection.execute(insert(workflow_definitions), heads)
        connection.execute(insert(workflow_definition_versions), versions)
        connection.execute(text("SELECT setval('workflow_revision_seq', :number)"), {"number": number})


def refreshing(variables: Mapping[str, str], folder: Path) -> dict[str, float]:
    """Return the milliseconds of a look for changes where nothing has changed, and its number of statements."""
    own = {**variables, "AIRFLOW__WORKFLOWS__BUNDLE_FOLDER": str(folder / "refreshed")}
    program = [sys.executable, "-c", REFRESHING, BUNDLE, str(REFRESHES)]
    done = subprocess.run(program, env=own, check=True, capture_output=True, text=True)  # noqa: S603 - ourselves
    found: dict[str, float] = json.loads(done.stderr.splitlines()[-1])
    return found


class DagProcessor:
    """A dag-processor that runs, and what it and its children use."""

    def __init__(self, variables: Mapping[str, str], log: Path) -> None:
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "airflow", "dag-processor"],
                env=dict(variables),
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def computed(self) -> float:
        """Return the seconds of processor time that it and its ended children have used."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / TICKS

    def memory(self) -> float:
        """Return the megabytes that it has resident."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def stop(self) -> None:
        """End it and its children."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()


@contextmanager
def _environment() -> Iterator[tuple[Database, Any, dict[str, str], Path]]:
    """An empty Airflow and workflow database."""
    with ExitStack() as stack:
        server, folder = stack.enter_context(postgres())
        for name in ("airflow", "workflows"):
            server.create_database(name)
        layout = Layout(folder)
        metadata, workflows = server.url("airflow"), server.url("workflows")
        variables = process_environment(
            airflow_variables(layout, Secrets.of(layout), metadata_url=metadata, workflows_url=workflows)
        )
        migrate = [sys.executable, "-m", "airflow", "db", "migrate"]
        subprocess.run(migrate, env=variables, check=True, capture_output=True)  # noqa: S603 - ourselves
        upgrade(workflows)
        engine = create_engine(metadata)
        stack.callback(engine.dispose)
        database = stack.enter_context(Database(workflows))
        yield database, engine, variables, folder


def measure(number: int) -> dict[str, Any]:
    """Return what was measured with so many definitions, times in seconds."""
    with _environment() as (database, engine, variables, folder):
        store(database, number)

        def known() -> int:
            with engine.connect() as connection:
                return int(connection.scalar(text("SELECT count(*) FROM dag WHERE dag_id LIKE 'w%' AND NOT is_stale")))

        def changed(name: str, version: str) -> bool:
            query = text("SELECT 1 FROM dag_tag WHERE dag_id = :name AND name = :tag")
            with engine.connect() as connection:
                return connection.scalar(query, {"name": name, "tag": f"version {version}"}) is not None

        began = time.monotonic()
        processor = DagProcessor(variables, folder / "dag-processor.log")
        try:
            poll(lambda: known() >= number + 1 or None, seconds=SECONDS, what="all to be known", interval=0.2)
            took, computed = time.monotonic() - began, processor.computed()
            before, idle_began = processor.computed(), time.monotonic()
            time.sleep(IDLE_SECONDS)
            idle = (processor.computed() - before) / (time.monotonic() - idle_began)
            changes = []
            for each in range(1, CHANGES + 1):
                newer = document(each * number // CHANGES, version=f"2.0.{each}")
                Definitions(database).publish(parse_definition(newer), newer)
                changed_at = time.monotonic()
                poll(
                    lambda wanted=newer: changed(wanted["workflowId"], wanted["version"]) or None,  # type: ignore[misc]
                    seconds=SECONDS,
                    what="the change to be known",
                    interval=0.02,
                )
                changes.append(time.monotonic() - changed_at)
            return {
                "definitions": number,
                "all known": took,
                "processor time": computed,
                "share of a processor between changes": idle,
                "a look without changes (ms)": refreshing(variables, folder),
                "changed one known": {"median": statistics.median(changes), "slowest": max(changes)},
                "memory of the dag-processor (MiB)": processor.memory(),
            }
        finally:
            processor.stop()


def main() -> int:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("number", nargs="?", type=int, default=10_000)
    sys.stdout.write(json.dumps(measure(parser.parse_args().number) | {"machine": about()}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
