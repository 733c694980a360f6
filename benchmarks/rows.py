"""What a file of many rows costs: reading and writing it, and the loop that runs a step for each row.

``python -m benchmarks.rows [ROWS] [PROCESSED]`` prints JSON. ROWS (1,000,000) are read and written batch by batch. Of
them, the first PROCESSED (10,000) then go through the loop of ``docs/batches.md`` on the inline host, whose state is
serialized after every turn as for PostgreSQL, but stored nowhere: the database adds its round trips. Memory is the
growth of the process between the first tenth and the end.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.calls import Call
    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.engine.machine import Machine
    from airflow_workflow_provider.hosts.ending import Ended

PAGE = Path(__file__).parents[1] / "docs" / "batches.md"
ROWS, PROCESSED, BATCH = 1_000_000, 10_000, 100


def made(file: Path, rows: int) -> str:
    """Write a file of orders and return its address."""
    with file.open("w", encoding="utf-8") as stream:
        for n in range(rows):
            stream.write(f'{{"id": "o-{n}", "price": {n % 100}, "quantity": {n % 7 + 1}}}\n')
    return f"file://{file}"


class Meter:
    """Counts rows, with the processor time and the memory that they take."""

    def __init__(self, rows: int) -> None:
        self._rows, self._done = rows, 0
        self._began, self._early = time.process_time(), 0

    def count(self, rows: int) -> None:
        """Note rows that are done."""
        self._done += rows
        if not self._early and self._done >= self._rows / 10:
            self._early = _peak()

    def result(self) -> dict[str, Any]:
        """Return what was measured."""
        seconds = time.process_time() - self._began
        growth = (_peak() - self._early) / 1024
        return {"rows": self._done, "rows/s": round(self._done / seconds), "growth (MiB)": round(growth, 1)}


def copied(address: str, folder: str, rows: int) -> dict[str, Any]:
    """Measure the tasks alone: read every row, and write it."""
    from airflow_workflow_provider.operators.builtin import STEP_CONTEXT
    from airflow_workflow_provider.operators.files import ReadOperator, WriteOperator
    from airflow_workflow_provider.tasks.registry import StepContext

    meter, place, visit = Meter(rows), None, 0
    while place is not None or not visit:
        visit += 1
        context: Any = {STEP_CONTEXT: StepContext("copy", "save", idempotency_key=f"copy/save/{visit}")}
        arguments = {"file": address, "batch": BATCH, "after": place}
        batch = ReadOperator(task_id="read", arguments=arguments).run(context)
        WriteOperator(task_id="save", arguments={"folder": folder, "items": batch["items"]}).run(context)
        place = batch["next"]
        meter.count(len(batch["items"]))
    return meter.result()


class Loop:
    """The loop of the page on the inline host.

    :param meter: counts the rows that are written
    """

    def __init__(self, graph: Graph, address: str, meter: Meter) -> None:
        from airflow_workflow_provider.engine.instance_records import InstanceFacts
        from airflow_workflow_provider.engine.machine import Machine

        self._graph, self._meter = graph, meter
        facts = InstanceFacts("loop", graph.definition.workflow_id, "1.0.0")
        self._text = json.dumps(Machine.start(graph, facts, {"file": address}, now=datetime.now(UTC)).state.to_json())

    def run(self) -> None:
        """Run it to its end."""
        from airflow_workflow_provider.engine.keys import ROOT
        from airflow_workflow_provider.hosts.inline import InlineHost, Region

        nodes = frozenset(step.step_id for step in self._graph.root.steps)
        InlineHost(Region(ROOT, nodes), "host", self._session, self._call, lambda: datetime.now(UTC)).run()
        status = json.loads(self._text)["status"]
        if status != "completed":
            message = f"the loop has {status}"
            raise SystemExit(message)

    @contextmanager
    def _session(self) -> Iterator[Machine]:
        from airflow_workflow_provider.engine.machine import Machine
        from airflow_workflow_provider.engine.stored_state import read_state

        machine = Machine(self._graph, read_state(json.loads(self._text), "the loop"))
        yield machine
        machine.drain_events()
        self._text = json.dumps(machine.state.to_json())

    def _call(self, call: Call) -> Ended:
        from airflow_workflow_provider.hosts.ending import Ended
        from airflow_workflow_provider.operators.builtin import STEP_CONTEXT, built_in_operator
        from airflow_workflow_provider.tasks.calls import arguments_of
        from airflow_workflow_provider.tasks.registry import StepContext

        task = self._graph.tasks[call.task_id]
        context: Any = {STEP_CONTEXT: StepContext("loop", call.step_id, idempotency_key=call.idempotency_key)}
        operator = built_in_operator(task.operator)(task_id="t", arguments=arguments_of(task, call))
        output = operator.run(context)
        if call.task_id == "write":
            self._meter.count(output["count"])
        return Ended(output)


def looped(address: str, folder: str, rows: int) -> dict[str, Any]:
    """Measure the loop of the page."""
    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.model.definition import WorkflowDefinition
    from airflow_workflow_provider.tasks.calls import tasks_of
    from airflow_workflow_provider.tasks.catalogue import Catalogue

    text = re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    document = json.loads(text)
    document["steps"][0]["arguments"]["batch"] = BATCH
    document["steps"][2]["arguments"]["folder"] = folder
    definition = WorkflowDefinition.model_validate(document)
    meter = Meter(rows)
    Loop(Graph.of(definition, tasks_of(definition, Catalogue())), address, meter).run()
    return meter.result()


def _peak() -> int:
    """Return the largest memory that the process has had, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """Measure and print."""
    import logging

    rows, processed = (int(each) for each in (*sys.argv[1:3], *(str(ROWS), str(PROCESSED))[len(sys.argv[1:3]) :]))
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as name:
        folder = f"file://{name}/out/"
        allowed = {"read": [f"file://{name}/"], "write": [folder]}
        os.environ["AIRFLOW__WORKFLOWS__ALLOWED_FOLDERS"] = json.dumps(allowed)
        found = {"copied": copied(made(Path(name) / "all.jsonl", rows), folder, rows)}
        found["looped"] = looped(made(Path(name) / "some.jsonl", processed), folder, processed)
    print(json.dumps({**found, "batch": BATCH}, indent=2))


if __name__ == "__main__":
    main()
