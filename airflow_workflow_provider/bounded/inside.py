"""Limits for a process that runs the work of one step only, and so needs no child process."""

from __future__ import annotations

import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from airflow_workflow_provider.bounded.doors import behind
from airflow_workflow_provider.bounded.limits import is_panic, memory_of

if TYPE_CHECKING:
    from airflow_workflow_provider.bounded.limits import Limits

R = TypeVar("R")

_AGAIN: Final = 0.2
"""Seconds of the processor after which work that has not ended is stopped once more."""

_SHORTEST: Final = 0.001
"""A timer of no time would be none."""


class _TimeIsOver(BaseException):
    """No ``except Exception`` of a library may swallow it."""


@dataclass(frozen=True)
class Inside:
    """Runs functions in this process, within limits of time and memory.

    Time is that of the processor, so a busy machine fails no step. It is measured by a signal, which only a main thread
    gets; elsewhere memory alone is limited. What other threads compute meanwhile does not count.

    :param limits: for each function that is run
    """

    limits: Limits

    def run(self, _: str, function: Callable[..., R], args: tuple[Any, ...], kwargs: dict[str, Any]) -> R:
        """Compute here; see :class:`~airflow_workflow_provider.bounded.doors.Door`."""
        return self.within(lambda: function(*args, **kwargs))

    def renewed(self) -> Inside:
        """Return itself: each function has all of the limits."""
        return self

    def within(self, work: Callable[[], R]) -> R:
        """Do some work.

        :raises LimitExceeded: it passed a limit
        """
        try:
            with behind(None), memory_limited(self.limits.memory), _time(self.limits.seconds):
                return work()
        except _TimeIsOver:
            raise self.limits.exceeded(which="time") from None
        except MemoryError:
            raise self.limits.exceeded(which="memory") from None
        except RecursionError:
            raise self.limits.exceeded(which="depth") from None
        except BaseException as error:
            if not is_panic(error):
                raise
            raise self.limits.exceeded(which="depth") from None


@contextmanager
def _time(seconds: float) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    counts = True
    ends = time.thread_time() + seconds

    def over(*_: Any) -> None:
        if not counts:
            return
        left = ends - time.thread_time()
        if left <= 0:
            raise _TimeIsOver
        # The timer counts what all threads of the process compute.
        signal.setitimer(signal.ITIMER_PROF, max(left, _SHORTEST), _AGAIN)

    handler = signal.signal(signal.SIGPROF, over)
    # Again, if it was raised where Python drops exceptions, as in a finalizer.
    theirs, interval = signal.setitimer(signal.ITIMER_PROF, seconds, max(seconds, _AGAIN))
    try:
        yield
    finally:
        counts = False
        signal.setitimer(signal.ITIMER_PROF, theirs, interval)
        signal.signal(signal.SIGPROF, handler)


class _Memory:
    """The limit of this process's data while some of its work is limited; several threads may do such work."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._more: dict[int, int] = {}
        self._before = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)

    def allow(self, more: int | None) -> int | None:
        """Let the work of this thread have so many bytes more than there are now; return what it was allowed before.

        :param more: None: the work has ended
        """
        thread = threading.get_ident()
        with self._lock:
            if not self._more:
                self._before = resource.getrlimit(resource.RLIMIT_DATA)
            known = self._more.pop(thread, None)
            if more is not None:
                self._more[thread] = more
            resource.setrlimit(resource.RLIMIT_DATA, (self._limit(), self._before[1]))
            return known

    def _limit(self) -> int:
        soft, used = self._before[0], memory_of("VmData") if self._more else None
        if used is None:
            return soft
        wanted = used + sum(self._more.values())
        return wanted if soft == resource.RLIM_INFINITY else min(wanted, soft)


_memory: Final = _Memory()


@contextmanager
def memory_limited(more: int) -> Iterator[None]:
    """Allow so many bytes of data more than there are, where the system shows how many there are.

    Beyond them allocations fail: Python raises MemoryError, libraries of C report it in their own way. The limit is
    that of the process, so where several threads are limited, all of them together may have what they are allowed.
    """
    outer = _memory.allow(more)
    if outer is not None and outer < more:
        _memory.allow(outer)
    try:
        yield
    finally:
        _memory.allow(outer)
