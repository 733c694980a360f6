"""The conformance cases: what a definition with given outcomes must lead to, whatever host runs it.

A case is a file ``cases/<rule>_<slug>.json``::

    {"rule": "T4", "title": "No condition holds",
     "definition": {…}, "input": {…}, "event": {…}, "mocks": {…},
     "tasks": [task definitions], "workflows": [definitions that it may run],
     "expect": {"status": "completed", "output": {…}, "error": {…}, "path": […], "steps": {…},
                "data": {…}, "variables": {…}, "log": [event names], "elapsed": "PT3S"},
     "hosts": ["simulate", "airflow"]}

The definition may leave out ``workflowId``, ``name`` and ``version``. What ``expect`` leaves out is not compared:

``error``
    Each key that is given; objects in it likewise.
``path``
    One entry an attempt: ``step``, ``step#visit`` or ``step#visit.attempt``, perhaps with ``[item]``, then ``:status``.
``steps``
    Each step that is given; null for one that has no record.
``refused``
    Codes of the diagnostics with which the definition is refused; such a case is not run.
``warned``
    Codes of the warnings that validation gives.

``hidden``
    Texts that stand nowhere in the execution log, masked as it is stored; ``shown`` lists some that do.

``input``
    Of the host ``event`` only: the input that the event gives.
``deadLetter``
    Of the host ``event`` only: parts of the error with which the event is kept.

``hosts`` says where a case makes sense: ``simulate`` covers every host in memory, ``airflow`` the real one;
``validate`` alone is for definitions that are not run, ``event`` alone for what an event means to a trigger.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.model.definition import WorkflowDefinition
from airflow_workflow_provider.model.durations import parse_duration
from airflow_workflow_provider.model.references import by_reference, is_child_workflow
from airflow_workflow_provider.model.task import TaskDefinition
from airflow_workflow_provider.scenarios.expecting import differs, path_differs
from airflow_workflow_provider.tasks.builtin import BUILTINS
from airflow_workflow_provider.tasks.calls import task_ids, tasks_of
from airflow_workflow_provider.tasks.catalogue import Catalogue
from airflow_workflow_provider.tasks.registry import Registry

Json = dict[str, Any]

FOLDER = Path(__file__).parent / "cases"
START = datetime(2026, 1, 1, tzinfo=UTC)
"""When every run in virtual time begins."""

KEYS = frozenset(
    {"rule", "title", "definition", "input", "event", "mocks", "tasks", "workflows", "options", "expect", "hosts"}
)
EXPECTED = frozenset(
    {
        *("status", "output", "error", "path", "steps", "data", "variables", "log", "elapsed"),
        *("refused", "warned", "input", "deadLetter", "hidden", "shown"),
    }
)
HOSTS = frozenset({"simulate", "airflow", "validate", "event"})


@dataclass(frozen=True)
class Observed:
    """What a run of a case led to, as far as its host can tell; None is not compared.

    :param path: lines ``{"stepId", "visit", "attempt", "status", "item"?}`` in start order
    :param steps: the records of the steps at the end
    :param log: names of the log's events, in order
    :param elapsed: time from start to end
    :param rows: the rows of the log as they are stored, as one text
    """

    status: str
    output: Json | None
    error: Json | None
    path: list[Json] | None = None
    steps: Json | None = None
    data: Json | None = None
    variables: Json | None = None
    log: list[str] | None = None
    elapsed: timedelta | None = None
    rows: str | None = None


@dataclass(frozen=True)
class Case:
    """One case; the fields are the keys of its file."""

    name: str
    rule: str
    title: str
    definition: WorkflowDefinition | None
    document: Json
    expect: Json
    hosts: tuple[str, ...]
    input: Any = field(default_factory=dict)
    event: Json | None = None
    mocks: Json = field(default_factory=dict)
    tasks: tuple[TaskDefinition, ...] = ()
    workflows: Mapping[str, WorkflowDefinition] = field(default_factory=dict)
    options: Json = field(default_factory=dict)

    @cached_property
    def catalogue(self) -> Catalogue:
        """The tasks of the case: its own, and a stand-in for each that is only mocked."""
        known = {task.task_id: task for task in self.tasks}
        definitions = [found for found in (self.definition, *self.workflows.values()) if found is not None]
        for task_id in (task_id for found in definitions for task_id in task_ids(found)):
            if task_id not in BUILTINS and task_id not in known and not is_child_workflow(task_id):
                known[task_id] = TaskDefinition(task_id=task_id, name=task_id, operator="conformance.Scripted")
        return Catalogue(known, registry=Registry(group=None))

    @cached_property
    def graph(self) -> Graph:
        """The graph of the case's definition."""
        if self.definition is None:
            msg = f"case {self.name} is not run"
            raise AssertionError(msg)
        return Graph.of(self.definition, tasks_of(self.definition, self.catalogue))

    def mismatches(self, observed: Observed) -> list[str]:
        """Return how a run differs from what is expected, one sentence a difference."""
        found: list[str] = []
        for key in ("status", "output", "data", "variables", "log"):
            value = getattr(observed, key)
            if key in self.expect and (value is not None or key in ("status", "output")):
                found += differs(key, self.expect[key], value, exact=True)
        if "error" in self.expect:
            found += differs("error", self.expect["error"], observed.error, exact=False)
        elif "status" in self.expect and self.expect["status"] == "completed" and observed.error is not None:
            found.append(f"error: {observed.error}")
        if "path" in self.expect and observed.path is not None:
            found += path_differs(self.expect["path"], observed.path)
        if "steps" in self.expect and observed.steps is not None:
            statuses = {step_id: (observed.steps.get(step_id) or {}).get("status") for step_id in self.expect["steps"]}
            found += differs("steps", self.expect["steps"], statuses, exact=True)
        if "elapsed" in self.expect and observed.elapsed is not None:
            found += differs("elapsed", parse_duration(self.expect["elapsed"]), observed.elapsed, exact=True)
        if observed.rows is not None:
            found += [f"the log has {text!r}" for text in self.expect.get("hidden", ()) if text in observed.rows]
            found += [f"the log lacks {text!r}" for text in self.expect.get("shown", ()) if text not in observed.rows]
        return found


@cache
def load_cases(host: str | None = None) -> tuple[Case, ...]:
    """Return the cases, sorted by name; of one host only those that make sense there."""
    cases = (load_case(file) for file in sorted(FOLDER.glob("*.json")))
    return tuple(case for case in cases if host is None or host in case.hosts)


def load_case(file: Path) -> Case:
    """Return the case that a file holds."""
    try:
        return _case(file.stem, json.loads(file.read_text(encoding="utf-8")))
    except (AssertionError, ValueError) as exc:
        msg = f"{file.name}: {exc}"
        raise AssertionError(msg) from exc


def definition_of(document: Json, workflow_id: str) -> Json:
    """Return a document with what every definition needs and a case may leave out."""
    return {"workflowId": workflow_id, "name": workflow_id, "version": "1.0.0", **document}


def _case(name: str, found: Json) -> Case:
    _refuse_unknown("case", found, KEYS)
    _refuse_unknown("expect", found["expect"], EXPECTED)
    hosts = tuple(found.get("hosts", ["simulate", "airflow"]))
    _refuse_unknown("hosts", hosts, HOSTS)
    if not name.startswith(f"{found['rule'].lower()}_"):
        msg = f"the name starts with the rule: {found['rule'].lower()}_"
        raise AssertionError(msg)
    document = definition_of(found["definition"], name.replace("_", "-"))
    runs = "validate" not in hosts
    workflows = [definition_of(each, each["workflowId"]) for each in found.get("workflows", ())]
    return Case(
        name=name,
        rule=found["rule"],
        title=found["title"],
        definition=_parsed(WorkflowDefinition, document) if runs else None,
        document=document,
        expect=found["expect"],
        hosts=hosts,
        input=found.get("input", {}),
        event=found.get("event"),
        mocks=found.get("mocks", {}),
        tasks=tuple(_parsed(TaskDefinition, each) for each in found.get("tasks", ())),
        workflows=by_reference(_parsed(WorkflowDefinition, each) for each in workflows),
        options=found.get("options", {}),
    )


def _parsed(model: Any, document: Json) -> Any:
    return model.model_validate_json(json.dumps(document))


def _refuse_unknown(what: str, found: Any, known: frozenset[str]) -> None:
    unknown = set(found) - known
    if unknown:
        msg = f"{what} has {sorted(unknown)}; allowed are {sorted(known)}"
        raise AssertionError(msg)
