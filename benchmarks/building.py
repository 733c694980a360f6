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
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.definitions import STEPS, document
from benchmarks.machine import about

if TYPE_CHECKING:
    from airflow.sdk import DAG

ROUNDS = 15
DAGS = 40


def _dag_factory(dags: int) -> Callable[[], list[DAG]]:
    """Return a function that has dag-factory read one file of so many DAGs."""
    from dagfactory.dagfactory import _DagFactory  # type: ignore[import-not-found]

    operator = "airflow.providers.standard.operators.bash.BashOperator"
    tasks = {
        f"s{step}": {"operator": operator, "bash_command": f"echo {step}"}
        | ({"dependencies": [f"s{step - 1}"]} if step else {})
        for step in range(STEPS)
    }
    common = {"default_args": {"owner": "a", "start_date": "2027-01-01"}, "schedule": None}
    file = Path(tempfile.mkdtemp(prefix="airflow-workflows-bench-")) / "dags.yaml"
    # JSON is YAML too.
    file.write_text(json.dumps({f"d{each}": {**common, "tasks": tasks} for each in range(dags)}), encoding="utf-8")

    def build() -> list[DAG]:
        found: dict[str, Any] = _DagFactory(str(file)).build_dags()
        return list(found.values())

    return build


def _by_hand(dags: int) -> Callable[[], list[DAG]]:
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
    from airflow_workflow_provider.dag.source import dag_of

    texts = [json.dumps(document(number)) for number in range(dags)]
    return lambda: [dag_of(revision=1, definition=text, tasks="[]", dag_shape=2) for text in texts]


def measure(dags: int) -> dict[str, Any]:
    """Return the milliseconds for each DAG, and how many times longer the others take."""
    sides = {"workflows": _workflows(dags), "dag-factory": _dag_factory(dags), "by hand": _by_hand(dags)}
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
    sys.stdout.write(json.dumps(measure(parser.parse_args().dags) | {"machine": about()}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
