"""A clock that can be stepped while processes run, by libfaketime where that is installed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SteppedClock:
    """The wall clock of processes that were started with :attr:`variables`; the database keeps the true one.

    :param library: of libfaketime
    :param file: from which it reads by how much the clock is off
    """

    library: Path
    file: Path

    @classmethod
    def found(cls, folder: Path) -> SteppedClock | None:
        """Return a clock that is right, or None where libfaketime is not installed."""
        for library in sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")):
            clock = cls(library, folder / "clock")
            clock.step(0)
            return clock
        return None

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables of processes that have this clock."""
        return {
            "LD_PRELOAD": str(self.library),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_NO_CACHE": "0",
            "NO_FAKE_STAT": "1",
        }

    def step(self, seconds: int) -> None:
        """Let the clock be off by some seconds; 0 for the true time."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n")
        fresh.replace(self.file)
