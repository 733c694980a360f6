"""The host that runs a part of a definition inside one task, step by step.

A loop, a forEach, and a parallel step that is retried, timed or stopped as a whole run so. Each result is stored
before the next step starts, in one transaction with the start of the next; a host that is killed therefore continues
where the last result was stored. Steps of different branches take turns; what waits lets the others go first, and calls
that wait for something outside run beside each other where the host can do that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.engine import suspension
from airflow_workflow_provider.engine.calls import ActivationRef, Decision
from airflow_workflow_provider.engine.failure import Failure, moment, timestamp
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.phases import Kind, Phase
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.hosts.ending import Ended, Kept, Parked, Results
from airflow_workflow_provider.hosts.threads import Place, activation_of, place_of
from airflow_workflow_provider.model.ways import ON_FAILURE
from airflow_workflow_provider.vocabulary import ErrorType

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_workflow_provider.engine.calls import Call
    from airflow_workflow_provider.hosts.threads import Beside, Reported


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
        """Return whether an activation in some scope runs in this region."""
        if activation.scope == self.scope:
            return (activation.step_id if activation.kind == Kind.STEP else ON_FAILURE) in self.nodes
        head = f"{self.scope}/" if self.scope else ""
        return any(activation.scope.startswith((f"{head}{node}/", f"{head}{node}[")) for node in self.nodes)


@dataclass(frozen=True)
class Waiting:
    """Why the region cannot continue now.

    :param until: the moment at which something is due, None for none
    :param calls: the calls that wait for something outside, in the order in which they began to
    :param held: something may begin when the instance is not suspended any more
    """

    until: datetime | None
    calls: tuple[tuple[ActivationRef, Parked], ...]
    held: bool = False


@dataclass(frozen=True)
class Started:
    """Calls that a turn has begun.

    :param here: the one that the host's own thread runs
    :param beside: those that run beside it
    :param until: the moment at which something else is due, None for none
    """

    here: Call | None
    beside: tuple[Call, ...]
    until: datetime | None


@dataclass(frozen=True)
class Left:
    """The path has left the region.

    :param decision: the last decision of a step of the region
    """

    decision: Decision | None


class ChangedMeanwhile(Exception):
    """Somebody else has changed the instance during a turn, which is not stored: it is to be taken again."""


class Superseded(Exception):
    """Another host has taken the region over, because this one counted as dead: it must stop."""


Session = Callable[[], AbstractContextManager[Machine]]
MAX_TURNS: Final = 10_000_000


class InlineHost:
    """Runs one region until its path leaves it or everything in it waits.

    :param region: what to run
    :param runner: name of this run of the task; a host that takes over after a crash has another
    :param session: opens a transaction and gives the machine; leaving it stores state and log
    :param run: runs a call and says how it ended; what a task raises is an :class:`Ended` with a failure
    :param clock: returns the time, with a time zone
    :param generation: rises when an operator asks Airflow to run the region again
    :param results: keeps results until they are stored
    :param beside: runs calls beside each other; None: each waits for the end of the one before
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
        beside: Beside | None = None,
    ) -> None:
        self._beside = beside
        self._results = results or Results()
        self._region = region
        self._runner = runner
        self._session = session
        self._run = run
        self._clock = clock
        self._generation = generation
        self._parked: dict[ActivationRef, Parked] | None = None
        self._reported: list[ActivationRef] = []
        self._ended: list[ActivationRef] = []

    def run(self, ended: tuple[ActivationRef, Ended | Parked] | None = None) -> Left | Waiting:
        """Run until the path leaves the region or everything in it waits.

        :param ended: the end of a call that waited, or what it waits for next
        """
        results = [] if ended is None else [self._kept(*ended)]
        for _ in range(MAX_TURNS):
            step = self._results.stored(partial(self._stored_turn, results, self._parked))
            for activation in self._reported:
                self._results.drop(activation)
            if self._beside is not None:
                for activation in self._ended:
                    self._beside.leave(activation)
            if isinstance(step, Left) or (isinstance(step, Waiting) and not self._running):
                return step
            results = self._run_on(step)
        msg = "a region takes a bounded number of turns"
        raise AssertionError(msg)

    def _run_on(self, step: Started | Waiting) -> list[Reported]:
        """Run what a turn has begun until something has ended or is due."""
        here = step.here if isinstance(step, Started) else None
        found = []
        if self._beside is not None and isinstance(step, Started):
            for call in step.beside:
                self._beside.start(activation_of(call), call, self._kept)
        if here is not None:
            found.append(self._kept(activation_of(here), self._run(here)))
        if self._running and self._beside is not None:
            seconds = None if step.until is None else max((step.until - self._clock()).total_seconds(), 0)
            found += self._beside.ended(0 if found else seconds)
        return sorted(found, key=lambda result: result[1].at if isinstance(result[1], Kept) else self._clock())

    @property
    def _running(self) -> Collection[ActivationRef]:
        """The calls that run beside this thread."""
        return () if self._beside is None else self._beside.running

    def _kept(self, activation: ActivationRef, result: Ended | Parked) -> Reported:
        """Keep the end of a call until it is stored."""
        if isinstance(result, Parked):
            return activation, result
        kept = Kept(result, self._clock())
        self._results.keep(activation, kept)
        return activation, kept

    def _stored_turn(
        self, results: list[Reported], parked: dict[ActivationRef, Parked] | None
    ) -> Started | Left | Waiting:
        """Take a turn in one transaction; it may be repeated, also after one that was stored without our knowing.

        :param parked: what waited before the turn
        """
        for _ in range(MAX_TURNS):
            self._parked = None if parked is None else dict(parked)
            self._reported.clear()
            with suppress(ChangedMeanwhile), self._session() as machine:
                return self._turn(machine, results)
        msg = "others change an instance a bounded number of times"
        raise AssertionError(msg)

    def _turn(self, machine: Machine, results: list[Reported]) -> Started | Left | Waiting:
        """Fold in what has ended, and return the next calls to run, or why there are none."""
        now = self._clock()
        if self._parked is None:
            self._parked = self._adopt(machine)
            self._recover(machine, now)
            self._fail_lost_attempts(machine, now)
        elif any(map(self._region.holds, machine.orphans(self._runner))):
            raise Superseded
        for activation, result in results:
            if isinstance(result, Kept) and activation not in self._waits:
                # The result of work that continued after its deadline is late (rule F3).
                machine.expire(result.at)
            self._report(machine, activation, result, now)
        step = self._advanced(machine, now)
        self._ended = [activation for activation in self._running if not machine.is_live(activation)]
        return step

    def _advanced(self, machine: Machine, now: datetime) -> Started | Left | Waiting:
        """Begin what may be begun now: one call for this thread, and as many as there is room for beside it."""
        here: Call | None = None
        beside: list[Call] = []
        while True:
            self._wake(machine, now)
            machine.expire(now)
            if not self._is_inside(machine):
                return Left(self._last_decision(machine))
            started = [activation_of(call) for call in (*beside, *([here] if here else ()))]
            activation, place = self._next(machine, now, started, len(beside), is_taken=here is not None)
            if activation is None:
                break
            call = self._begin(machine, activation, now)
            if call is not None and place is Place.HERE:
                here = call
            elif call is not None:
                beside.append(call)
            if here is not None and self._beside is None:
                break
        # What failed after it was begun may have stopped what was begun with it.
        alive = [call for call in beside if machine.is_live(activation_of(call))]
        here = here if here is not None and machine.is_live(activation_of(here)) else None
        if here is None and not alive:
            return self._waiting(machine)
        return Started(here, tuple(alive), self._due(machine) if self._beside is not None else None)

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

    def _begun(self, machine: Machine, started: list[ActivationRef]) -> ActivationRef | None:
        """Return what this host has begun in a turn that was stored without its knowing.

        :param started: what this turn has begun
        """
        return next(
            (
                found
                for key, current in machine.live()
                if current.phase is Phase.RUNNING and current.runner == self._runner
                for found in [ActivationRef.of(key, current)]
                if found not in started and found not in self._running and self._region.holds(found)
            ),
            None,
        )

    def _fail_lost_attempts(self, machine: Machine, now: datetime) -> None:
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

    def _next(
        self, machine: Machine, now: datetime, started: list[ActivationRef], beside: int, *, is_taken: bool
    ) -> tuple[ActivationRef | None, Place]:
        """Return what to begin next, and where: the oldest activation that is due and for which there is room.

        :param started: what this turn has begun
        :param beside: how much of that runs beside this thread
        :param is_taken: this thread has its call
        """
        begun = self._begun(machine, started)
        if begun is not None:
            place = place_of(machine, self._region.holds, self._beside, begun, beside)
            return begun, place if place is not Place.NONE and not is_taken else Place.BESIDE
        for activation in filter(self._region.holds, machine.ready(now)):
            place = place_of(machine, self._region.holds, self._beside, activation, beside)
            if place is Place.BESIDE or (place is Place.HERE and not is_taken):
                return activation, place
        return None, Place.NONE

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
        calls = tuple((each, self._waits[each]) for each in self._waits if machine.waits(each))
        outside = tuple(entry for entry in calls if entry[1].until is None)
        return Waiting(self._due(machine), outside, held=self._is_held(machine))

    def _due(self, machine: Machine) -> datetime | None:
        """Return the next moment at which something happens by itself, or None."""
        moments = [parked.until for each, parked in self._waits.items() if parked.until and machine.waits(each)]
        timer = machine.next_timer(self._region.holds)
        return min([*moments, *([] if timer is None else [timer])], default=None)

    def _is_held(self, machine: Machine) -> bool:
        """Return whether it changes something here that attempts may begin again; that wakes the task up then."""
        held = machine.state.is_held and (
            machine.state.instance.deadline is not None
            or any(
                current.phase in (Phase.PENDING, Phase.RETRYING) and self._region.holds(ActivationRef.of(key, current))
                for key, current in machine.live()
            )
        )
        if held and self._region.task_id is not None:
            suspension.hold(machine, self._region.task_id)
        return held
