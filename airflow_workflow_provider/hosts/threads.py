"""Calls that run beside each other in threads, because they wait for something outside most of the time.

The turns of a host stay in its own thread, and so does every call that is not for a thread: limits of time are signals,
which only a main thread gets. A call in a thread is ended by its own limits, or left alone when the machine has ended
its attempt.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from contextvars import copy_context
from dataclasses import dataclass
from enum import Enum
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Protocol

from airflow_workflow_provider.engine.calls import ActivationRef
from airflow_workflow_provider.engine.phases import Kind, Phase
from airflow_workflow_provider.hosts.ending import Ended, Kept, Parked

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.calls import Call
    from airflow_workflow_provider.engine.machine import Machine
    from airflow_workflow_provider.model.definition import Step

Reported = tuple[ActivationRef, Kept | Parked]
"""A call, and how it has ended or what it waits for."""

Holds = Callable[[ActivationRef], bool]
"""Returns whether a call is the host's to run."""

Keep = Callable[[ActivationRef, Ended | Parked], Reported]
"""Keeps the end of a call until it is stored; called in the thread of the call."""


def _nothing() -> None:
    """Leave a call to its own limits."""


@dataclass(frozen=True)
class Work:
    """A call that is ready to run.

    :param run: runs it, in whatever thread
    :param cut: ends it early, as far as that is possible; called by another thread
    """

    run: Callable[[], Ended | Parked]
    cut: Callable[[], None] = _nothing


class Beside(Protocol):
    """Runs calls beside the thread of the host."""

    @property
    def running(self) -> Collection[ActivationRef]:
        """The calls whose end somebody waits for."""

    @property
    def free(self) -> int:
        """How many more calls may be started now."""

    def takes(self, step: Step) -> bool:
        """Return whether the task of a step may run beside the host's thread."""

    def start(self, activation: ActivationRef, call: Call, keep: Keep) -> None:
        """Start a call."""

    def ended(self, seconds: float | None) -> list[Reported]:
        """Return the calls that have ended, in the order in which they did; where none has, wait for one.

        :param seconds: for how long; None: until one ends
        """

    def leave(self, activation: ActivationRef) -> None:
        """Wait no longer for a call; it is to end soon."""


class Place(Enum):
    """Where a call is to run."""

    HERE = "in the thread of the host"
    BESIDE = "beside it"
    NONE = "nowhere yet"


def activation_of(call: Call) -> ActivationRef:
    """Return the name of the attempt that a call is for."""
    return ActivationRef(call.scope, call.step_id, call.visit, call.kind, call.attempt)


def place_of(
    machine: Machine,
    holds: Callable[[ActivationRef], bool],
    beside: Beside | None,
    activation: ActivationRef,
    more: int,
) -> Place:
    """Return where a call is to run; what has nothing to run beside it runs in the host's own thread.

    :param more: how many calls are about to be started
    """
    if beside is None or activation.kind != Kind.STEP or not beside.takes(machine.graph.step(activation.step_id)):
        return Place.HERE
    live = (ActivationRef.of(key, current) for key, current in machine.live() if current.phase is not Phase.REGION)
    if sum(map(holds, live)) == 1:
        return Place.HERE
    if beside.free > more:
        return Place.BESIDE
    # Where all threads hang in calls that nobody waits for, the host's own continues.
    return Place.NONE if more or beside.running else Place.HERE


class Threads:
    """Runs each call in a thread of its own.

    :param takes: returns whether the task of a step may run in a thread
    :param prepare: makes a call ready in the thread of the host
    :param limit: how many threads there are at most, those included that nobody waits for any more
    """

    def __init__(
        self, takes: Callable[[Step], bool], prepare: Callable[[Call], Work | Ended | Parked], limit: int
    ) -> None:
        self.takes = takes
        self._prepare = prepare
        self._limit = limit
        self._alive = 0
        self._running: dict[ActivationRef, Callable[[], None]] = {}
        self._ended: SimpleQueue[Reported | BaseException] = SimpleQueue()

    @property
    def running(self) -> Collection[ActivationRef]:
        """The calls whose end somebody waits for."""
        return self._running.keys()

    @property
    def free(self) -> int:
        """How many more threads there may be."""
        return self._limit - self._alive

    def start(self, activation: ActivationRef, call: Call, keep: Keep) -> None:
        """Prepare a call here and run it in a thread."""
        work = self._prepare(call)
        self._alive += 1
        if not isinstance(work, Work):
            self._running[activation] = _nothing
            self._ended.put(keep(activation, work))
            return
        self._running[activation] = work.cut
        context = copy_context()

        def run() -> None:
            try:
                self._ended.put(keep(activation, context.run(work.run)))
            except BaseException as error:  # what ends the process, or is wrong here: the host's thread must know
                self._ended.put(error)

        threading.Thread(target=run, name=f"workflows-{activation.step_id}", daemon=True).start()

    def ended(self, seconds: float | None) -> list[Reported]:
        """Return the calls that have ended; raises what a thread raised that is no end of a call."""
        found = []
        try:
            found.append(self._taken(seconds))
            while True:
                found.append(self._taken(0))
        except Empty:
            return found

    def leave(self, activation: ActivationRef) -> None:
        """Wait no longer for a call, and cut it."""
        self._running.pop(activation, _nothing)()

    def _taken(self, seconds: float | None) -> Reported:
        """Return the next end of a call.

        :raises Empty: there was none in time
        """
        found = self._ended.get(timeout=seconds)
        self._alive -= 1
        if isinstance(found, BaseException):
            raise found
        self._running.pop(found[0], None)
        return found
