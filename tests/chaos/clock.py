"""A time of day that can be stepped, for Airflow's processes alone: the database's clock stays as it is."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("clock.c")


@dataclass(frozen=True)
class SteppedClock:
    """A library that is loaded before others, and the file with the seconds by which its programs' clock is off."""

    library: Path
    offset: Path

    @classmethod
    def built(cls, folder: Path) -> SteppedClock | None:
        """Compile the library; None where that is impossible."""
        compiler = shutil.which("cc")
        if compiler is None:
            return None
        clock = cls(folder / "clock.so", folder / "clock.offset")
        command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(clock.library), str(SOURCE), "-ldl"]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode != 0:
            return None
        clock.step(0)
        return clock

    @property
    def variables(self) -> Mapping[str, str]:
        """What the programs get whose clock this is."""
        return {"LD_PRELOAD": str(self.library), "CHAOS_CLOCK": str(self.offset)}

    def step(self, seconds: int) -> None:
        """Set the clock this many seconds off the real time, for all programs at once."""
        self.offset.touch()
        # Not written anew: they have mapped the file.
        with self.offset.open("r+b") as file:
            file.write(seconds.to_bytes(8, "little", signed=True))
