"""What is to be done about an instance and its DAG run, by comparing them: one decision, without I/O (rule I1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final, Literal

OnMissingRun = Literal["recreate", "fail"]

ENDED_RUN: Final = frozenset({"success", "failed"})
LIVE: Final = frozenset({"running", "suspended"})

MISSING_GRACE: Final = timedelta(minutes=1)
"""How long a live instance must not have changed before its run counts as gone, by the clock of the database."""

ENDED_GRACE: Final = timedelta(seconds=10)
"""How long Airflow's own notice of the end of a run may take."""


class Deed(StrEnum):
    """What is to be done."""

    NOTHING = "nothing"
    LATER = "later"
    """It may be about to agree by itself; look again."""
    SETTLE = "settle"
    """The run has ended and the instance has not: end the instance as the run did."""
    RECREATE = "recreate"
    """The run is gone: make it again; it continues from the stored state."""
    FAIL = "fail"
    """The run is gone: fail the instance."""
    END_RUN = "end-run"
    """The instance has failed, and its run waits for something that will not come."""


@dataclass(frozen=True)
class StoredInstance:
    """An instance, as the workflow database has it.

    :param unchanged_for: how long ago its row was changed last, by the clock of that database
    """

    status: str
    unchanged_for: timedelta


@dataclass(frozen=True)
class FoundRun:
    """A DAG run, as Airflow has it.

    :param ended_for: how long ago it ended, by two clocks that may differ; null where it has not
    :param waits_only: it is active, and all that is unfinished in it waits without a worker
    """

    state: str
    ended_for: timedelta | None = None
    waits_only: bool = False


def decide(instance: StoredInstance, run: FoundRun | None, on_missing: OnMissingRun) -> Deed:
    """Return what is to be done about an instance and its run; nothing, as long as they agree.

    :param run: null where Airflow has none
    :param on_missing: ``[workflows] on_missing_run``
    """
    if instance.status not in LIVE:
        return _of_ended(instance, run)
    if run is None:
        if instance.unchanged_for < MISSING_GRACE:
            return Deed.LATER
        return Deed.RECREATE if on_missing == "recreate" else Deed.FAIL
    if run.state not in ENDED_RUN:
        return Deed.NOTHING
    is_fresh = run.ended_for is not None and timedelta(0) <= run.ended_for < ENDED_GRACE
    return Deed.LATER if is_fresh else Deed.SETTLE


def _of_ended(instance: StoredInstance, run: FoundRun | None) -> Deed:
    # A completed instance may have a run that still replays stored decisions, as after a restored backup.
    if instance.status != "failed" or run is None or run.state in ENDED_RUN or not run.waits_only:
        return Deed.NOTHING
    return Deed.LATER if instance.unchanged_for < MISSING_GRACE else Deed.END_RUN
