"""The machine: what an outcome means and what happens next, as a function of graph and state.

The machine owns the meaning of a definition; three hosts own the doing. A host asks for the activations that are
:meth:`~Machine.ready`, begins one, runs its task and reports the result or the failure; the machine folds that into
the state, decides, and activates what follows. It never waits, never looks at a clock and never calls a task, so the
same state and the same outcomes always lead to the same decisions:

* ``simulate`` holds the state in memory and runs mocked tasks in virtual time,
* an inline region runs inside one Airflow task and stores the state after every call,
* with an Airflow task per step, Airflow's scheduler starts what the machine activated.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_workflow_provider.engine import attempts, completion, limits, rerun, timing
from airflow_workflow_provider.engine.calls import ActivationRef, Begun, Call, Decision, Options, decided
from airflow_workflow_provider.engine.events import Event, EventLog
from airflow_workflow_provider.engine.failure import Failure, moment, timestamp
from airflow_workflow_provider.engine.phases import UNFINISHED, InstanceStatus, ListStatus, Phase, StepStatus, Trigger
from airflow_workflow_provider.engine.scope import Scope
from airflow_workflow_provider.engine.state import State
from airflow_workflow_provider.engine.turn import Turn
from airflow_workflow_provider.engine.worklist import drain
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.vocabulary import ErrorType, LogEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from airflow_workflow_provider.engine.documents import Json, JsonValue
    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.engine.instance_records import InstanceFacts
    from airflow_workflow_provider.engine.records import Activation
    from airflow_workflow_provider.engine.step_records import StepRecord


class Machine:
    """The state machine of one instance.

    :param graph: the definition's control flow
    :param state: the instance's state; changed in place
    :param options: bounds and defaults
    """

    def __init__(self, graph: Graph, state: State, options: Options | None = None) -> None:
        self.graph = graph
        self.state = state
        self.options = options or Options()
        log = graph.definition.execution_log
        self.log = EventLog(log.level if log is not None else "info")

    @classmethod
    def start(
        cls,
        graph: Graph,
        instance: InstanceFacts,
        input_data: Json,
        *,
        now: datetime,
        event: Json | None = None,
        options: Options | None = None,
        visits: dict[str, int] | None = None,
        sequence: int = 0,
    ) -> Machine:
        """Return the machine of a new instance, its first step activated; or one that has failed (rule I7).

        :param instance: its start is set to ``now``
        :param input_data: the input, validated and with its defaults applied (rule X6)
        :param event: the CloudEvent that started it
        :param visits: how often its steps were visited before, where it starts again (rule F7)
        :param sequence: number of its latest activation before
        """
        instance.started_at = timestamp(now)
        machine = cls(graph, State.new(instance, input_data, event), options)
        concurrency = graph.definition.settings.concurrency
        if concurrency is not None:
            try:
                instance.concurrency_key = limits.concurrency_key(concurrency, machine.state, now)
            except StepFailure as exc:
                failure = Failure.from_exception(exc)
                return cls.refused(graph, instance, input_data, failure, now=now, event=event, options=options)
        timing.set_deadline(machine.state, graph, now)
        machine.state.root.visits.update(visits or {})
        machine.state.sequence = sequence
        with machine.turn(now) as turn:
            turn.log.add("error", LogEvent.INSTANCE_STARTED, now, data={"input": input_data, "event": event})
            if graph.root.entry is not None:
                turn.activate(turn.root, graph.root.entry)
        return machine

    @classmethod
    def refused(
        cls,
        graph: Graph,
        instance: InstanceFacts,
        kept_input: Json,
        failure: Failure,
        *,
        now: datetime,
        event: Json | None = None,
        options: Options | None = None,
    ) -> Machine:
        """Return the machine of an instance that failed before any step: its input does not fit (rules X6, I7).

        :param instance: its start is set to ``now``
        :param kept_input: the input as far as it can be kept
        """
        instance.started_at = timestamp(now)
        state = State.new(instance, kept_input, event)
        state.root.status, state.status = ListStatus.FAILED, InstanceStatus.FAILED
        state.error = failure.error_object(None, None, timestamp(now))
        machine = cls(graph, state, options)
        machine.log.add("error", LogEvent.INSTANCE_STARTED, now, data={"input": kept_input, "event": event})
        machine.log.add("error", LogEvent.INSTANCE_FAILED, now, data={"error": state.error})
        return machine

    # What a host asks

    @property
    def status(self) -> str:
        """The instance's status (rule I1)."""
        return self.state.status.value

    @property
    def is_over(self) -> bool:
        """Whether the instance has ended."""
        return self.state.is_over

    @property
    def is_suspended(self) -> bool:
        """Whether somebody has suspended the instance; waiting for people alone is not that (rule I3)."""
        return self.state.is_suspended

    @property
    def current_step_id(self) -> str | None:
        """The step most recently activated at top level (rule I4)."""
        return self.state.current_step_id

    def drain_events(self) -> list[Event]:
        """Return the events since the last call, for the execution log."""
        return self.log.drain()

    def scope(self, key: str) -> Scope:
        """Return the view of one step list that was started."""
        return Scope(self.state, key)

    def find_scope(self, key: str) -> Scope | None:
        """Return the view of one step list, or None where it was not started or is forgotten."""
        return Scope(self.state, key) if key in self.state.lists else None

    def live(self) -> Iterator[tuple[str, Activation]]:
        """Yield what is live, with the key of its list."""
        return self.state.live()

    def ready(self, now: datetime) -> list[ActivationRef]:
        """Return what may be begun now, in the order of activation."""
        if self.state.is_held:
            return []
        due = [
            (current.sequence, key, current)
            for key, current in self.live()
            if current.phase is Phase.PENDING
            or (current.phase is Phase.RETRYING and current.retry_at is not None and moment(current.retry_at) <= now)
        ]
        return [ActivationRef.of(key, current) for _, key, current in sorted(due, key=lambda entry: entry[0])]

    def orphans(self, runner: str) -> list[ActivationRef]:
        """Return what runs according to the state, but by another runner than this one: that one has died."""
        return [
            ActivationRef.of(key, current)
            for key, current in self.live()
            if current.phase is Phase.RUNNING and current.runner != runner
        ]

    def waits(self, activation: ActivationRef) -> bool:
        """Return whether an attempt still waits, rather than having been stopped."""
        current = self.state.live_step(activation.scope, activation.step_id)
        if current is None or current.phase is not Phase.WAITING or current.visit != activation.visit:
            return False
        return activation.attempt in (0, current.attempt)

    def is_live(self, activation: ActivationRef) -> bool:
        """Return whether an attempt has begun and not ended."""
        current = self.state.live_step(activation.scope, activation.step_id)
        if current is None or not current.is_begun:
            return False
        known = (current.visit, current.kind) == (activation.visit, activation.kind)
        return known and activation.attempt in (0, current.attempt)

    def adopt(self, runner: str, holds: Callable[[ActivationRef], bool]) -> list[tuple[ActivationRef, Json]]:
        """Take over the attempts that wait, with the notes that :meth:`park` left.

        :param holds: returns whether the runner is responsible for an attempt
        """
        waiting = self.parked(holds)
        for activation, _ in waiting:
            self.scope(activation.scope).activation.runner = runner
        return waiting

    def parked(self, holds: Callable[[ActivationRef], bool]) -> list[tuple[ActivationRef, Json]]:
        """Return the attempts that wait, oldest first, with the notes that :meth:`park` left."""
        waiting = sorted(
            (
                (key, current)
                for key, current in self.live()
                if current.phase is Phase.WAITING and holds(ActivationRef.of(key, current))
            ),
            key=lambda entry: entry[1].sequence,
        )
        return [(ActivationRef.of(key, current), current.parked or {}) for key, current in waiting]

    def next_timer(self, holds: Callable[[ActivationRef], bool] = lambda _: True) -> datetime | None:
        """Return the next moment at which a retry is due or a deadline passes, or None.

        :param holds: returns whether the asking host would begin a retry; those of others are not its business
        """
        return timing.next_timer(self.state, holds)

    def decision_of(self, key: str, step_id: str) -> Decision | None:
        """Return the stored decision of a step that ended, or None."""
        record = self.state.record(key, step_id)
        return None if record is None else decided(record)

    # What a host reports

    @contextmanager
    def turn(self, now: datetime) -> Iterator[Turn]:
        """Let rules change the state at a moment; what they leave for each other is handled at the end."""
        turn = self._turn(now)
        yield turn
        drain(turn)

    def call_of(self, key: str, now: datetime) -> Call:
        """Return the call of the live attempt of a list once more.

        :raises StepFailure: the input or the arguments cannot be computed
        """
        return attempts.call_of(self._turn(now), self.scope(key))

    def begin(self, key: str, step_id: str, runner: str, now: datetime, *, generation: int = 0) -> Begun:
        """Begin an attempt of an activated step, or say why there is none to begin.

        :param key: the scope
        :param runner: who runs the attempt; a report counts only from the runner that began it
        :param generation: rises when an operator asks Airflow to run a finished step again
        """
        current = self.state.live_step(key, step_id)
        if current is None:
            return self._begin_again(key, step_id, runner, now, generation)
        if current.phase is Phase.REGION:
            return Begun("decided", Decision("region"))
        if current.is_begun and current.runner == runner:
            with self.turn(now) as turn:
                attempts.mark_running(turn.scope(key))
            return Begun("resume")
        if current.phase is Phase.WAITING and generation <= current.generation and current.can_wait_on:
            # The task was lost, but not its wait.
            with self.turn(now) as turn:
                attempts.mark_running(turn.scope(key))
                current.runner, current.generation = runner, generation
            return Begun("resume")
        # A worker does not die while an attempt waits, and a user who has a step run again does not make it fail.
        if current.phase is Phase.RUNNING and generation <= current.generation:
            decision = self._failed(
                key, step_id, Failure(ErrorType.WORKER_LOST, "The worker that ran this attempt died"), now
            )
            if decision.status != "retry":
                return Begun("decided", decision)
        if self.state.is_held:
            return Begun("hold")
        with self.turn(now) as turn:
            attempts.start_attempt(turn, turn.scope(key), runner, generation)
        return Begun("run")

    def prepare(self, key: str, now: datetime) -> Call:
        """Return what the attempt that was just begun runs with.

        :raises StepFailure: the input or the arguments cannot be computed; report it with :meth:`fail`
        """
        return attempts.prepare(self._turn(now), self.scope(key))

    def park(
        self, key: str, step_id: str, runner: str, note: Json, now: datetime, *, question: str | None = None
    ) -> bool:
        """Note that a begun attempt waits for something outside and that nobody runs it meanwhile.

        :param note: what the process that resumes it has to know
        :param question: id of the question to people that it waits for, if it does (rule I3)
        :returns: False where the attempt is no longer the runner's
        """
        if not self._is_owned(key, step_id, runner):
            return False
        with self.turn(now) as turn:
            scope = turn.scope(key)
            current = scope.activation
            current.move(Trigger.PARK)
            current.parked, current.question = note, question
            if current.is_step:
                scope.record(step_id).status = StepStatus.WAITING
            turn.log.step("info", LogEvent.STEP_WAITING, now, key, current)
        return True

    def answered(self, question: str, now: datetime) -> bool:
        """Note that nobody need wait for people any more because of a question: its answer is there, or its end.

        :returns: whether a live attempt had waited for it
        """
        with self.turn(now):
            waiting = [current for _, current in self.live() if current.question == question]
            for current in waiting:
                current.question = None
        return bool(waiting)

    def succeed(
        self, key: str, step_id: str, runner: str, raw: JsonValue, now: datetime, *, kept: bool = False
    ) -> Decision:
        """Fold a task's result into the state and decide what follows (order of rule X4).

        :param kept: whether the result is what the step keeps, its ``output`` applied already
        """
        if not self._is_owned(key, step_id, runner):
            return Decision("ignored")
        record = self.state.record(key, step_id)
        with self.turn(now) as turn:
            scope = turn.scope(key)
            if scope.activation.is_step:
                attempts.task_done(turn, scope, raw, kept=kept)
            else:
                completion.compensated(turn, scope)
        return _decision(turn, key, step_id, record)

    def fail(self, key: str, step_id: str, runner: str | None, failure: Failure, now: datetime) -> Decision:
        """Fold a failure of an attempt into the state and decide what follows.

        :param runner: who ran the attempt; None where the host knows that nobody runs it any more
        """
        if not self._is_owned(key, step_id, runner):
            return Decision("ignored")
        return self._failed(key, step_id, failure, now)

    def expire(self, now: datetime) -> bool:
        """Fail what has passed its deadline (rule F3); return whether anything had."""
        expired = 0
        while self._expire_one(now):
            expired += 1
        return expired > 0

    # The parts of a step's life

    def _turn(self, now: datetime) -> Turn:
        return Turn(self.graph, self.state, self.options, self.log, now)

    def _expire_one(self, now: datetime) -> bool:
        turn = self._turn(now)
        if not timing.expire(turn):
            return False
        drain(turn)
        return True

    def _failed(self, key: str, step_id: str, failure: Failure, now: datetime) -> Decision:
        record = self.state.record(key, step_id)
        with self.turn(now) as turn:
            attempts.attempt_failed(turn, turn.scope(key), failure)
        return _decision(turn, key, step_id, record)

    def _is_owned(self, key: str, step_id: str, runner: str | None) -> bool:
        current = self.state.live_step(key, step_id)
        return current is not None and current.is_begun and (runner is None or current.runner == runner)

    def _begin_again(self, key: str, step_id: str, runner: str, now: datetime, generation: int) -> Begun:
        """Begin a step that no decision activated: its outcome is stored, or an operator wants it run again."""
        record = self.state.record(key, step_id)
        if record is None or record.status in UNFINISHED:
            return Begun("skip")
        if generation <= record.generation:
            # It is lower where Airflow's database is older than the state; the next clearing has to count.
            record.generation = generation
            return Begun("decided", decided(record))
        with self.turn(now) as turn:
            rerun.reopen(turn, key, step_id)
        return self.begin(key, step_id, runner, now, generation=generation)


def _decision(turn: Turn, key: str, step_id: str, record: StepRecord | None) -> Decision:
    """Return what became of a step in a turn.

    :param record: its record; the list that it stands in may be forgotten meanwhile
    """
    decision = turn.decisions.get((key, step_id))
    if decision is None and record is not None:
        decision = decided(record)
    return decision or Decision("ignored")


__all__ = ["ActivationRef", "Begun", "Call", "Decision", "Machine", "Options"]
