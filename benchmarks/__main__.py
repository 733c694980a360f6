"""Measure what has to be fast and compare it with what is promised; exit code 1 when a promise is broken.

Times of programs and functions are processor time, so that what else the machine does counts little; where a
database or Airflow answers, it is the time that passes.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Column, Table

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "order-approval.json"
WIDTH = 120


@dataclass(frozen=True)
class Benchmark:
    """One measurement.

    :param name: what is measured
    :param run: does it once and returns the seconds it took, or how many times longer than something else
    :param repeat: how often; the median counts
    :param promise: what ``run`` may return at most; null where nothing is promised
    :param ratio: ``run`` returns a ratio, no seconds
    """

    name: str
    run: Callable[[], float]
    repeat: int
    promise: float | None = None
    ratio: bool = False

    def shown(self, measured: float, digits: int = 1) -> str:
        """What it returned, or its promise, for people."""
        return f"{measured:.2f} times" if self.ratio else f"{1000 * measured:,.{digits}f} ms"


def large_definition(steps: int = 60) -> dict[str, Any]:
    """Return a definition with many steps, a choice after each fifth, and nested branches in the middle."""
    document: dict[str, Any] = {"workflowId": "large", "name": "Large", "version": "1.0.0", "steps": []}
    for number in range(steps):
        step: dict[str, Any] = {"stepId": f"s{number}", "taskId": "set", "arguments": {"number": number}}
        if number % 5 == 0 and number + 2 < steps:
            step["next"] = [
                {"nextStepId": f"s{number + 2}", "condition": "data.number > 1000"},
                {"nextStepId": f"s{number + 1}"},
            ]
        elif number + 1 < steps:
            step["next"] = [{"nextStepId": f"s{number + 1}"}]
        document["steps"].append(step)
    document["steps"][steps // 2]["parallelBranches"] = [
        {"branchId": f"b{branch}", "steps": [{"stepId": f"b{branch}-{each}", "taskId": "noop"} for each in range(3)]}
        for branch in range(3)
    ]
    return document


def program(*arguments: str) -> Callable[[], float]:
    """Measure a Python program from its start to its end."""

    def used() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return children.ru_utime + children.ru_stime

    def run() -> float:
        before = used()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)  # noqa: S603
        return used() - before

    return run


def importing(module: str) -> Callable[[], float]:
    """Measure an import alone, in a fresh interpreter."""
    code = f"import time; began = time.process_time(); import {module}; print(time.process_time() - began)"

    def run() -> float:
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)  # noqa: S603
        return float(done.stdout)

    return run


def timed(function: Callable[[], object]) -> Callable[[], float]:
    """Measure a function in this process."""

    def run() -> float:
        began = time.process_time()
        function()
        return time.process_time() - began

    return run


def benchmarks() -> list[Benchmark]:
    """Return all measurements."""
    from airflow_workflow_provider.model.validate import validate_document
    from airflow_workflow_provider.tasks.catalogue import Catalogue
    from airflow_workflow_provider.testing import WorkflowSimulator
    from benchmarks import events, steps

    simulate = WorkflowSimulator()
    document, large = json.loads(EXAMPLE.read_text()), large_definition()
    order = {"orderId": "1", "amount": 5000, "customer": "Ada"}
    cli = ("-m", "airflow_workflow_provider.cli.main")

    def validate(each: dict[str, Any]) -> Callable[[], object]:
        return lambda: validate_document(each, Catalogue())

    return [
        Benchmark("import the model", importing("airflow_workflow_provider.model.validate"), 5, 0.3),
        Benchmark("import the engine", importing("airflow_workflow_provider.engine.machine"), 5, 0.3),
        Benchmark("command: --version", program(*cli, "--version"), 5, 0.15),
        Benchmark("command: --help", program(*cli, "--help"), 5, 0.15),
        Benchmark("command: validate a file of 50 steps", program(*cli, "validate", str(_written(50))), 5, 0.4),
        Benchmark("check the order approval (5 steps)", timed(validate(document)), 20),
        Benchmark("check a definition of 60 steps and nested branches", timed(validate(large)), 20, 0.5),
        Benchmark("simulate the order approval", timed(lambda: simulate(document, order)), 20),
        Benchmark("simulate 60 steps and nested branches", timed(lambda: simulate(large, {})), 10),
        Benchmark("a step in the engine, the 3rd of 5", steps.step_of(steps.line(5), 2), 20),
        Benchmark("a step in the engine, the 41st of 60", steps.step_of(steps.line(60), 40), 20),
        Benchmark("a step in the engine, the 401st of 500", steps.step_of(steps.line(500), 400), 5),
        Benchmark("a step in the engine, for the 101st of 200 items", steps.step_of(steps.items(200), 101), 10),
        Benchmark("workflows of an event among 10, p95", events.matching(10), 5, 0.005),
        Benchmark("workflows of an event among 1,000, p95", events.matching(1000), 5, 0.005),
        Benchmark("workflows of an event among 10,000, p95", events.matching(10_000), 5, 0.005),
        Benchmark("… how many times longer than among 10", events.matching_among_more(10, 10_000), 5, 2, ratio=True),
        Benchmark("accept 500 events in batches of 100", events.accepting(500, 100, 1), 5, 1.0),
        Benchmark("accept 500 events one by one, 8 senders", events.accepting(500, 1, 8), 5, 1.0),
        Benchmark("accept 500 events one by one, 1 sender", events.accepting(500, 1, 1), 3),
        Benchmark("10,000 events for 10,000 workflows, each start once", events.many_for_many, 1),
        *airflow_benchmarks(document, large),
        *request_benchmarks(),
        *start_benchmarks(),
    ]


def _written(steps: int) -> Path:
    """Write a definition of so many steps for a command."""
    file = ROOT / ".local" / "bench" / f"{steps}-steps.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(large_definition(steps)), encoding="utf-8")
    return file


def airflow_benchmarks(document: dict[str, Any], large: dict[str, Any]) -> list[Benchmark]:
    """Return what Airflow does with a definition: parse its DAG file, serialize the DAG."""
    # Airflow writes its configuration there when it is imported, and sets up the logging of everything in this process.
    os.environ["AIRFLOW_HOME"] = str(ROOT / ".local" / "bench")
    os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "WARNING"
    from airflow.serialization.serialized_objects import DagSerialization

    from airflow_workflow_provider.dag.source import dag_of

    small_text, large_text = json.dumps(document), json.dumps(large)

    def parse(text: str) -> Callable[[], object]:
        return lambda: dag_of(revision=1, definition=text, tasks="[]")

    dag = dag_of(revision=1, definition=large_text, tasks="[]")
    return [
        Benchmark("parse the DAG of the order approval", timed(parse(small_text)), 20),
        Benchmark("parse the DAG of 60 steps and nested branches", timed(parse(large_text)), 10, 0.5),
        Benchmark("serialize the DAG of 60 steps", timed(lambda: DagSerialization.serialize_dag(dag)), 10, 0.5),
    ]


def request_benchmarks() -> list[Benchmark]:
    """Return what it costs that the API evaluates in bounded processes, over HTTP."""
    from benchmarks import requests

    found = []
    for what in ("validate", "simulate", "start", "accept an event"):
        found += [
            Benchmark(f"request: {what}", requests.bounded(what), 1),
            Benchmark("… how much later than without bounded processes", requests.overhead(what), 1, 0.005),
            Benchmark("… how many times more processor time", requests.slower(what), 1, 1.1, ratio=True),
        ]
    return found


def start_benchmarks() -> list[Benchmark]:
    """Return how soon an instance runs, from the request that starts it, beside a DAG."""
    from benchmarks import starting

    names = {"an instance": starting.WORKFLOW, "a hand-written DAG": starting.DAG}
    moments = {"answered": "answered", "started": "its step begins", "completed": "completed"}
    return [
        Benchmark(f"start {what}, until {until}", starting.starting(name, moment), starting.STARTS)
        for moment, until in moments.items()
        for what, name in names.items()
    ] + [Benchmark("… how many times longer than the DAG", starting.slower("completed"), 1, 2, ratio=True)]


def main() -> int:
    """Measure, print a table, and say whether every promise is kept."""
    # Ending it ends what it started, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    numbers = [Column(name, justify="right", no_wrap=True) for name in ("median", "slowest", "promised")]
    table = Table("what", *numbers, box=box.MARKDOWN)
    broken = 0
    for benchmark in track(benchmarks(), "Measuring", transient=True):
        measured = [benchmark.run() for _ in range(benchmark.repeat)]
        median = statistics.median(measured)
        late = benchmark.promise is not None and median > benchmark.promise
        broken += late
        promise = "" if benchmark.promise is None else f"≤ {benchmark.shown(benchmark.promise, 0)}"
        row = (benchmark.shown(median), benchmark.shown(max(measured)), promise)
        table.add_row(benchmark.name, *row, style="bold red" if late else None)
    console = Console()
    # In a file nothing needs to be broken into lines.
    (console if console.is_terminal else Console(width=WIDTH)).print(table)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
