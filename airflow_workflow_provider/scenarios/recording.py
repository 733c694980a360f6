"""A scenario made from an ended instance: its input, the results of its tasks and its end, with secrets masked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.engine.keys import item_indexes
from airflow_workflow_provider.scenarios.expecting import line_text
from airflow_workflow_provider.views.history import STARTS, Happening, spans_of
from airflow_workflow_provider.vocabulary import COMPENSATIONS, LogEvent

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.engine.masking import Masker
    from airflow_workflow_provider.engine.state import State

Json = dict[str, Any]

RUN_FOR_REAL: Final = frozenset({"noop", "set", "fail", "wait", "event"})
"""Built-in tasks that a simulation runs, so that a scenario needs no outcomes of them."""

_FAILED: Final = frozenset({LogEvent.STEP_RETRYING, LogEvent.STEP_FAILED})


@dataclass(frozen=True)
class Recorded:
    """A row of the execution log."""

    event: str
    at: datetime
    step_id: str | None
    scope: str
    visit: int | None
    attempt: int | None
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Ended:
    """An instance that has ended.

    :param started_at: when it started, which is virtual time in the scenario
    """

    name: str
    status: str
    input: Json
    event: Json | None
    output: Json | None
    error: Json | None
    started_at: datetime
    completed_at: datetime
    state: State


def scenario_of(graph: Graph, ended: Ended, rows: Iterable[Recorded], masker: Masker) -> Json:
    """Return the file of one scenario that repeats an instance.

    :param rows: its execution log in order
    """
    rows = list(rows)
    shown = masker.mask({"input": ended.input, "output": ended.output, "error": ended.error})
    expect: Json = {"status": ended.status, "path": path_lines(graph, ended, rows)}
    if ended.status == "completed":
        expect["output"] = shown["output"]
    elif shown["error"] is not None:
        expect["error"] = {key: shown["error"].get(key) for key in ("type", "stepId") if shown["error"].get(key)}
    scenario: Json = {
        "name": ended.name,
        "start": ended.started_at.isoformat(),
        "input": shown["input"],
        "mocks": _mocks(graph, rows, masker),
        "expect": expect,
    }
    return {"workflow": f"{graph.definition.workflow_id}@{graph.definition.version}", "scenarios": [scenario]}


def without_path(document: Json, state: State) -> Json:
    """Return a scenario that expects the steps that ran, not their order: branches start in another order in time."""
    (scenario,) = document["scenarios"]
    expect = {key: value for key, value in scenario["expect"].items() if key != "path"}
    expect["steps"] = {
        step_id: str(record.status)
        for step_id, record in state.steps.items()
        if str(record.status) in ("completed", "failed")
    }
    return {**document, "scenarios": [{**scenario, "expect": expect}]}


def path_lines(graph: Graph, ended: Ended, rows: Iterable[Recorded]) -> list[str]:
    """Return the path that an instance took, a line an attempt in the order in which they started."""
    happenings = [
        Happening(row.at, row.event, row.step_id, row.scope, row.visit, row.attempt or 0)
        for row in rows
        if row.step_id is not None and row.visit is not None
    ]
    lines = []
    for span in spans_of(graph, happenings, ended.state, ended.completed_at):
        if span.kind == "step":
            indexes = item_indexes(span.scope)
            item = {"item": indexes} if indexes else {}
            line = {"stepId": span.step_id, "visit": span.visit, "attempt": span.attempt, "status": span.status, **item}
            lines.append(line_text(line))
    return lines


def _mocks(graph: Graph, rows: Collection[Recorded], masker: Masker) -> Json:
    """Return the outcomes of the tasks that a simulation cannot run, in the order in which their attempts started."""
    started: dict[tuple[str, str, int | None, int | None], int] = {}
    outcomes: dict[tuple[str, str, int | None, int | None], Json] = {}
    mocks: dict[str, list[Json]] = {}
    # A task that cannot fail in memory did so where it ran: its worker was lost, or its time was over.
    failed = {row.step_id for row in rows if row.event in _FAILED}
    for number, row in enumerate(rows):
        if row.step_id is None or row.step_id not in graph.step_ids:
            continue
        step = graph.step(row.step_id)
        if row.event in COMPENSATIONS:
            undoing = step.compensation.task_id if step.compensation is not None else None
            if undoing is not None and is_mocked(graph, undoing):
                mocks[undoing] = [{"output": {}}]
            continue
        if not any(is_mocked(graph, task_id, failed=row.step_id in failed) for task_id in step.task_ids):
            continue
        key = (row.step_id, row.scope, row.visit, row.attempt)
        if row.event in STARTS or key not in started:
            started.setdefault(key, number)
        if graph.is_region(step):
            outcomes[key] = {"output": {}}
        elif row.event == LogEvent.STEP_COMPLETED:
            outcomes[key] = {"kept": masker.mask({"output": row.data.get("output") or {}})["output"]}
        elif row.event in _FAILED:
            outcomes[key] = {"error": _error(masker.mask({"error": row.data.get("error") or {}})["error"])}
    for key in sorted(outcomes, key=started.__getitem__):
        mocks.setdefault(key[0], []).append(outcomes[key])
    return mocks


def is_mocked(graph: Graph, task_id: str, *, failed: bool = False) -> bool:
    """Return whether a simulation has to take what a task gave from the record, rather than run it.

    :param failed: whether it failed where it ran
    """
    task = graph.tasks.get(task_id)
    if task is None or task.operator not in RUN_FOR_REAL:
        return True
    return failed and task.operator != "fail"


def _error(error: Mapping[str, Any]) -> Json:
    return {key: error[key] for key in ("type", "code", "message") if isinstance(error.get(key), str)}
