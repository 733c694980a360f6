"""Limits for a process that runs the work of one step only, and so needs no other process to be stopped in."""

from __future__ import annotations

import resource
import signal
import threading
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


class _TimeIsOver(BaseException):
    """No ``except Exception`` of a library may swallow it."""


@dataclass(frozen=True)
class Inside:
    """Runs functions in this process, within limits of time and memory.

    Time is that of the processor, so a busy machine fails no step. It is measured by a signal, which only a main thread
    gets; elsewhere memory alone is limited.

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

    def over(*_: Any) -> None:
        if counts:
            raise _TimeIsOver

    handler = signal.signal(signal.SIGPROF, over)
    # Again, if it was raised where Python drops exceptions, as in a finalizer.
    theirs, interval = signal.setitimer(signal.ITIMER_PROF, seconds, max(seconds, _AGAIN))
    try:
        yield
    finally:
        counts = False
        signal.setitimer(signal.ITIMER_PROF, theirs, interval)
        signal.signal(signal.SIGPROF, handler)


@contextmanager
def memory_limited(more: int) -> Iterator[None]:
    """Allow so many bytes of data more than there are, where the system shows how many there are.

    Beyond them allocations fail: Python raises MemoryError, libraries of C report it in their own way.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    used = memory_of("VmData")
    wanted = None if used is None else used + more
    if wanted is None or (soft != resource.RLIM_INFINITY and soft <= wanted):
        yield
        return
    resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
