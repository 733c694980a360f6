"""Replays an instance with the recorded results of its tasks, in its own version or in another one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from airflow_workflow_provider.engine.failure import CAUSE, TASK_ERROR, Failure
from airflow_workflow_provider.engine.phases import Kind
from airflow_workflow_provider.engine.secret_texts import MASK
from airflow_workflow_provider.hosts.outcomes import Outcome
from airflow_workflow_provider.scenarios.recording import is_mocked
from airflow_workflow_provider.tasks.mocks import Mocks, SimulatedTasks
from airflow_workflow_provider.views.history import records_of
from airflow_workflow_provider.vocabulary import ErrorType, LogEvent

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_workflow_provider.engine.calls import Call
    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.engine.state import State
    from airflow_workflow_provider.hosts.simulation import Simulation
    from airflow_workflow_provider.model.definition import Step
    from airflow_workflow_provider.scenarios.recording import Ended, Recorded
    from airflow_workflow_provider.tasks.mocks import Simulator
    from airflow_workflow_provider.tasks.world import Inbox

Json = dict[str, Any]

_FAILED: Final = frozenset({LogEvent.STEP_RETRYING, LogEvent.STEP_FAILED})
_UNDOING_FAILED: Final = frozenset({LogEvent.COMPENSATION_RETRYING, LogEvent.COMPENSATION_FAILED})
_MAKING: Final = ("input", "arguments", "output", "assign")
_DECIDES: Final[Mapping[str, tuple[str, ...]]] = {
    ErrorType.EXPRESSION_ERROR: _MAKING,
    ErrorType.VALIDATION_ERROR: _MAKING,
    ErrorType.OUTPUT_ERROR: _MAKING,
    ErrorType.OUTPUT_TOO_LARGE: _MAKING,
    ErrorType.TIMEOUT_ERROR: ("timeout",),
}
"""The failures that a step's own keys lead to, with these keys: after another one nobody knows what the task gave."""


class Attempt(NamedTuple):
    """Names one call of a task."""

    kind: str
    scope: str
    step_id: str
    visit: int
    attempt: int


@dataclass(frozen=True)
class Given:
    """What a call gave.

    :param kept: what the step kept; None where it failed
    :param own: of a step with branches or items, the result of its own task
    :param error: the error object of the failure
    """

    kept: Json | None = None
    own: Json | None = None
    error: Json | None = None


def given_by(graph: Graph, rows: Iterable[Recorded], state: State) -> dict[Attempt, Given]:
    """Return what the calls of an instance gave.

    :param rows: its execution log in order; secrets in it are masked
    :param state: its state at the end, which has the latest visit of each step as it was
    """
    found: dict[Attempt, Given] = {}
    for row in rows:
        if row.step_id is not None and row.visit is not None and row.attempt is not None:
            kind, given = _recorded(row)
            key = Attempt(kind, row.scope, row.step_id, row.visit, row.attempt)
            # What follows the own task of a region is not what that task gave.
            if given is not None and (key not in found or found[key].own is None):
                found[key] = given
    for (scope, step_id), record in records_of(graph, state).items():
        key = Attempt(Kind.STEP, scope, step_id, record.visit, record.attempt)
        known = found.get(key)
        if record.region is not None:
            found[key] = Given(own=record.region.own)
        elif record.output is not None and (known is None or known.own is None):
            found[key] = Given(kept=record.output)
        elif record.error is not None and known is None:
            found[key] = Given(error=record.error)
    log = graph.definition.execution_log
    has_starts = log is None or log.level != "error"
    return {key: given for key, given in found.items() if _is_of_task(graph, key, given, has_starts=has_starts)}


def _is_of_task(graph: Graph, key: Attempt, given: Given, *, has_starts: bool) -> bool:
    """Return whether it is a task that gave this, and not the branches or items of its step.

    :param has_starts: whether the log has what the own task of such a step gave, so that without it that task failed
    """
    is_region = key.kind == Kind.STEP and key.step_id in graph.step_ids and graph.is_region(graph.step(key.step_id))
    return not is_region or given.own is not None or (has_starts and given.error is not None)


def _recorded(row: Recorded) -> tuple[str, Given | None]:
    output, error = _object(row.data.get("output")), _object(row.data.get("error")) or {}
    if row.event == LogEvent.REGION_STARTED:
        return Kind.STEP, Given(own=output or {})
    if row.event == LogEvent.STEP_COMPLETED:
        return Kind.STEP, Given(kept=output or {})
    if row.event in _FAILED:
        # Where the step kept an output, its task was done: what failed is the choice of the next step.
        return Kind.STEP, Given(error=error) if output is None else Given(kept=output)
    if row.event == LogEvent.COMPENSATION_COMPLETED:
        return Kind.COMPENSATION, Given(kept={})
    return Kind.COMPENSATION, Given(error=error) if row.event in _UNDOING_FAILED else None


def _object(value: Any) -> Json | None:
    """Return an object; what was written into a row manually may be anything."""
    return value if isinstance(value, dict) else None


@dataclass
class Record:
    """What the calls of an instance gave, and with what they were made.

    :param graph: of the version that it ran
    :param given: what the calls gave
    :param made: the arguments, the input and the task of each call, as playing that version again gave them
    """

    graph: Graph
    given: Mapping[Attempt, Given]
    made: dict[Attempt, tuple[Any, Any, str]] = field(default_factory=dict)


class ReplayedTasks(SimulatedTasks):
    """The tasks of an instance that is played again: they give what they gave.

    Mocks win; the built-in tasks that a simulation runs do run. What nobody knows stops the simulation.

    :param simulator: has the tasks and the bounds
    :param record: what the calls gave
    :param mocks: outcomes by stepId or taskId that win over the record
    :param graph: of the version that is played
    :ivar notes: what the record is taken for although it may not fit
    """

    def __init__(self, simulator: Simulator, record: Record, mocks: Mapping[str, Any], graph: Graph) -> None:
        super().__init__(simulator, Mocks(mocks, [graph.definition]))
        self._record = record
        self._mocked = frozenset(mocks)
        self.notes: list[str] = []
        self._is_own = graph.definition is record.graph.definition

    def run(self, graph: Graph, call: Call, now: datetime, inbox: Inbox | None = None, *, depth: int = 0) -> Outcome:
        """Return what a call gave."""
        key = Attempt(call.kind, call.scope, call.step_id, call.visit, call.attempt)
        if self._is_own:
            self._record.made[key] = (call.arguments, call.input, call.task_id)
        given = self._record.given.get(key)
        failed = given is not None and given.error is not None
        mocked = call.task_id in self._mocked or (call.kind == Kind.STEP and call.step_id in self._mocked)
        if mocked or not is_mocked(graph, call.task_id, failed=failed):
            return super().run(graph, call, now, inbox, depth=depth)
        if given is None:
            return _unknown(key, "the instance has no result of this call")
        return self._outcome(graph, call, key, given)

    def _outcome(self, graph: Graph, call: Call, key: Attempt, given: Given) -> Outcome:
        if call.step_id not in self._record.graph.step_ids:
            return _unknown(key, "the version that ran has no such step")
        before, after = self._record.graph.step(call.step_id), graph.step(call.step_id)
        *_, task_id = self._record.made.get(key, (_task_of(before, call.kind),))
        if task_id != call.task_id:
            return _unknown(key, f"the instance ran task {task_id!r}, and nobody knows what {call.task_id!r} gives")
        self._note(graph, call, key)
        if given.error is not None:
            return _failed(key, given.error, before, after)
        if call.kind == Kind.COMPENSATION:
            return Outcome(output={})
        return _succeeded(key, given, before, after, is_region=graph.is_region(after))

    def _note(self, graph: Graph, call: Call, key: Attempt) -> None:
        """Note where a call is another one than that of which the result is taken."""
        if self._is_own:
            return
        arguments, given, _ = self._record.made.get(key, (call.arguments, call.input, call.task_id))
        different = [
            what
            for what, was, now in (
                ("other arguments", arguments, call.arguments),
                ("another input", given, call.input),
                ("another task definition", self._record.graph.tasks.get(call.task_id), graph.tasks.get(call.task_id)),
            )
            if was != now
        ]
        if _is_masked(self._record.given[key]):
            self.notes.append(f"{name_of(key)}: the recorded result has masked values; what reads them may differ")
        if different:
            self.notes.append(f"{name_of(key)} has {' and '.join(different)}; the recorded result is taken anyway")


def _failed(key: Attempt, error: Json, before: Step, after: Step) -> Outcome:
    error_type = str(error.get("type"))
    for name in _DECIDES.get(error_type, ()):
        if getattr(before, name) != getattr(after, name):
            return _unknown(key, f"it failed with {error_type}, and {name!r} of the step has changed since")
    return Outcome(failure=failure_of(error))


def _succeeded(key: Attempt, given: Given, before: Step, after: Step, *, is_region: bool) -> Outcome:
    if given.own is not None:
        return Outcome(output=given.own)
    if before.output is None:
        return Outcome(output=given.kept)
    if before.output == after.output and not is_region:
        return Outcome(output=given.kept, kept=True)
    return _unknown(key, "'output' of the step has changed since, and the task's own result was not recorded")


def _unknown(key: Attempt, why: str) -> Outcome:
    return Outcome(unknown=f"{name_of(key)}: {why}")


def _is_masked(given: Given) -> bool:
    return any(MASK in json.dumps(each) for each in (given.kept, given.own, given.error) if each)


def _task_of(step: Step, kind: str) -> str | None:
    if kind == Kind.STEP:
        return step.task_name
    return step.compensation.task_id if step.compensation is not None else None


def name_of(key: Attempt) -> str:
    """Return how messages call an attempt."""
    place = f" in {key.scope}" if key.scope else ""
    undoing = "compensation of " if key.kind == Kind.COMPENSATION else ""
    return f"{undoing}{key.step_id}#{key.visit}.{key.attempt}{place}"


def failure_of(error: Mapping[str, Any]) -> Failure:
    """Return the failure that an error object stands for, with the failures of a child workflow that led to it."""
    details = {key: value for key, value in (_object(error.get("details")) or {}).items() if key != CAUSE}
    led = [each for each in (_object(details.get("causes")) or {}).values() if isinstance(each, dict)]
    code = error.get("code")
    failure = Failure.named(
        str(error.get("type") or TASK_ERROR),
        str(error.get("message") or ""),
        code=code if isinstance(code, str) else None,
        details=details,
    )
    return Failure(
        failure.type, failure.message, failure.code, failure.details, failure.kinds, tuple(map(failure_of, led))
    )


def play(
    simulator: Simulator, record: Record, graph: Graph, ended: Ended, *, given: Json, mocks: Mapping[str, Any]
) -> tuple[Simulation, list[str]]:
    """Play an instance again.

    :param graph: of the version that is played; that of the record first, so that its calls are known
    :param given: the input
    :param mocks: outcomes that win over the record
    :return: what it leads to, and what was taken for granted
    """
    tasks = ReplayedTasks(simulator, record, mocks, graph)
    facts = ended.state.instance
    ran = tasks.start(
        graph.definition,
        given,
        ended.started_at,
        event=ended.event,
        correlation_id=facts.correlation_id,
        instance_id=facts.id,
    )
    return ran, tasks.notes
