"""A host in memory that does what Airflow's scheduler does with a plan: trigger rules, skipping, retries.

It holds the plan and the moves of the operators to the engine's meaning, thousands of definitions a minute; a real
Airflow is too slow for that and is asked about fewer.
"""

from __future__ import annotations

import heapq
import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from airflow_workflow_provider.engine.calls import ActivationRef, Call, Options
from airflow_workflow_provider.engine.events import Event
from airflow_workflow_provider.engine.failure import Failure, moment
from airflow_workflow_provider.engine.graph import DAG_SHAPE, DAG_SHAPE_OF_CATCHES, Graph
from airflow_workflow_provider.engine.instance_records import InstanceFacts
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.migration import continued_in
from airflow_workflow_provider.engine.state import State
from airflow_workflow_provider.engine.stored_state import read_state
from airflow_workflow_provider.hosts.ending import Ended, Kept, Parked
from airflow_workflow_provider.hosts.inline import InlineHost, Left, Region, Waiting
from airflow_workflow_provider.hosts.outcomes import Outcome
from airflow_workflow_provider.operators import outcomes, task_protocol, unexpected
from airflow_workflow_provider.plan.migration import obstacles, tasks_to_begin
from airflow_workflow_provider.plan.nodes import EMPTY, Node
from airflow_workflow_provider.plan.plan import plan_of
from airflow_workflow_provider.vocabulary import ErrorType
from tests.conformance.cases import START, Case, Observed
from tests.conformance.hosts import INSTANCE, TaskRunner, as_stored, observed_in, options_of, tasks_of

DONE = frozenset({"success", "failed", "upstream_failed", "skipped"})
MAX_TASKS = 100_000


@dataclass
class ScheduledRun:
    """A DAG run of a definition.

    :param order: the order in which tasks that may start do start; None for first come, first served
    :param doomed: tasks whose process is killed in the last try that Airflow allows, in the middle of a step's work
    :param lost: probability that the process of a task is killed, with that order's random numbers
    """

    graph: Graph
    input: Any
    run_task: TaskRunner
    options: Options | None = None
    order: random.Random | None = None
    lost: float = 0.0
    doomed: frozenset[str] = frozenset()
    retries: int = 30
    now: datetime = START
    trace: list[Event] = field(default_factory=list)
    log: list[Event] = field(default_factory=list)
    states: dict[str, str | None] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    waits: int = 0
    """How often a task was started although no decision led to it yet."""

    _text: str = ""
    _asks_again: dict[str, str] = field(default_factory=dict)
    _events: list[tuple[datetime, int, str, Callable[[], None]]] = field(default_factory=list)
    _sequence: int = 0
    _hosts: dict[str, InlineHost] = field(default_factory=dict)
    _outside: dict[str, Outcome] = field(default_factory=dict)

    def to_end(self) -> Observed:
        """Run to the end."""
        definition = self.graph.definition
        instance = InstanceFacts(INSTANCE["id"], definition.workflow_id, definition.version, INSTANCE["correlationId"])
        machine = Machine.start(self.graph, instance, self.input, now=self.now, options=self.options)
        self.log += machine.drain_events()
        self._store(machine.state)
        self._use(self.graph)
        for _ in range(MAX_TASKS):
            self.between()
            if not self._schedule() and not self._pass_time():
                break
        return self.observed()

    def between(self) -> None:
        """Do what a test wants to be done between two looks of the scheduler."""

    def _use(self, graph: Graph) -> None:
        """Have the run the tasks of a graph; those that it has keep their states."""
        self.graph, self.plan = graph, plan_of(graph)
        self._nodes: dict[str, Node] = {node.task_id: node for node in self.plan.nodes}
        self._after: dict[str, list[str]] = {task_id: [] for task_id in self._nodes}
        self._before: dict[str, list[str]] = {task_id: [] for task_id in self._nodes}
        for edge in self.plan.edges:
            self._after[edge.source].append(edge.target)
            self._before[edge.target].append(edge.source)
        self.states = {task_id: self.states.get(task_id) for task_id in self._nodes}

    def migrate(self, graph: Graph) -> bool:
        """Let the run continue with another version, as the operation does; return whether it does."""
        if "running" in self.states.values():
            return False
        machine = Machine(self.graph, read_state(json.loads(self._text), "the instance"), self.options)
        if machine.is_over or obstacles(machine.state, self.graph, graph):
            return False
        machine = continued_in(machine, graph)
        known = set(self.states)
        self._use(graph)
        begun = tasks_to_begin(machine.state, graph)
        ahead = begun | {each for task in begun for each in self._descendants(task)}
        for task_id in self.states:
            if task_id in ahead:
                self.states[task_id] = None
            elif task_id not in known:
                self.states[task_id] = "skipped"
        self._events = [each for each in self._events if self.states.get(each[2]) is not None]
        heapq.heapify(self._events)
        self._store(machine.state)
        return True

    @property
    def run_state(self) -> str:
        """The DAG run's state: that of its only leaf."""
        unfinished = {task_id: state for task_id, state in self.states.items() if state not in DONE}
        if unfinished:
            return f"deadlock: {unfinished}"
        (leaf,) = (task_id for task_id, following in self._after.items() if not following)
        return "failed" if self.states[leaf] in ("failed", "upstream_failed") else "success"

    def observed(self) -> Observed:
        """Return what the run has led to so far."""
        return observed_in(read_state(json.loads(self._text), "the instance"), self.trace, self.log, self.now)

    # The scheduler

    def _schedule(self) -> bool:
        """Start one task that may start; return whether anything changed."""
        ready = []
        for task_id, state in self.states.items():
            if state is None:
                verdict = self._verdict(task_id)
                if verdict == "run":
                    ready.append(task_id)
                elif verdict is not None:
                    self.states[task_id] = verdict
                    return True
        if not ready:
            return False
        self._start(ready[0] if self.order is None else self.order.choice(ready))
        return True

    def _verdict(self, task_id: str) -> str | None:
        """Return what the trigger rule says: run, a state to set, or wait."""
        found = [self.states[upstream] for upstream in self._before[task_id]]
        if not found:
            return "run"
        done = sum(state in DONE for state in found)
        success, failed = found.count("success"), found.count("failed")
        skipped, upstream_failed = found.count("skipped"), found.count("upstream_failed")
        everything = done == len(found)
        rule = self._nodes[task_id].rule
        if rule == "one_success":
            if everything and skipped == done:
                return "skipped"
            if everything and not success:
                return "upstream_failed"
            return "run" if success else None
        if rule in ("one_failed", "one_done"):
            wanted = failed + (upstream_failed if rule == "one_failed" else success)
            return "run" if wanted else "skipped" if everything else None
        if skipped:
            return "skipped"
        return "run" if everything else None

    def _start(self, task_id: str) -> None:
        node = self._nodes[task_id]
        if node.kind in EMPTY:
            self.states[task_id] = "success"
            return
        self.states[task_id] = "running"
        self.tries[task_id] = self.tries.get(task_id, 0) + 1
        runner = f"{task_id}/{self.tries[task_id]}"
        if task_id in self.doomed:
            if node.kind == "step":
                self.change(lambda machine: task_protocol.begin(machine, node, runner, self.now, 1))
            self.states[task_id] = "failed"
        elif self._is_killed():
            self._killed(node)
        elif node.kind == "step":
            begun = self._moved(node, lambda machine: task_protocol.begin(machine, node, runner, self.now, 1))
            self._run_step(node, runner, begun) if isinstance(begun, Call) else self._carry_out(node, begun)
        elif node.kind in ("whole", "inline", "loop", "on_failure"):
            self._enter(node, runner)
        else:
            self._carry_out(node, self._moved(node, lambda machine: self._route(machine, node)))

    def _route(self, machine: Machine, node: Node) -> outcomes.Outcome:
        if node.kind == "catch":
            before = [edge.source for edge in self.plan.edges if edge.target == node.task_id]
            failed = any(self.states[task_id] == "failed" for task_id in before)
            return task_protocol.catch(machine, node, self.now, failed=failed)
        if node.kind == "join":
            return task_protocol.join(machine, node, self.plan.steps_before(node.task_id), self.now)
        if node.kind == "handled":
            return task_protocol.handled(machine, node, self.now)
        return task_protocol.fail(machine)

    def _moved(self, node: Node, work: Callable[[Machine], Any]) -> Any:
        """Do a move as the operators do: what was started without a decision settles what was lost, or waits."""
        done = self.change(work)
        if self.plan.shape == DAG_SHAPE_OF_CATCHES or not isinstance(done, outcomes.Leave | outcomes.Stop):
            return done
        if self.change(lambda machine: unexpected.settle(machine, self.plan, node, self.states, self.now)):
            done = self.change(work)
        if not isinstance(done, outcomes.Leave):
            return done
        later = self.change(lambda machine: unexpected.may_come(machine, self.plan, node, self.states))
        return outcomes.Later() if later else done

    def _is_killed(self) -> bool:
        return self.order is not None and self.order.random() < self.lost

    def _killed(self, node: Node) -> None:
        """The process is gone; Airflow tries again as often as the task's retries allow."""
        again = self.tries[node.task_id] <= self.retries
        self.states[node.task_id] = None if again else "failed"

    def _run_step(self, node: Node, runner: str, call: Call) -> None:
        outcome = self._outcome(call)
        if self._is_killed():
            self._killed(node)
            return
        limits = [limit for limit in (call.deadline, self._instance_deadline()) if limit is not None]
        if outcome.ends_at is not None and limits and outcome.ends_at > min(limits):
            outcome = Outcome(failure=Failure(ErrorType.TIMEOUT_ERROR, "too late"), ends_at=min(limits))
        ended = Ended(outcome.output, outcome.failure)

        def report() -> None:
            kept = Kept(ended, self.now)
            self._carry_out(node, self.change(lambda machine: task_protocol.end(machine, node, call, runner, kept)))

        self._at(outcome.ends_at, node.task_id, report)

    def _outcome(self, call: Call) -> Outcome:
        try:
            return self.run_task(call, self.now)
        except Exception as exc:
            return Outcome(failure=Failure.from_exception(exc))

    def _instance_deadline(self) -> datetime | None:
        state = json.loads(self._text)
        found = state["instance"].get("deadline")
        return moment(found) if found is not None and "failure" not in state else None

    def _carry_out(self, node: Node, outcome: outcomes.Outcome) -> None:
        task_id = node.task_id
        if isinstance(outcome, outcomes.Follow):
            assert set(outcome.tasks) <= set(self._after[task_id]), (task_id, outcome)
            self._skip(node, outcome.tasks)
            self.states[task_id] = "success"
        elif isinstance(outcome, outcomes.Again):
            if self.tries[task_id] > self.retries:
                self.states[task_id] = "failed"
            else:
                self.states[task_id] = "up_for_retry"
                self._at(self.now + outcome.delay, task_id, lambda: self.states.update({task_id: None}))
        elif isinstance(outcome, outcomes.Later):
            self.waits += 1
            self.states[task_id] = "deferred"
            self._asks_again[task_id] = self._text
        elif isinstance(outcome, outcomes.Failed):
            assert outcome.task is None or outcome.task in self._after[task_id], (task_id, outcome)
            self._skip(node, () if outcome.task is None else (outcome.task,), failed=True)
            self.states[task_id] = "failed"
        elif isinstance(outcome, outcomes.Stop):
            if outcome.is_over:
                self._skip(node, (), failed=True)
            self.states[task_id] = "failed"
        else:
            self.states[task_id] = "skipped"

    def _skip(self, node: Node, chosen: tuple[str, ...], *, failed: bool = False) -> None:
        """Skip as Airflow's API does: what runs or has ended is left as it is."""
        if self.plan.shape == DAG_SHAPE_OF_CATCHES:
            if failed:
                return
            kept = {*chosen, *(each for task in chosen for each in self._descendants(task))}
            skipped = [task for task in self._after[node.task_id] if task not in kept]
        else:
            skipped = list(self.plan.skipped(node.task_id, chosen, failed=failed))
        for task in skipped:
            if self.lost == 0 and not self.doomed:
                assert self.states[task] in (None, "skipped"), (node.task_id, task, self.states[task])
            if self.states[task] not in ("running", "success", "failed"):
                self.states[task] = "skipped"

    def _descendants(self, task_id: str) -> set[str]:
        seen: set[str] = set()
        todo = [task_id]
        while todo:
            for following in self._after[todo.pop()]:
                if following not in seen:
                    seen.add(following)
                    todo.append(following)
        return seen

    # Regions

    def _enter(self, node: Node, runner: str) -> None:
        deciders = self.plan.deciders(node.task_id)
        entered = self._moved(node, lambda machine: task_protocol.enter_region(machine, node, deciders, self.now, 1))
        if entered is not None:
            self._carry_out(node, entered)
            return
        region = Region(node.path, frozenset(node.nodes))
        host = InlineHost(region, runner, self._session, self._run_call, lambda: self.now, generation=1)
        self._hosts[node.task_id] = host
        self._continue(node, host, None)

    def _continue(self, node: Node, host: InlineHost, ended: tuple[ActivationRef, Ended] | None) -> None:
        try:
            result = host.run(ended)
        except _Killed:
            self._killed(node)
            return
        if isinstance(result, Left):
            self._carry_out(node, self.change(lambda machine: task_protocol.region_left(machine, node, self.now)))
        else:
            self._wait(node, host, result)

    def _wait(self, node: Node, host: InlineHost, waiting: Waiting) -> None:
        due = [
            (outcome.ends_at, int(parked.note["number"]), activation, outcome)
            for activation, parked in waiting.calls
            for outcome in [self._outside[parked.note["number"]]]
            if outcome.ends_at is not None
        ]
        first = min(due, key=lambda entry: entry[:2], default=None)
        moments = [found for found in (waiting.until, first[0] if first else None) if found is not None]
        until = max(self.now, min(moments))
        ended = None
        if first is not None and first[0] <= until:
            ended = (first[2], Ended(first[3].output, first[3].failure))
        self._at(until, node.task_id, lambda: self._continue(node, host, ended))

    def _run_call(self, call: Call) -> Ended | Parked:
        outcome = self._outcome(call)
        if self._is_killed():
            raise _Killed
        if outcome.ends_at is None or outcome.ends_at <= self.now:
            return Ended(outcome.output, outcome.failure)
        if outcome.failure is None and not outcome.output:
            return Parked(until=outcome.ends_at)
        number = str(len(self._outside))
        self._outside[number] = outcome
        return Parked(note={"number": number})

    # Time and state

    def _at(self, when: datetime | None, task_id: str, work: Callable[[], None]) -> None:
        if when is None or when <= self.now:
            work()
            return
        self._sequence += 1
        heapq.heappush(self._events, (when, self._sequence, task_id, work))

    def _pass_time(self) -> bool:
        for task_id, text in self._asks_again.items():
            if self.states[task_id] == "deferred" and (text != self._text or not self._events):
                self._asks_again[task_id] = self._text
                self.states[task_id] = None
                return True
        if not self._events:
            return False
        when, _, _, work = heapq.heappop(self._events)
        self.now = max(self.now, when)
        work()
        return True

    def change(self, work: Callable[[Machine], Any]) -> Any:
        """Let ``work`` change the stored instance."""
        with self._session() as machine:
            return work(machine)

    @contextmanager
    def _session(self) -> Iterator[Machine]:
        machine = Machine(self.graph, read_state(json.loads(self._text), "the instance"), self.options)
        machine.log.trace = []
        yield machine
        self.trace += machine.log.trace
        self.log += machine.drain_events()
        self._store(machine.state)

    def _store(self, state: State) -> None:
        self._text = json.dumps(as_stored(state.to_json()), allow_nan=False)


class _Killed(Exception):
    """Stands for SIGKILL."""


def scheduled_run(
    case: Case, run_task: TaskRunner | None = None, *, dag_shape: int = DAG_SHAPE, **how: Any
) -> ScheduledRun:
    """Return a DAG run of a case that has not begun; ``how`` are fields of :class:`ScheduledRun`."""
    graph = replace(case.graph, dag_shape=dag_shape)
    return ScheduledRun(graph, case.input, run_task or tasks_of(case), options_of(case), **how)
