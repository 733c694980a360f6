"""Many cases of one target, each with its own seed, so that one that fails can be repeated alone."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from airflow_workflow_provider.bounded.limits import MIB, memory_of
from tests.fuzz.targets import TARGETS

MOST_SECONDS: Final = 2.0
"""Of processor time, for one case."""

MOST_MEMORY: Final = 768 * MIB
"""By which the process may grow, whatever the number of cases."""


@dataclass(frozen=True)
class Finding:
    """What nobody may see.

    :param seed: makes the case again
    """

    target: str
    seed: int
    what: str
    case: str


@dataclass
class Tally:
    """What many cases took.

    :ivar longest: seconds of processor time of the longest case
    """

    cases: int = 0
    longest: float = 0.0


def fuzz(target: str, seeds: range, tally: Tally) -> Iterator[Finding]:
    """Try one case for each seed."""
    for seed in seeds:
        dice = random.Random(f"{target}/{seed}")  # noqa: S311 - a seed makes cases that can be repeated
        case, run = TARGETS[target](dice)
        began, what = time.process_time(), ""
        try:
            run()
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
        took = time.process_time() - began
        if took > MOST_SECONDS:
            what = f"took {took:.1f} s. {what}"
        tally.cases += 1
        tally.longest = max(tally.longest, took)
        if what:
            yield Finding(target, seed, what, repr(case))


def memory() -> int:
    """Return the largest size that this process has had, in bytes; 0 where the system does not tell."""
    return memory_of("VmHWM") or 0
