"""What one durable step costs inside a task, beside DBOS: the same database, the same payload, in turn.

``python -m benchmarks.durable_steps [ROUNDS]`` prints JSON. DBOS is no dependency of this package; install it first, by
``pip install dbos``.
Both sides run a workflow of 20 steps that each pass on a small object; both store each step's result before the next
step begins. What they have stored is checked.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.calls import Call

STEPS = 20
PAYLOAD = {"order": "A-1042", "amount": 129.5, "lines": [{"sku": "kettle", "count": 1}, {"sku": "cup", "count": 4}]}


@contextmanager
def counted() -> Iterator[list[int]]:
    """Count the round trips of psycopg 3: each wait for the server is one."""
    import psycopg
    from psycopg.pq import TransactionStatus

    count, wait = [0], psycopg.Connection.wait

    def counting(self: Any, work: Any, *more: Any, **named: Any) -> Any:
        # What only sets the connection up for later, or ends no transaction, sends nothing.
        idle = self.pgconn.transaction_status == TransactionStatus.IDLE
        silent = work.__name__.startswith("_set_") or (idle and work.__name__ in ("_commit_gen", "_rollback_gen"))
        count[0] += not silent
        return wait(self, work, *more, **named)

    psycopg.Connection.wait = counting  # type: ignore[method-assign,assignment]
    try:
        yield count
    finally:
        psycopg.Connection.wait = wait  # type: ignore[method-assign]


def inline(url: str) -> Callable[[int], None]:
    """Return a run of an inline workflow, from its first step to its last."""
    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.hosts.ending import Ended
    from airflow_workflow_provider.hosts.inline import InlineHost, Left, Region
    from airflow_workflow_provider.instances.session import InstanceSession, Run
    from airflow_workflow_provider.model.validate import parse_definition
    from airflow_workflow_provider.model.ways import ON_FAILURE
    from airflow_workflow_provider.operators.results import RegionResults
    from airflow_workflow_provider.store.database import Database
    from airflow_workflow_provider.store.definitions import Definitions
    from airflow_workflow_provider.store.instances import Instances
    from airflow_workflow_provider.store.migrate import upgrade
    from airflow_workflow_provider.tasks.calls import tasks_of
    from airflow_workflow_provider.tasks.catalogue import Catalogue

    upgrade(url)
    database = Database(url, checked=True)
    document = {
        "workflowId": "steps",
        "name": "Steps",
        "version": "1.0.0",
        "settings": {"execution": "inline"},
        "steps": [
            {"stepId": f"s{each}", "taskId": "set", "arguments": {"number": each, **PAYLOAD}} for each in range(STEPS)
        ],
    }
    definition = parse_definition(document)
    revision = Definitions(database).publish(definition, document).revision
    graph = Graph.of(definition, tasks_of(definition, Catalogue()))
    nodes = frozenset({step.step_id for step in graph.root.steps} | {ON_FAILURE})

    def run_call(call: Call) -> Ended:
        return Ended(output=dict(call.arguments))

    def run(number: int) -> None:
        session = InstanceSession(graph, revision, Run("steps", f"run-{number}"), instances=Instances(database))
        session.change(lambda _: None)
        host = InlineHost(
            Region("", nodes), f"runner-{number}", session.turns(), run_call, session.clock,
            results=RegionResults(session.instance_id),
        )  # fmt: skip
        _check(isinstance(host.run(), Left), "the path has ended")
        stored = Instances(database).get(session.instance_id)
        _check((stored.status, len(stored.state.steps)) == ("completed", STEPS), "every step is stored")
        _check(stored.output == {"number": STEPS - 1, **PAYLOAD}, "the output is stored")

    return run


def dbos(url: str) -> Callable[[int], None]:
    """Return a run of a DBOS workflow of as many steps."""
    library = import_module("dbos")
    DBOS, SetWorkflowID = library.DBOS, library.SetWorkflowID

    DBOS(
        config={
            "name": "steps",
            "system_database_url": url.replace("postgresql://", "postgresql+psycopg://"),
            "log_level": "ERROR",
        }
    )

    def step(number: int) -> dict[str, Any]:
        return {"number": number, **PAYLOAD}

    durable_step = DBOS.step()(step)

    def workflow() -> dict[str, Any]:
        found: dict[str, Any] = {}
        for number in range(STEPS):
            found = durable_step(number)
        return found

    durable = DBOS.workflow()(workflow)
    DBOS.launch()

    def run(number: int) -> None:
        with SetWorkflowID(f"run-{time.time_ns()}-{number}"):
            _check(durable() == {"number": STEPS - 1, **PAYLOAD}, "DBOS gives the output")

    return run


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise AssertionError(what)


def main(rounds: int) -> dict[str, Any]:
    """Run both in turn and return what a step took, in milliseconds, and what it sent."""
    from benchmarks.server import postgres

    with postgres() as (server, folder):
        os.environ["AIRFLOW__WORKFLOWS__SPOOL_FOLDER"] = str(folder / "results")
        os.environ["AIRFLOW_HOME"] = str(folder / "airflow")
        for name in ("workflows", "dbos"):
            server.create_database(name)
        sides = {"inline": inline(server.url("workflows")), "dbos": dbos(server.url("dbos"))}
        took: dict[str, list[float]] = {name: [] for name in sides}
        used: dict[str, list[float]] = {name: [] for name in sides}
        sent: dict[str, float] = {}
        for number in range(rounds + 2):
            for name, run in sides.items():
                with counted() as count:
                    began, processor = time.perf_counter(), time.process_time()
                    run(number)
                    if number > 1:
                        took[name].append((time.perf_counter() - began) * 1000 / STEPS)
                        used[name].append((time.process_time() - processor) * 1000 / STEPS)
                sent[name] = count[0] / STEPS
        import_module("dbos").DBOS.destroy()
    medians = {name: statistics.median(each) for name, each in took.items()}
    return {
        "rounds": rounds,
        "milliseconds a step": {
            name: {"median": round(medians[name], 3), "lowest": round(min(each), 3), "highest": round(max(each), 3)}
            for name, each in took.items()
        },
        "processor milliseconds a step": {name: round(statistics.median(each), 3) for name, each in used.items()},
        "round trips a step": {name: round(each, 2) for name, each in sent.items()},
        "ratio": round(
            statistics.median(ours / theirs for ours, theirs in zip(took["inline"], took["dbos"], strict=True)), 3
        ),
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20), indent=2))
