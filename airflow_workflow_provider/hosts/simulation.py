"""The host that runs a definition in memory, in virtual time, with mocked tasks.

Nothing here knows Airflow, a database or a clock. Branches run simultaneously in virtual time: what takes no time
happens in the order of activation, what waits ends when its time has come.
"""

from __future__ import annotations

import heapq
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_workflow_provider.engine.calls import ActivationRef, Call, Options
from airflow_workflow_provider.engine.events import Event, path_of
from airflow_workflow_provider.engine.failure import Failure, timestamp
from airflow_workflow_provider.engine.inputs import accepted_input
from airflow_workflow_provider.engine.instance_records import InstanceFacts
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.values import unusable_in
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.hosts.outcomes import Outcome
from airflow_workflow_provider.vocabulary import ErrorType

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.documents import Json
    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.engine.state import State


TaskRunner = Callable[[Call, datetime], Outcome]
"""Gives the outcome of a call at a moment; raises what a task would raise."""


@dataclass(frozen=True)
class Simulation:
    """The result of a run in memory.

    :param status: how it ended; ``running`` where it was stopped
    """

    status: str
    output: Json | None
    error: Json | None
    path: list[Json]
    state: Json
    ended_at: datetime = field(repr=False)
    failure: Failure | None = field(repr=False, default=None)
    events: tuple[Event, ...] = field(repr=False, default=())
    """What the execution log would keep at the definition's level (rule L1)."""
    trace: tuple[Event, ...] = field(repr=False, default=())
    """Every event about a step, with the way that it took and nothing else of its data."""
    final: State | None = field(repr=False, default=None)
    """The state at the end, as the engine has it."""
    stopped: str | None = field(repr=False, default=None)
    """Why it ended before the instance did: nobody knew what a call gives."""

    def to_json(self) -> Json:
        """Return the JSON document that the command line prints."""
        return {
            "status": self.status,
            "output": self.output,
            "error": self.error,
            "path": self.path,
            "state": self.state,
        }


def simulate(  # noqa: PLR0913 - each is one fact about a run
    graph: Graph,
    input_data: Any,
    run_task: TaskRunner,
    *,
    now: datetime,
    event: Json | None = None,
    options: Options | None = None,
    instance_id: str | None = None,
    correlation_id: str | None = None,
    watch: Callable[[], None] = lambda: None,
) -> Simulation:
    """Run a definition to its end in memory.

    :param run_task: gives the outcome of each call
    :param now: virtual time at the start
    :param watch: called before each task; what it raises ends the simulation
    """
    definition = graph.definition
    instance = InstanceFacts(
        instance_id or str(uuid.uuid5(uuid.NAMESPACE_OID, f"{definition.workflow_id}/{timestamp(now)}")),
        definition.workflow_id,
        definition.version,
        correlation_id,
    )
    try:
        prepared = accepted_input(definition.input_schema, input_data)
    except StepFailure as exc:
        failure = Failure.from_exception(exc)
        kept = input_data if isinstance(input_data, dict) and not unusable_in(input_data) else {}
        refused = Machine.refused(graph, instance, kept, failure, now=now, event=event)
        return Simulation(refused.status, None, refused.state.error, [], refused.state.public(), now, failure)
    machine = Machine.start(graph, instance, prepared, now=now, event=event, options=options)
    return _Run(machine, run_task, now, watch).to_end()


class _Run:
    """One run of a machine in virtual time."""

    def __init__(self, machine: Machine, run_task: TaskRunner, now: datetime, watch: Callable[[], None]) -> None:
        self._machine = machine
        self._watch = watch
        self._run_task = run_task
        self._now = now
        self._calls = 0
        self._pending: list[tuple[datetime, int, ActivationRef, str, Outcome]] = []
        self._stopped: str | None = None
        machine.log.trace = []

    def to_end(self) -> Simulation:
        machine = self._machine
        while not self._is_over:
            self._begin_ready()
            if not self._is_over:
                self._pass_time()
        state = machine.state
        failed = state.root.failure
        return Simulation(
            machine.status,
            state.output,
            state.error,
            path_of(machine.log.trace or ()),
            state.public(),
            self._now,
            failed.failure if failed is not None else None,
            tuple(machine.drain_events()),
            tuple(machine.log.trace or ()),
            state,
            self._stopped,
        )

    @property
    def _is_over(self) -> bool:
        return self._machine.is_over or self._stopped is not None

    def _begin_ready(self) -> None:
        machine = self._machine
        while self._stopped is None and (ready := machine.ready(self._now)):
            activation = ready[0]
            self._watch()
            self._calls += 1
            runner = str(self._calls)
            machine.begin(activation.scope, activation.step_id, runner, self._now)
            try:
                outcome = self._run_task(machine.prepare(activation.scope, self._now), self._now)
            except Exception as exc:
                outcome = Outcome(failure=Failure.from_exception(exc))
            self._stopped = outcome.unknown
            if self._stopped is not None:
                return
            if outcome.ends_at is not None and outcome.ends_at > self._now:
                heapq.heappush(self._pending, (outcome.ends_at, self._calls, activation, runner, outcome))
            else:
                self._report(activation, runner, outcome)
            self._expire()

    def _report(self, activation: ActivationRef, runner: str, outcome: Outcome) -> None:
        key, step_id = activation.scope, activation.step_id
        if outcome.failure is not None:
            self._machine.fail(key, step_id, runner, outcome.failure, self._now)
        else:
            self._machine.succeed(key, step_id, runner, outcome.output, self._now, kept=outcome.kept)

    def _pass_time(self) -> None:
        """Go to the next moment at which something happens; a call that ends at its deadline has ended in time."""
        timer = self._machine.next_timer()
        moments = [found for found in (timer, self._pending[0][0] if self._pending else None) if found is not None]
        if not moments:
            msg = "an instance that runs has something to wait for"
            raise AssertionError(msg)
        self._now = max(self._now, min(moments))
        while self._pending and self._pending[0][0] <= self._now:
            _, _, activation, runner, outcome = heapq.heappop(self._pending)
            self._report(activation, runner, outcome)
        self._expire()

    def _expire(self) -> None:
        self._machine.expire(self._now)


def child_outcome(result: Simulation, workflow_id: str) -> Outcome:
    """Return what a child instance means to the step that started it (rule P5)."""
    if result.status == "completed":
        return Outcome(output=result.output, ends_at=result.ended_at)
    return Outcome(failure=child_failure(workflow_id, result.error or {}, result.failure), ends_at=result.ended_at)


def child_failure(workflow_id: str, error: Json, cause: Failure | None = None) -> Failure:
    """Return the failure of a step whose child instance failed; the child's error is its cause (rules P2, P5)."""
    cause = cause or Failure.named(
        error.get("type", ErrorType.WORKFLOW_FAILED),
        error.get("message", ""),
        code=error.get("code"),
        details=error.get("details"),
    )
    return Failure(
        ErrorType.BRANCH_FAILED,
        f"Workflow {workflow_id!r} failed: {cause.type}: {cause.message}",
        details={"causes": {workflow_id: error}},
        causes=(cause,),
    )
