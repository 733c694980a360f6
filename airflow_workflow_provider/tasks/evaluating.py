"""Checks and simulations that the api-server runs in child processes, with JSON values in and out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.bounded.doors import bounded
from airflow_workflow_provider.engine.calls import Options
from airflow_workflow_provider.errors import InvalidDefinition, Misuse
from airflow_workflow_provider.model.definition import RetryPolicy
from airflow_workflow_provider.model.diagnostics import OUTSIDE
from airflow_workflow_provider.model.grants import Needs
from airflow_workflow_provider.model.reach import Policy
from airflow_workflow_provider.model.references import is_child_workflow
from airflow_workflow_provider.model.scenario import Arrival, GivenAnswer
from airflow_workflow_provider.model.validate import parse_definition, parse_task, validate_document, validate_task
from airflow_workflow_provider.tasks.catalogue import Catalogue
from airflow_workflow_provider.tasks.mocks import Simulator
from airflow_workflow_provider.tasks.registry import Registry
from airflow_workflow_provider.tasks.world import World, arrivals
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.model.task import TaskDefinition

Json = dict[str, Any]

MAX_CALLS: Final = 2_000
"""Calls of one simulation."""

MISSING: Final = OUTSIDE
"""Findings that a simulation tolerates: a task that does not exist is mocked, or returns ``{}``."""

MAX_ASKED: Final = 1_000
"""People, roles and groups of one document that a directory is asked for."""


@bounded
def definition_checked(
    document: Any, catalogue: Json, policy: Json, people: list[list[Any]] | None, versions: Json | None
) -> Json:
    """Check a workflow document.

    :param catalogue: what :func:`sent` gives
    :param people: ``[kind, name, known]`` of each user, role and group that was asked for already; None: people are
        not checked
    :param policy: what authors may reach, see :class:`~airflow_workflow_provider.model.reach.Policy`
    :param versions: the versions of each workflow that the document names; None: they are not checked
    :returns: ``valid``, ``diagnostics``, in ``asked`` the ``[kind, name]`` that ``people`` does not have, and in
        ``needs`` the :class:`~airflow_workflow_provider.model.grants.Needs` of a valid one
    """
    known = {(kind, name): found for kind, name, found in people or ()}
    asked: dict[tuple[str, str], None] = {}

    def knows(kind: str, name: str) -> bool | None:
        if (kind, name) not in known and len(asked) < MAX_ASKED:
            asked[kind, name] = None
        return known.get((kind, name))

    tasks = _received(catalogue)
    result = validate_document(
        document,
        tasks,
        policy=Policy.from_json(policy),
        knows=None if people is None else knows,
        versions=None if versions is None else lambda name: versions.get(name, ()),
    )
    found = [each.as_json() for each in result.diagnostics]
    needs = None if result.definition is None else Needs.of(result.definition, tasks.operator_of).to_json()
    return {"valid": result.valid, "diagnostics": found, "asked": [list(each) for each in asked], "needs": needs}


@bounded
def task_checked(document: Any, catalogue: Json, policy: Json) -> Json:
    """Check a task document; returns ``valid`` and ``diagnostics``."""
    result = validate_task(document, policy=Policy.from_json(policy), catalogue=_received(catalogue))
    return {"valid": result.valid, "diagnostics": [each.as_json() for each in result.diagnostics]}


@bounded
def simulated(
    document: Any, about: Json, catalogue: Json, children: Json, options: Json, policy: Json | None = None
) -> Json:
    """Run a definition in memory.

    :param about: ``input``, ``mocks``, ``event``, ``correlationId``, ``now`` as ISO 8601, and ``answers`` and
        ``events`` as scenarios have them
    :param children: documents of the workflows that it may run, by id
    :param options: ``maxOutputBytes``, ``defaultRetry``, and ``seconds`` that the simulation may take
    :param policy: what authors may reach, for a document that is to be checked first; None: it was checked
    :returns: the result's JSON document, with ``warnings``, and the findings of the check in ``diagnostics``;
        these alone for a document that cannot be simulated
    :raises Misuse: a definition cannot be read, a mock is malformed, or the simulation has no end
    """
    budget = _Budget(options["seconds"])
    diagnostics: list[Json] = []
    tasks = _received(catalogue)
    if policy is not None:
        checked = validate_document(document, tasks, policy=Policy.from_json(policy))
        diagnostics = [each.as_json() for each in checked.diagnostics]
        if any(each.code not in MISSING for each in checked.errors):
            return {"diagnostics": diagnostics}
    try:
        definition = parse_definition(document, checked=False)
        workflows = {name: parse_definition(child, checked=False) for name, child in children.items()}
    except InvalidDefinition as error:
        raise Misuse(error.message, code=error.code) from error
    warnings: list[str] = []
    simulator = Simulator(
        catalogue=tasks,
        workflows=workflows,
        warn=warnings.append,
        options=Options(options["maxOutputBytes"], RetryPolicy.model_validate(options["defaultRetry"])),
        watch=budget.spend,
        max_depth=options["maxDepth"],
    )
    now = datetime.fromisoformat(about["now"])
    world = _world(about, now)
    result = simulator.run(
        definition,
        about["input"],
        about["mocks"],
        now=now,
        event=about["event"],
        correlation_id=about["correlationId"],
        world=world,
    )
    warnings += world.problems
    budget.check()
    return {**result.to_json(), "warnings": warnings, "diagnostics": diagnostics}


def _world(about: Json, now: datetime) -> World:
    """Return what reaches the steps of a simulation from outside."""
    answers = {
        step_id: [GivenAnswer.model_validate(each) for each in given] for step_id, given in about["answers"].items()
    }
    return World(arrivals(map(Arrival.model_validate, about["events"]), now), answers)


@bounded
def imported(dialect: str, sources: list[Json]) -> list[Json]:
    """Convert definitions of another workflow system.

    :param dialect: a key of :data:`~airflow_workflow_provider.importing.dialects.DIALECTS`
    :param sources: ``name`` and ``content`` of each
    :returns: the report of each, with the documents in ``workflows`` and ``tasks``
    """
    # Only who imports pays for the readers of other languages.
    from airflow_workflow_provider.tasks.imported import Source, import_all, stem_of

    # What UTF-8 cannot express is a finding of the reader.
    given = [
        Source(each["name"], each["content"].encode("utf-8", "surrogatepass"), stem_of(each["name"]))
        for each in sources
    ]
    return [
        {
            **each.as_json(),
            "workflows": each.conversion.workflows,
            "tasks": list(each.conversion.tasks.values()),
        }
        for each in import_all(dialect, given)
    ]


def sent(
    catalogue: Catalogue, stored: Mapping[str, Json], names: Iterable[str], stored_ids: Callable[[], Iterable[str]]
) -> Json:
    """Return what a child process needs of a catalogue: tasks as documents, for it has no database and no packages.

    :param catalogue: knows the tasks that are registered from Python
    :param stored: documents of the stored tasks that are needed, by id
    :param names: the tasks that are needed
    :param stored_ids: gives the ids of all stored tasks; called if a task is missing, for the finding about it
    """
    missing = False
    tasks: Json = {}
    for name in names:
        found = None if name in stored else catalogue.get(name)
        if name in stored:
            tasks[name] = stored[name]
        elif found is not None:
            tasks[name] = found.model_dump(mode="json", by_alias=True, exclude_unset=True)
        else:
            missing = missing or not is_child_workflow(name)
    more = stored_ids() if missing else ()
    return {"tasks": tasks, "ids": sorted({*catalogue.ids(), *stored, *more})}


class _Received(Catalogue):
    """A catalogue of which only the tasks that are needed came along."""

    def __init__(self, tasks: Mapping[str, TaskDefinition], ids: Iterable[str]) -> None:
        super().__init__(tasks, registry=Registry(group=None))
        self._ids = frozenset(ids)

    def ids(self) -> frozenset[str]:
        """Return every task id that names something."""
        return self._ids

    def operator_of(self, task_id: str) -> str | None:
        """Return the operator behind a task id."""
        task = self.get(task_id)
        return None if task is None else task.operator


def _received(catalogue: Json) -> _Received:
    tasks = {name: _task(json.dumps(document)) for name, document in catalogue["tasks"].items()}
    return _Received({name: task for name, task in tasks.items() if task is not None}, catalogue["ids"])


@lru_cache(maxsize=1024)
def _task(document: str) -> TaskDefinition | None:
    try:
        return parse_task(json.loads(document), checked=False)
    except InvalidDefinition:
        # A broken stored one counts as missing.
        return None


class _Budget:
    """What one simulation may use: a definition can loop, and many people share the api-server."""

    def __init__(self, seconds: float) -> None:
        self._calls = 0
        self._seconds = seconds
        self._ends = time.monotonic() + seconds

    def spend(self) -> None:
        self._calls += 1
        self.check()

    def check(self) -> None:
        if self._calls > MAX_CALLS or time.monotonic() > self._ends:
            message = f"The simulation made more than {MAX_CALLS:,} calls or took more than {self._seconds:g} s"
            raise Misuse(
                message, code=ProblemCode.SIMULATION_TOO_LONG, suggestion="airflow-workflows simulate has no such limit"
            )
