"""The host that runs a part of a definition inside one task, step by step.

A loop, a forEach, and a parallel step that is retried, timed or stopped as a whole run so. Each result is stored
before the next step starts, in one transaction with the start of the next; a host that is killed therefore goes on
where the last result was stored. Steps of different branches take turns; what waits lets the others go first.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from airflow_workflow_provider.engine import suspension
from airflow_workflow_provider.engine.calls import ActivationRef, Call, Decision
from airflow_workflow_provider.engine.failure import Failure, moment, timestamp
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.phases import Kind, Phase
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.ways import ON_FAILURE
from airflow_workflow_provider.vocabulary import ErrorType

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_workflow_provider.engine.documents import Json

T = TypeVar("T")


@dataclass(frozen=True)
class Region:
    """The part of a step list that one task runs.

    :param scope: key of the step list
    :param nodes: the steps of that list that belong to it, and :data:`ON_FAILURE` where compensations do
    :param task_id: the task that runs it, which is woken up when a suspension ends
    """

    scope: str
    nodes: frozenset[str]
    task_id: str | None = None

    def holds(self, activation: ActivationRef) -> bool:
        """Tell whether an activation in some scope runs in this region."""
        if activation.scope == self.scope:
            return (activation.step_id if activation.kind == Kind.STEP else ON_FAILURE) in self.nodes
        head = f"{self.scope}/" if self.scope else ""
        return any(activation.scope.startswith((f"{head}{node}/", f"{head}{node}[")) for node in self.nodes)


@dataclass(frozen=True)
class Ended:
    """A call that has ended.

    :param output: the raw result
    :param failure: the failure instead of one
    """

    output: Any = None
    failure: Failure | None = None


@dataclass(frozen=True)
class Kept:
    """How an attempt has ended, and when its work was done; storing that may take until much later."""

    ended: Ended
    at: datetime


@dataclass(frozen=True)
class Parked:
    """A call that waits for something outside and holds no worker.

    :param until: when it ends by itself, with an empty result; None where ``note`` tells the host what to wait for
    :param note: the host's own note, a JSON object
    :param question: id of the question to people that it waits for, if it does
    """

    until: datetime | None = None
    note: Json = field(default_factory=dict)
    question: str | None = None


@dataclass(frozen=True)
class Waiting:
    """Why the region cannot go on now.

    :param until: the moment at which something is due, None for none
    :param calls: the calls that wait for something outside, in the order in which they began to
    :param held: something may begin when the instance is not suspended any more
    """

    until: datetime | None
    calls: tuple[tuple[ActivationRef, Parked], ...]
    held: bool = False


@dataclass(frozen=True)
class Left:
    """The path has left the region.

    :param decision: the last decision of a step of the region
    """

    decision: Decision | None


class ChangedMeanwhile(Exception):
    """Somebody else has changed the instance during a turn, which is not stored: it is to be taken again."""


class Superseded(Exception):
    """Another host has taken the region over, because this one counted as dead: it must not go on."""


class Results:
    """What a host does so that no result is lost. This one does nothing: where all is in memory, none can be."""

    def stored(self, turn: Callable[[], T]) -> T:
        """Do a turn, and again from its start where it could not be stored."""
        return turn()

    def keep(self, activation: ActivationRef, kept: Kept) -> None:
        """Keep the result of an attempt where it survives this process."""

    def find(self, activation: ActivationRef) -> Kept | None:  # noqa: ARG002 - nothing is kept
        """Return the result of an attempt whose process died before it was stored."""
        return None

    def drop(self, activation: ActivationRef) -> None:
        """Forget the result of an attempt, because it is stored."""


Session = Callable[[], AbstractContextManager[Machine]]
MAX_TURNS: Final = 10_000_000


class InlineHost:
    """Runs one region until its path leaves it or everything in it waits.

    :param region: what to run
    :param runner: name of this run of the task; a host that takes over after a crash has another
    :param session: opens a transaction and gives the machine; leaving it stores state and log
    :param run: runs a call and says how it ended; what a task raises is an :class:`Ended` with a failure
    :param clock: tells the time, with a time zone
    :param generation: rises when an operator asks Airflow to run the region again
    :param results: keeps results until they are stored
    """

    def __init__(
        self,
        region: Region,
        runner: str,
        session: Session,
        run: Callable[[Call], Ended | Parked],
        clock: Callable[[], datetime],
        *,
        generation: int = 0,
        results: Results | None = None,
    ) -> None:
        self._results = results or Results()
        self._region = region
        self._runner = runner
        self._session = session
        self._run = run
        self._clock = clock
        self._generation = generation
        self._parked: dict[ActivationRef, Parked] | None = None
        self._reported: list[ActivationRef] = []

    def run(self, ended: tuple[ActivationRef, Ended | Parked] | None = None) -> Left | Waiting:
        """Go on until the path leaves the region or everything in it waits.

        :param ended: the end of a call that waited, or what it waits for next
        """
        result = self._kept(ended)
        for _ in range(MAX_TURNS):
            step = self._results.stored(partial(self._stored_turn, result, self._parked))
            for activation in self._reported:
                self._results.drop(activation)
            self._reported.clear()
            if not isinstance(step, Call):
                return step
            activation = ActivationRef(step.scope, step.step_id, step.visit, step.kind, step.attempt)
            result = self._kept((activation, self._run(step)))
        msg = "a region takes a bounded number of turns"
        raise AssertionError(msg)

    def _kept(self, result: tuple[ActivationRef, Ended | Parked] | None) -> tuple[ActivationRef, Kept | Parked] | None:
        """Keep the end of a call until it is stored."""
        if result is None or isinstance(result[1], Parked):
            return cast("tuple[ActivationRef, Parked] | None", result)
        kept = Kept(result[1], self._clock())
        self._results.keep(result[0], kept)
        return result[0], kept

    def _stored_turn(
        self, result: tuple[ActivationRef, Kept | Parked] | None, parked: dict[ActivationRef, Parked] | None
    ) -> Call | Left | Waiting:
        """Take a turn in one transaction; it may be repeated, also after one that was stored without our knowing.

        :param parked: what waited before the turn
        """
        for _ in range(MAX_TURNS):
            self._parked = None if parked is None else dict(parked)
            self._reported.clear()
            with suppress(ChangedMeanwhile), self._session() as machine:
                return self._turn(machine, result)
        msg = "others change an instance a bounded number of times"
        raise AssertionError(msg)

    def _turn(self, machine: Machine, result: tuple[ActivationRef, Kept | Parked] | None) -> Call | Left | Waiting:
        """Fold in what has ended, and return the next call to run, or why there is none."""
        now = self._clock()
        if self._parked is None:
            self._parked = self._adopt(machine)
            self._recover(machine, now)
            self._bury(machine, now)
        elif any(map(self._region.holds, machine.orphans(self._runner))):
            raise Superseded
        if result is not None:
            self._report(machine, *result, now)
        while True:
            self._wake(machine, now)
            machine.expire(now)
            if not self._is_inside(machine):
                return Left(self._last_decision(machine))
            begun = self._begun(machine)
            activation = begun or self._next(machine, now)
            if activation is None:
                return self._waiting(machine)
            call = self._begin(machine, activation, now)
            if call is not None:
                return call

    def _adopt(self, machine: Machine) -> dict[ActivationRef, Parked]:
        """Take over what waits: this host's own calls after a pause, a dead host's after a crash."""
        return {
            activation: Parked(
                None if note["until"] is None else moment(note["until"]), note["note"], note.get("question")
            )
            for activation, note in machine.adopt(self._runner, self._region.holds)
        }

    def _recover(self, machine: Machine, now: datetime) -> None:
        """Fold in what calls gave whose host died before it could store that."""
        waiting = [activation for activation in self._waits if self._results.find(activation) is not None]
        for activation in [*waiting, *machine.orphans(self._runner)]:
            kept = self._results.find(activation) if self._region.holds(activation) else None
            if kept is not None:
                self._report(machine, activation, kept, now)

    def _begun(self, machine: Machine) -> ActivationRef | None:
        """Return what this host has begun in a turn that was stored without its knowing."""
        return next(
            (
                found
                for key, current in machine.live()
                if current.phase is Phase.RUNNING and current.runner == self._runner
                for found in [ActivationRef.of(key, current)]
                if self._region.holds(found)
            ),
            None,
        )

    def _bury(self, machine: Machine, now: datetime) -> None:
        """Fail what a dead host left behind; another attempt keeps the delay that its policy asks for (rule F6)."""
        for activation in machine.orphans(self._runner):
            if self._region.holds(activation):
                failure = Failure(ErrorType.WORKER_LOST, "The worker that ran this attempt died")
                machine.fail(activation.scope, activation.step_id, None, failure, now)

    def _report(self, machine: Machine, activation: ActivationRef, result: Kept | Parked, now: datetime) -> None:
        key, step_id = activation.scope, activation.step_id
        self._reported.append(activation)
        if not machine.is_live(activation):
            self._waits.pop(activation, None)
            return
        if isinstance(result, Parked):
            until = None if result.until is None else timestamp(result.until)
            note = {"until": until, "note": result.note, "question": result.question}
            if machine.park(key, step_id, self._runner, note, now, question=result.question):
                self._waits[activation] = result
            return
        if self._waits.pop(activation, None) is not None and not machine.waits(activation):
            return
        runner = machine.scope(key).activation.runner or self._runner
        if result.ended.failure is not None:
            machine.fail(key, step_id, runner, result.ended.failure, result.at)
        else:
            machine.succeed(key, step_id, runner, result.ended.output, result.at)

    @property
    def _waits(self) -> dict[ActivationRef, Parked]:
        if self._parked is None:
            msg = "the first turn has taken over what waits"
            raise AssertionError(msg)
        return self._parked

    def _wake(self, machine: Machine, now: datetime) -> None:
        """End the calls whose moment has come."""
        due = [(parked.until, activation) for activation, parked in self._waits.items() if parked.until is not None]
        for until, activation in sorted(due, key=lambda entry: entry[0]):
            if until <= now:
                self._report(machine, activation, Kept(Ended(), now), now)

    def _is_inside(self, machine: Machine) -> bool:
        if machine.is_over:
            return False
        current = machine.scope(self._region.scope).current
        if current is None:
            return False
        return (current.step_id if current.is_step else ON_FAILURE) in self._region.nodes

    def _last_decision(self, machine: Machine) -> Decision | None:
        last = machine.scope(self._region.scope).control.last
        handled = machine.state.failure
        if ON_FAILURE in self._region.nodes and handled is not None:
            record = machine.state.steps.get(last) if last is not None else None
            if record is None or not record.handling:
                return Decision("failed", next=handled.next, error=handled.error)
        return machine.decision_of(self._region.scope, last) if last is not None else None

    def _next(self, machine: Machine, now: datetime) -> ActivationRef | None:
        """Return what to begin next: the oldest activation that is due."""
        return next(filter(self._region.holds, machine.ready(now)), None)

    def _begin(self, machine: Machine, activation: ActivationRef, now: datetime) -> Call | None:
        begun = machine.begin(activation.scope, activation.step_id, self._runner, now, generation=self._generation)
        if begun.action not in ("run", "resume"):
            return None
        try:
            prepare = machine.prepare if begun.action == "run" else machine.call_of
            return prepare(activation.scope, now)
        except StepFailure as exc:
            failure = Failure.from_exception(exc)
            machine.fail(activation.scope, activation.step_id, self._runner, failure, now)
            return None

    def _waiting(self, machine: Machine) -> Waiting:
        live = {activation: parked for activation, parked in self._waits.items() if machine.waits(activation)}
        moments = [parked.until for parked in live.values() if parked.until is not None]
        timer = machine.next_timer(self._region.holds)
        if timer is not None:
            moments.append(timer)
        calls = tuple(entry for entry in live.items() if entry[1].until is None)
        return Waiting(min(moments, default=None), calls, held=self._is_held(machine))

    def _is_held(self, machine: Machine) -> bool:
        """Tell whether the end of a suspension changes something here; it wakes the task up then."""
        held = machine.is_suspended and (
            machine.state.instance.deadline is not None
            or any(
                current.phase in (Phase.PENDING, Phase.RETRYING) and self._region.holds(ActivationRef.of(key, current))
                for key, current in machine.live()
            )
        )
        if held and self._region.task_id is not None:
            suspension.hold(machine, self._region.task_id)
        return held
