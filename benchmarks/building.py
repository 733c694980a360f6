"""What building a DAG costs, beside dag-factory and a hand-written file, in turn in one process.

``python -m benchmarks.building [DAGS]`` with an interpreter that has ``dag-factory`` as well; it is no dependency of
this package. Each side gets the text of ten steps in a row and returns the DAG; this package also checks the
definition. Times are processor time.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks.definitions import STEPS, document
from benchmarks.machine import about

if TYPE_CHECKING:
    from airflow.sdk import DAG

ROUNDS = 15
DAGS = 40


def _dag_factory(dags: int, folder: Path) -> Callable[[], list[DAG]]:
    """Return a function that has dag-factory read one file of so many DAGs."""
    from dagfactory.dagfactory import _DagFactory  # type: ignore[import-not-found]

    operator = "airflow.providers.standard.operators.bash.BashOperator"
    tasks = {
        f"s{step}": {"operator": operator, "bash_command": f"echo {step}"}
        | ({"dependencies": [f"s{step - 1}"]} if step else {})
        for step in range(STEPS)
    }
    common = {"default_args": {"owner": "a", "start_date": "2027-01-01"}, "schedule": None}
    file = folder / "dags.yaml"
    # JSON is YAML too.
    file.write_text(json.dumps({f"d{each}": {**common, "tasks": tasks} for each in range(dags)}), encoding="utf-8")

    def build() -> list[DAG]:
        found: dict[str, Any] = _DagFactory(str(file)).build_dags()
        return list(found.values())

    return build


def _hand_written(dags: int) -> Callable[[], list[DAG]]:
    from airflow.providers.standard.operators.bash import BashOperator
    from airflow.sdk import DAG

    def one(number: int) -> DAG:
        with DAG(f"h{number}", schedule=None) as dag:
            before = None
            for step in range(STEPS):
                task = BashOperator(task_id=f"s{step}", bash_command=f"echo {step}")
                if before is not None:
                    before >> task
                before = task
        return dag

    return lambda: [one(number) for number in range(dags)]


def _workflows(dags: int) -> Callable[[], list[DAG]]:
    from airflow_workflow_provider.dag.source import dag_from
    from airflow_workflow_provider.engine.graph import DAG_SHAPE
    from airflow_workflow_provider.settings import load_settings

    texts = [json.dumps(document(number)) for number in range(dags)]

    def build() -> list[DAG]:
        # As a file of several workflows is read.
        settings = load_settings()
        return [
            dag_from(json.loads(text), [], revision=1, grants=None, shape=DAG_SHAPE, settings=settings)
            for text in texts
        ]

    return build


def measure(dags: int, folder: Path) -> dict[str, Any]:
    """Return the milliseconds for each DAG, and how many times longer the others take."""
    sides = {
        "workflows": _workflows(dags),
        "dag-factory": _dag_factory(dags, folder),
        "hand-written": _hand_written(dags),
    }
    took: dict[str, list[float]] = {name: [] for name in sides}
    for round_ in range(ROUNDS + 1):
        for name, build in sides.items():
            began = time.process_time()
            built = build()
            spent = 1000 * (time.process_time() - began) / dags
            if len(built) != dags or any(len(dag.tasks) < STEPS for dag in built):
                message = f"{name} has not built {dags} DAGs of {STEPS} tasks"
                raise AssertionError(message)
            if round_:
                took[name].append(spent)
    medians = {name: statistics.median(times) for name, times in took.items()}
    ratios = {
        f"{name}, times as long": round(medians[name] / medians["workflows"], 2)
        for name in sides
        if name != "workflows"
    }
    return {"a DAG (ms)": {name: round(each, 2) for name, each in medians.items()}, **ratios}


def main() -> int:
    """Measure and print JSON."""
    os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "WARNING")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dags", nargs="?", type=int, default=DAGS)
    given = parser.parse_args()
    with TemporaryDirectory(prefix="airflow-workflows-bench-") as folder:
        found = measure(given.dags, Path(folder)) | {"machine": about()}
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
