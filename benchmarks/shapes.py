"""How long a workflow takes in Airflow compared with a careful hand-written DAG of the same shape.

Both run in turn in one Airflow. What counts is a DAG run's own time, from its start to its end. Beside it stand two
numbers that do not depend on what else the machine does: how many processes ran, and how many tasks there were on the
longest way through the run, each of which costs a turn of the scheduler.

    python -m benchmarks.shapes [pairs of runs]
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from airflow_workflow_provider.local.airflow import LocalEnvironment
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions

if TYPE_CHECKING:
    from airflow_workflow_provider.local.client import AirflowClient

Json = dict[str, Any]

PAIRS = 7
SECONDS = 180
ENDED = ("success", "failed")

FAILING: Json = {"taskId": "fail", "arguments": {"type": "Broken", "message": "no"}}


@dataclass(frozen=True)
class Shape:
    """A workflow, and the DAG that does the same.

    :param written: the body of the DAG: it may use ``work``, ``broken``, ``EmptyOperator`` and ``task``
    :param expected: the steps that have completed in the end
    """

    name: str
    target: float
    steps: list[Json]
    written: str
    expected: set[str]
    more: Json = field(default_factory=dict)
    state: str = "success"

    @property
    def workflow(self) -> str:
        """The id of the workflow, and of its DAG."""
        return f"shape_{self.name}"

    @property
    def dag(self) -> str:
        """The id of the hand-written DAG."""
        return f"hand_{self.name}"


def _step(step_id: str, **more: Any) -> Json:
    return {"stepId": step_id, "taskId": "set", "arguments": {"done": step_id}, **more}


def shapes() -> list[Shape]:
    """Return the shapes that are compared."""
    ten = [f"s{number}" for number in range(10)]
    branches = [{"branchId": name, "steps": [_step(f"{name}1"), _step(f"{name}2")]} for name in ("x", "y", "z")]
    return [
        Shape("sequence", 1.0, [_step(name) for name in ten], "chain(*[work(f's{n}') for n in range(10)])", set(ten)),
        Shape(
            "condition",
            0.85,
            [
                _step(
                    "check",
                    next=[{"nextStepId": "big", "condition": "output.done == 'check'"}, {"nextStepId": "small"}],
                ),
                _step("big", next=[{"nextStepId": "merge"}]),
                _step("small"),
                _step("merge"),
            ],
            """
@task.branch
def choose():
    return "big"
chosen = choose()
work("check") >> chosen
chosen >> [work("big"), work("small")] >> work("merge", "none_failed_min_one_success")
""",
            {"check", "big", "merge"},
        ),
        Shape(
            "parallel",
            1.05,
            [_step("start", parallelBranches=branches), _step("done")],
            """
start, join = work("start"), work("join")
for name in "xyz":
    chain(start, work(f"{name}1"), work(f"{name}2"), join)
join >> work("done")
""",
            {"start", "x1", "x2", "y1", "y2", "z1", "z2", "done"},
        ),
        Shape(
            "handler",
            1.05,
            [
                {"stepId": "charge", **FAILING, "onFailure": {"action": "continue", "nextStepId": "refund"}},
                _step("ship", next=[]),
                _step("refund"),
            ],
            """
charge, end = broken("charge"), EmptyOperator(task_id="end", trigger_rule="one_success")
charge >> [work("ship"), work("refund", "one_failed")] >> end
""",
            {"refund"},
        ),
        Shape(
            "saga",
            1.3,
            [
                _step("book", compensation={"taskId": "noop"}),
                _step("pay", compensation={"taskId": "noop"}),
                {"stepId": "ship", **FAILING},
                _step("notify"),
            ],
            """
book, pay, ship = work("book"), work("pay"), broken("ship")
undo_pay, undo_book = work("undo_pay", "one_failed"), work("undo_book", "all_done")
chain(book, pay, ship, undo_pay, undo_book, work("notify"), broken("failed"))
""",
            {"book", "pay", "notify"},
            {"onFailure": {"action": "stop", "compensate": True, "nextStepId": "notify"}},
            "failed",
        ),
    ]


_DAG = """
with DAG("{dag}", schedule=None):
{body}
"""
_HEAD = """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, chain, task


def work(name, rule="all_success"):
    @task(task_id=name, trigger_rule=rule)
    def done():
        return {"done": name}

    return done()


def broken(name):
    @task(task_id=name)
    def fail():
        raise ValueError("no")

    return fail()
"""


@dataclass(frozen=True)
class Ran:
    """A DAG run that has ended.

    :param seconds: from its start to its end
    :param processes: tasks that had a process
    :param turns: tasks on the longest way through what ran
    """

    seconds: float
    processes: int
    turns: int


def measure(pairs: int) -> dict[str, dict[str, list[Ran]]]:
    """Run each shape and its DAG in turn; the first pair only warms up."""
    folder = Path(tempfile.mkdtemp(prefix="airflow-workflows-bench-"))
    folder.chmod(0o711)
    dags = folder / "dags"
    dags.mkdir()
    found = shapes()
    for shape in found:
        body = "\n".join(f"    {line}" for line in shape.written.strip().splitlines())
        (dags / f"{shape.dag}.py").write_text(_HEAD + _DAG.format(dag=shape.dag, body=body))
    environment = LocalEnvironment(folder / "environment", dags_folder=dags)
    ran: dict[str, dict[str, list[Ran]]] = {shape.name: {"workflow": [], "hand-written": []} for shape in found}
    try:
        environment.up()
        with Database(environment.workflows_url()) as database:
            for shape in found:
                document = {
                    "workflowId": shape.workflow, "name": shape.name, "version": "1.0.0", "steps": shape.steps,
                    **shape.more,
                }  # fmt: skip
                Definitions(database).publish(parse_definition(document), document)
        with environment.client() as client:
            for shape in found:
                client.wait_for_dag(shape.workflow, seconds=SECONDS)
                client.wait_for_dag(shape.dag, seconds=SECONDS)
            for number in range(pairs + 1):
                for shape in found:
                    mine, theirs = _workflow(client, shape), _written(client, shape)
                    if number:
                        ran[shape.name]["workflow"].append(mine)
                        ran[shape.name]["hand-written"].append(theirs)
    finally:
        environment.remove()
    return ran


def _workflow(client: AirflowClient, shape: Shape) -> Ran:
    ran, run_id = _run(client, shape.workflow, shape.state)
    listed = client.workflows("GET", "/instances", params={"workflowId": shape.workflow, "limit": 100})["items"]
    instance = next(each for each in listed if each["runId"] == run_id)
    state = client.workflows("GET", f"/instances/{instance['id']}")["state"]
    done = {name for name, record in _steps(state).items() if record["status"] == "completed"}
    _check(done == shape.expected, f"{shape.workflow}: {sorted(done)}")
    return ran


def _steps(state: Json) -> Json:
    return dict(state["steps"])


def _written(client: AirflowClient, shape: Shape) -> Ran:
    return _run(client, shape.dag, shape.state)[0]


def _run(client: AirflowClient, dag_id: str, state: str) -> tuple[Ran, str]:
    started = client.request("POST", f"/dags/{dag_id}/dagRuns", json={"logical_date": None, "conf": {}})
    run_id = started["dag_run_id"]
    run = client.wait_for_run(dag_id, run_id, seconds=SECONDS)
    _check(run["state"] == state, f"{dag_id}: {run['state']}")
    tasks = [each for each in client.task_instances(dag_id, run_id) if each["state"] in ENDED]
    seconds = _moment(run["end_date"]) - _moment(run["start_date"])
    processes = sum(each["pid"] is not None for each in tasks)
    return Ran(seconds, processes, _longest({each["task_id"] for each in tasks}, _edges(client, dag_id))), run_id


@cache
def _known() -> dict[str, dict[str, list[str]]]:
    return {}


def _edges(client: AirflowClient, dag_id: str) -> dict[str, list[str]]:
    known = _known()
    if dag_id not in known:
        tasks = client.request("GET", f"/dags/{dag_id}/tasks")["tasks"]
        known[dag_id] = {each["task_id"]: each["downstream_task_ids"] for each in tasks}
    return known[dag_id]


def _longest(ran: set[str], edges: dict[str, list[str]]) -> int:
    """Return how many of the tasks that ran are on the longest way through them."""

    @cache
    def behind(task_id: str) -> int:
        return 1 + max((behind(each) for each in edges[task_id] if each in ran), default=0)

    return max(behind(each) for each in ran)


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _check(right: bool, found: str) -> None:
    """A wrong answer must not count as a fast one."""
    if not right:
        message = f"what was started did not do its work: {found}"
        raise AssertionError(message)


def main(pairs: int = PAIRS) -> int:
    """Measure, print a table and the figures as JSON; exit code 1 where a target is missed."""
    ran = measure(pairs)
    table = Table("shape", "workflow", "hand-written", "ratio", "target", "processes", "turns", box=box.MARKDOWN)
    missed = 0
    figures: Json = {}
    for shape in shapes():
        mine, theirs = ran[shape.name]["workflow"], ran[shape.name]["hand-written"]
        medians = [statistics.median(each.seconds for each in found) for found in (mine, theirs)]
        ratio = statistics.median(one.seconds / other.seconds for one, other in zip(mine, theirs, strict=True))
        missed += ratio > shape.target
        counts = {name: [getattr(found[0], name) for found in (mine, theirs)] for name in ("processes", "turns")}
        figures[shape.name] = {
            "ratio": round(ratio, 3), "target": shape.target, "medians": [round(each, 3) for each in medians],
            "seconds": [[round(each.seconds, 3) for each in found] for found in (mine, theirs)], **counts,
        }  # fmt: skip
        of = {name: " for ".join(map(str, counts[name])) for name in counts}
        shown = [f"{each:.2f} s" for each in medians]
        table.add_row(
            shape.name, *shown, f"{ratio:.2f}", f"≤ {shape.target:.2f}", of["processes"], of["turns"]
        )  # fmt: skip
    Console(width=120).print(table)
    print(json.dumps(figures))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
