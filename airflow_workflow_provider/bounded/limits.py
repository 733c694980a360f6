"""The limits of untrusted work, and how a process enforces them on itself."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from airflow_workflow_provider.errors import LimitExceeded

if TYPE_CHECKING:
    from airflow_workflow_provider.settings import Settings

MIB: Final = 1024**2

Exceeded = Literal["time", "memory", "depth", "size", "died"]
"""The exceeded limit; ``died``: the process ended by itself, as C code does that runs out of memory or stack."""

_WORDS: Final[dict[Exceeded, str]] = {
    "time": "takes longer than {seconds:g} s",
    "memory": "needs more than {memory} MB of memory",
    "depth": "is nested too deeply",
    "size": "has more than {message} MB of data",
    "died": "ended its process, most likely for lack of memory",
}


@dataclass(frozen=True)
class Limits:
    """The limits of one request.

    :param seconds: of time, all that it has computed together
    :param memory: bytes of the data of the process that computes it
    :param processes: that compute at the same time
    :param message: bytes of what goes in, and of what comes out
    """

    seconds: float = 5.0
    memory: int = 512 * MIB
    processes: int = 2
    message: int = 64 * MIB

    @classmethod
    def configured(cls, settings: Settings) -> Limits:
        """Return those of the configuration."""
        return cls(
            seconds=settings.evaluation_seconds,
            memory=settings.evaluation_memory * MIB,
            processes=settings.evaluation_processes,
        )

    def exceeded(self, which: Exceeded, what: str = "The evaluation") -> LimitExceeded:
        """Return the error of work that passed a limit.

        :param what: the work, as messages call it
        """
        values = {"seconds": self.seconds, "memory": self.memory // MIB, "message": self.message // MIB}
        return LimitExceeded(
            f"{what} {_WORDS[which].format(**values)}",
            which,
            suggestion="simplify it, or ask an administrator to raise [workflows] evaluation_seconds or "
            "evaluation_memory",
        )


def confine(memory: int) -> None:
    """Hold this process to a size for the rest of its life; it writes no file and leaves no core dump."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    _lower(resource.RLIMIT_DATA, memory)


def allow_seconds(seconds: float) -> None:
    """Let this process compute for so long from now on; the kernel ends it afterwards, whatever it does."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + seconds) + 2, hard))


def memory_of(what: Literal["VmData", "VmHWM"]) -> int | None:
    """Return the data of this process now, or the most memory that it ever had; None where the system has no figure.

    What ``getrusage`` calls the most that a process had counts its parent's too, before the program was loaded.
    """
    try:
        with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - pathlib takes longer than reading
            found = next((line for line in status if line.startswith(f"{what}:")), None)
    except OSError:
        return None
    return None if found is None else int(found.split()[1]) * 1024


def is_panic(error: BaseException) -> bool:
    """Return whether a library of Rust has panicked, as it does where Python's limit of depth is met inside it.

    What it raises is no ``Exception``, and its class can be imported from nowhere.
    """
    return type(error).__name__ == "PanicException"


def _lower(kind: int, wanted: int) -> None:
    _, hard = resource.getrlimit(kind)
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(kind, (limit, limit))
