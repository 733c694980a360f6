"""The two hosts in memory, driven alike: by mocked tasks, in virtual time."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from airflow_workflow_provider.engine.calls import ActivationRef, Call, Options
from airflow_workflow_provider.engine.events import Event, path_of
from airflow_workflow_provider.engine.failure import Failure, timestamp
from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.engine.inputs import accepted_input
from airflow_workflow_provider.engine.instance_records import InstanceFacts
from airflow_workflow_provider.engine.keys import ROOT
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.masking import Masker
from airflow_workflow_provider.engine.state import State
from airflow_workflow_provider.engine.stored_state import read_state
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.hosts.ending import Ended, Parked
from airflow_workflow_provider.hosts.inline import InlineHost, Left, Region, Waiting
from airflow_workflow_provider.hosts.outcomes import Outcome
from airflow_workflow_provider.hosts.simulation import Simulation, simulate
from airflow_workflow_provider.hosts.threads import Keep, Reported
from airflow_workflow_provider.model.definition import Step
from airflow_workflow_provider.model.ways import ON_FAILURE
from airflow_workflow_provider.store.journal import entries
from airflow_workflow_provider.tasks.mocks import Mocks, SimulatedTasks, Simulator
from airflow_workflow_provider.vocabulary import ErrorType
from tests.conformance.cases import START, Case, Json, Observed
from tests.support.stored import check_stored_state

TaskRunner = Callable[[Call, datetime], Outcome]
_CONTAINERS: Final = (dict, list)
INSTANCE: Json = {"id": "00000000-0000-5000-8000-000000000001", "version": "1.0.0", "correlationId": "order-7"}


class Killed(Exception):
    """Stands for SIGKILL: the host runs nothing of its own any more."""


def tasks_of(case: Case) -> TaskRunner:
    """Return the tasks of a case, their mocks unused."""
    simulator = Simulator(case.catalogue, case.workflows, options=options_of(case))
    known = [found for found in (case.definition, *case.workflows.values()) if found is not None]
    tasks, graph = SimulatedTasks(simulator, Mocks(case.mocks, known)), case.graph
    return lambda call, now: tasks.run(graph, call, now)


def options_of(case: Case) -> Options:
    """Return the engine's options of a case."""
    return Options(**case.options)


def run_simulated(case: Case, run_task: TaskRunner | None = None) -> Observed:
    """Run a case on ``simulate``."""
    result = simulate_case(case, run_task or tasks_of(case))
    return Observed(
        result.status,
        result.output,
        result.error,
        result.path,
        result.state["steps"],
        result.state["data"],
        result.state["variables"],
        [event.name for event in result.events],
        result.ended_at - START,
        rows_of(case.graph, case.input, result.events),
    )


def rows_of(graph: Graph, input_data: Any, events: Sequence[Event]) -> str:
    """Return the rows of the log for events as they are stored, as one text."""
    rows = entries(events, Masker(graph.definition, input_data), {})
    return json.dumps([(row.event, row.data) for row in rows], ensure_ascii=False)


def simulate_case(case: Case, run_task: TaskRunner) -> Simulation:
    """Return the simulation of a case."""
    return simulate(
        case.graph,
        case.input,
        run_task,
        now=START,
        event=case.event,
        options=options_of(case),
        instance_id=INSTANCE["id"],
        correlation_id=INSTANCE["correlationId"],
    )


def losing(run_task: TaskRunner, lost: int, *, done: bool) -> TaskRunner:
    """Return tasks whose ``lost``-th call ends as if its worker had died.

    :param done: the task had run when the worker died
    """
    calls = iter(range(10_000_000))

    def run(call: Call, now: datetime) -> Outcome:
        is_lost = next(calls) == lost
        if is_lost and done:
            _quietly(run_task, call, now)
        if is_lost:
            return Outcome(failure=Failure(ErrorType.WORKER_LOST, "The worker that ran this attempt died"))
        return run_task(call, now)

    return run


def _quietly(run_task: TaskRunner, call: Call, now: datetime) -> None:
    try:
        run_task(call, now)
    except Exception:
        return


class Shuffled:
    """Stands for threads: every call may run beside others, and what ends next is drawn by lot."""

    def __init__(self, run: Callable[[Call], Ended | Parked], limit: int, seed: int) -> None:
        self._run = run
        self._limit = limit
        self._lots = random.Random(seed)  # noqa: S311 - a seed makes lots that can be drawn again
        self._started: dict[ActivationRef, tuple[Call, Keep]] = {}
        self.most = 0

    @property
    def running(self) -> Collection[ActivationRef]:
        """The calls that have not ended."""
        return self._started.keys()

    @property
    def free(self) -> int:
        """How many more calls may be started."""
        return self._limit - len(self._started)

    def takes(self, step: Step) -> bool:
        """Take every other step, so that both kinds meet."""
        return sum(step.step_id.encode()) % 2 == 0

    def start(self, activation: ActivationRef, call: Call, keep: Keep) -> None:
        """Note a call."""
        assert activation not in self._started
        self._started[activation] = call, keep
        self.most = max(self.most, len(self._started))

    def ended(self, seconds: float | None) -> list[Reported]:
        """Run one of the calls, whichever."""
        if seconds == 0 and self._lots.random() < 0.5:
            return []
        activation = self._lots.choice(sorted(self._started, key=str))
        call, keep = self._started.pop(activation)
        return [keep(activation, self._run(call))]

    def leave(self, activation: ActivationRef) -> None:
        """Drop a call that nobody waits for."""
        del self._started[activation]


@dataclass
class InlineRun:
    """A run of a whole definition on :class:`InlineHost`, its state stored as PostgreSQL would store it.

    :param run_task: the tasks
    :param restart: a new host after every wait, as when a worker is released
    :param lost: number of the call at which the host is killed; None for none
    :param done: it is killed after the call, before the result is stored
    :param beside: how many calls may run beside each other; 0: none
    :param check: called with the state after every turn
    """

    graph: Graph
    input: Any
    run_task: TaskRunner
    event: Json | None = None
    options: Options | None = None
    restart: bool = False
    lost: int | None = None
    done: bool = False
    beside: int = 0
    check: Callable[[Json], None] = lambda _: None
    now: datetime = START
    calls: int = 0
    trace: list[Event] = field(default_factory=list)
    log: list[Event] = field(default_factory=list)
    _text: str = ""
    _hosts: int = 0
    _outside: dict[str, Outcome] = field(default_factory=dict)

    def to_end(self) -> Observed:
        """Run to the end."""
        definition = self.graph.definition
        try:
            prepared = accepted_input(definition.input_schema, self.input)
        except StepFailure as exc:
            error = Failure.from_exception(exc).error_object(None, None, timestamp(self.now))
            return Observed("failed", None, error, [], {}, dict(self.input), {}, [], self.now - START)
        instance = InstanceFacts(INSTANCE["id"], definition.workflow_id, definition.version, INSTANCE["correlationId"])
        machine = Machine.start(self.graph, instance, prepared, now=self.now, event=self.event, options=self.options)
        self.log += machine.drain_events()
        self._store(machine.state)
        self._go()
        observed = observed_in(read_state(json.loads(self._text), "the case"), self.trace, self.log, self.now)
        return replace(observed, rows=rows_of(self.graph, prepared, self.log))

    def _go(self) -> None:
        host, ended = self._host(), None
        while True:
            try:
                result = host.run(ended)
            except Killed:
                host, ended = self._host(), None
                continue
            if isinstance(result, Left):
                return
            ended = self._pass_time(result)
            if self.restart:
                host = self._host()

    def _host(self) -> InlineHost:
        self._hosts += 1
        nodes = frozenset({step.step_id for step in self.graph.root.steps} | {ON_FAILURE})
        beside = Shuffled(self._run, self.beside, self._hosts + self.beside) if self.beside else None
        name = f"host-{self._hosts}"
        return InlineHost(Region(ROOT, nodes), name, self._session, self._run, lambda: self.now, beside=beside)

    @contextmanager
    def _session(self) -> Iterator[Machine]:
        machine = Machine(self.graph, read_state(json.loads(self._text), "the case"), self.options)
        machine.log.trace = []
        yield machine
        self.trace += machine.log.trace
        self.log += machine.drain_events()
        self._store(machine.state)

    def _store(self, state: State) -> None:
        document = state.to_json()
        stored = as_stored(document)
        self._text = json.dumps(stored, allow_nan=False)
        check_stored_state(stored)
        self.check(document)

    def _run(self, call: Call) -> Ended | Parked:
        number, self.calls = self.calls, self.calls + 1
        if number == self.lost:
            if self.done:
                _quietly(self.run_task, call, self.now)
            raise Killed
        try:
            outcome = self.run_task(call, self.now)
        except Exception as exc:
            return Ended(failure=Failure.from_exception(exc))
        if outcome.ends_at is None or outcome.ends_at <= self.now:
            return Ended(outcome.output, outcome.failure)
        if outcome.failure is None and not outcome.output:
            return Parked(until=outcome.ends_at)
        self._outside[str(number)] = outcome
        return Parked(note={"number": str(number)})

    def _pass_time(self, waiting: Waiting) -> tuple[ActivationRef, Ended] | None:
        """Go to the next moment at which something happens; return the call that ends then, if one does."""
        due = [
            (outcome.ends_at, int(parked.note["number"]), activation, outcome)
            for activation, parked in waiting.calls
            for outcome in [self._outside[parked.note["number"]]]
            if outcome.ends_at is not None
        ]
        first = min(due, key=lambda entry: entry[:2], default=None)
        moments = [found for found in (waiting.until, first[0] if first else None) if found is not None]
        self.now = max(self.now, min(moments))
        if first is None or first[0] > self.now:
            return None
        return first[2], Ended(first[3].output, first[3].failure)


def observed_in(state: State, trace: Sequence[Event], log: Sequence[Event], now: datetime) -> Observed:
    """Return what a stored state, and the events that led to it, tell of a run."""
    public = state.public()
    return Observed(
        state.status.value,
        state.output,
        state.error,
        path_of(trace),
        public["steps"],
        public["data"],
        public["variables"],
        [event.name for event in log],
        now - START,
    )


def run_inline(case: Case, run_task: TaskRunner | None = None, **how: Any) -> Observed:
    """Run a case on the inline host; ``how`` are fields of :class:`InlineRun`."""
    return inline_run(case, run_task, **how).to_end()


def inline_run(case: Case, run_task: TaskRunner | None = None, **how: Any) -> InlineRun:
    """Return a run of a case on the inline host that has not begun."""
    return InlineRun(case.graph, case.input, run_task or tasks_of(case), case.event, options_of(case), **how)


def as_stored(value: Any) -> Any:
    """Return a JSON value as PostgreSQL's JSONB gives it back: the keys of objects in an order of its own."""
    if isinstance(value, dict):
        return {
            key: as_stored(item) if isinstance(item := value[key], _CONTAINERS) else item
            for key in _stored_order(tuple(value))
        }
    if isinstance(value, list):
        return [as_stored(item) if isinstance(item, _CONTAINERS) else item for item in value]
    return value


@lru_cache(maxsize=1024)
def _stored_order(keys: tuple[str, ...]) -> tuple[str, ...]:
    """Return the keys of an object in JSONB's order; most states of thousands of runs have the same ones."""
    return tuple(sorted(keys, key=lambda key: (len(key.encode()), key)))
