"""The pool of child processes: started in advance, shared fairly, killed at a limit, and replaced."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.bounded import messages
from airflow_workflow_provider.bounded.child import START_SECONDS, Child
from airflow_workflow_provider.errors import LimitExceeded, Overloaded, WorkflowsError
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.bounded.limits import Exceeded, Limits

log = logging.getLogger(__name__)

MAX_CALLS: Final = 2_000
"""After so many calls a process is replaced, whatever it looks like."""

MAX_WAITING: Final = 32
"""Requests that wait for a process; each of them keeps a thread of the server, which has forty."""

MAX_WAITING_EACH: Final = 16
"""Of these as many of one user."""

START_AGAIN: Final = 2.0
"""Seconds until a process that could not be started is tried again."""


@dataclass
class Budget:
    """Seconds that the work of one request may still take; waiting for a process does not count."""

    left: float


@dataclass(eq=False)
class _Ticket:
    """A request that waits for a process."""

    who: str
    child: Child | None = None


@dataclass
class _Places:
    """The users whose work runs or waits; used under the pool's lock."""

    idle: list[Child] = field(default_factory=list)
    waiting: list[_Ticket] = field(default_factory=list)
    busy: Counter[str] = field(default_factory=Counter)
    count: int = 0
    """Processes that there are, those that are being started included."""


class Pool:
    """Computes in child processes.

    Of several processes one is always left for other users: long work of a user delays only that user's other work.
    The user with the fewest waiting requests is next, and of equals the one who came first.

    :param limits: what one request may use
    :param warm: modules that the processes import before they are ready
    """

    def __init__(self, limits: Limits, warm: Iterable[str] = ()) -> None:
        self.limits = limits
        self._warm = tuple(warm)
        self._pid = os.getpid()
        self._places = _Places()
        self._changed = threading.Condition()
        self._closed = False
        self._keeper: threading.Thread | None = None

    def start(self) -> None:
        """Start the processes in the background, unless that was done."""
        with self._changed:
            if self._keeper is None and not self._closed:
                self._keeper = threading.Thread(target=self._keep, name="workflows-evaluations", daemon=True)
                self._keeper.start()

    def close(self) -> None:
        """End all processes."""
        with self._changed:
            self._closed = True
            idle, self._places.idle = self._places.idle, []
            self._changed.notify_all()
        for child in idle:
            child.end()
        if self._keeper is not None and self._keeper is not threading.current_thread():
            self._keeper.join(START_AGAIN)

    @property
    def pids(self) -> list[int]:
        """The processes that wait for work."""
        with self._changed:
            return [child.pid for child in self._places.idle]

    @property
    def is_ours(self) -> bool:
        """Whether this process has made the pool, not one that it was forked from."""
        return self._pid == os.getpid() and not self._closed

    def call(
        self,
        name: str,
        args: Iterable[Any],
        kwargs: dict[str, Any],
        *,
        who: str,
        what: str,
        budget: Budget | None = None,
    ) -> Any:
        """Return what a function gives that is marked as bounded.

        :param name: ``module:function``
        :param args: JSON values
        :param kwargs: JSON values
        :param who: whose work it is
        :param what: by which way it came, for the log
        :param budget: what it may take, and what it has taken then; None: all that the limits allow
        :raises LimitExceeded: it passed a limit
        :raises Overloaded: all processes are busy
        :raises WorkflowsError: what the function raised
        """
        budget = budget or Budget(self.limits.seconds)
        if budget.left <= 0:
            raise self.limits.exceeded(which="time")
        request = {"function": name, "args": list(args), "kwargs": kwargs, "seconds": budget.left}
        try:
            message = messages.encoded(request, self.limits.message)
        except messages.TooLarge:
            raise self.limits.exceeded(which="size") from None
        except RecursionError:
            raise self.limits.exceeded(which="depth") from None
        reply = self._reply(message, budget, who, what)
        if "limit" in reply:
            raise self.limits.exceeded(reply["limit"])
        if "error" in reply:
            raise messages.error_from_json(reply["error"])
        if "failed" in reply:
            log.error("An evaluation of %s failed with %s", what, reply["failed"])
            text = f"The evaluation failed with {reply['failed']}"
            raise WorkflowsError(text, code=ProblemCode.EVALUATION_FAILED)
        return reply["value"]

    def _reply(self, message: bytes, budget: Budget, who: str, what: str) -> Any:
        child = self._take(who)
        usable = False
        began = time.monotonic()
        try:
            reply = child.call(message, budget.left)
            usable = not reply.get("worn") and child.calls < MAX_CALLS
        except (EOFError, OSError, ValueError, RecursionError, messages.TooLarge) as error:
            raise self._killed(child, error, who, what) from None
        finally:
            budget.left -= time.monotonic() - began
            self._give_back(child, who, usable=usable)
        return reply

    def _killed(self, child: Child, reason: Exception, who: str, what: str) -> LimitExceeded:
        which: Exceeded = "died"
        if isinstance(reason, TimeoutError):
            which = "time"
        elif isinstance(reason, messages.TooLarge):
            which = "size"
        elif isinstance(reason, RecursionError):
            which = "depth"
        error = self.limits.exceeded(which)
        log.warning("Evaluation process %d was ended: %s; it worked for %r: %s", child.pid, error.message, who, what)
        return error

    # Places

    def _take(self, who: str) -> Child:
        """Return a process for somebody's work, when it is their turn.

        :raises Overloaded: too many wait, or it took too long
        """
        self.start()
        ticket = _Ticket(who)
        with self._changed:
            places = self._places
            mine = sum(each.who == who for each in places.waiting)
            if len(places.waiting) >= MAX_WAITING or mine >= MAX_WAITING_EACH:
                raise _overloaded()
            places.waiting.append(ticket)
            self._assign()
            began = time.monotonic()
            while ticket.child is None and not self._closed:
                # Where none is ready, nobody has too much work: they are being started.
                is_ready = bool(places.idle or places.busy)
                left = began + (self.limits.seconds if is_ready else START_SECONDS) - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(min(left, self.limits.seconds))
            if ticket.child is None:
                places.waiting.remove(ticket)
                raise _overloaded()
            return ticket.child

    def _assign(self) -> None:
        """Give idle processes to those whose turn it is; called with the lock."""
        places = self._places
        share = max(1, self.limits.processes - 1)
        while places.idle:
            fitting = [each for each in places.waiting if places.busy[each.who] < share]
            if not fitting:
                return
            first = min(fitting, key=lambda each: places.busy[each.who])
            places.waiting.remove(first)
            places.busy[first.who] += 1
            # The most recently used process has most of what is needed again still compiled.
            first.child = places.idle.pop()
            self._changed.notify_all()

    def _give_back(self, child: Child, who: str, *, usable: bool) -> None:
        usable = usable and child.is_alive()
        if not usable:
            child.end()
        with self._changed:
            places = self._places
            places.busy[who] -= 1
            if not places.busy[who]:
                del places.busy[who]
            if usable and not self._closed:
                places.idle.append(child)
            else:
                places.count -= 1
            self._assign()
            self._changed.notify_all()
        if usable and self._closed:
            child.end()

    def _keep(self) -> None:
        """Start processes where some are missing, for as long as the pool is open."""
        while True:
            with self._changed:
                while self._places.count >= self.limits.processes and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                self._places.count += 1
            self._start_one()

    def _start_one(self) -> None:
        try:
            child = Child(self.limits, self._warm)
        except Exception as error:
            log.warning("An evaluation process could not be started: %s", error)
            with self._changed:
                self._places.count -= 1
                self._changed.wait(START_AGAIN)
            return
        with self._changed:
            if not self._closed:
                self._places.idle.append(child)
                self._assign()
                return
        child.end()


class PoolDoor:
    """Has the work of one request done by a pool; all of it together has one time limit.

    :param pool: gives the pool, asked for by the first work
    :param who: whose work it is
    :param what: by which way it came
    """

    def __init__(self, pool: Callable[[], Pool], who: str, what: str) -> None:
        self._pool = pool
        self._who = who
        self._what = what
        self._budget: Budget | None = None

    def run(self, name: str, _: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Compute in a child process; see :class:`~airflow_workflow_provider.bounded.doors.Door`."""
        pool = self._pool()
        self._budget = self._budget or Budget(pool.limits.seconds)
        return pool.call(name, args, kwargs, who=self._who, what=self._what, budget=self._budget)

    def renewed(self) -> PoolDoor:
        """Return a door for the same user, with all of its time."""
        return PoolDoor(self._pool, self._who, self._what)


_lock: Final = threading.Lock()
_shared: Pool | None = None


def shared_pool(make: Callable[[], Pool]) -> Pool:
    """Return the pool of this process, made when it is first asked for; it ends with the process."""
    global _shared  # noqa: PLW0603 - one pool a process is what it is for
    with _lock:
        if _shared is None or not _shared.is_ours:
            _shared = make()
            atexit.register(_shared.close)
        return _shared


def _overloaded() -> Overloaded:
    message = "All processes that evaluate expressions and schemas are busy"
    return Overloaded(message, suggestion="try again soon; [workflows] evaluation_processes sets how many there are")
