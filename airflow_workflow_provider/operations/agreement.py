"""Decides, without I/O, how to make an instance and its DAG run agree (rule I1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final, Literal

OnMissingRun = Literal["recreate", "fail"]

ENDED_RUN: Final = frozenset({"success", "failed"})
LIVE: Final = frozenset({"running", "suspended"})

MISSING_GRACE: Final = timedelta(minutes=1)
"""How long a live instance must not have changed before its run counts as missing, by the clock of the database."""

ENDED_GRACE: Final = timedelta(seconds=10)
"""How long Airflow's own notice of the end of a run may take."""


class Deed(StrEnum):
    """The action that makes an instance and its run agree."""

    NOTHING = "nothing"
    LATER = "later"
    """It may be about to agree by itself; look again."""
    SETTLE = "settle"
    """The run has ended and the instance has not: end the instance as the run did."""
    RECREATE = "recreate"
    """The run is missing: make it again; it continues from the stored state."""
    FAIL = "fail"
    """The run is missing: fail the instance."""
    END_RUN = "end-run"
    """The instance has failed, and its run waits for something that will not come."""
    REWIND = "rewind"
    """The instance is older than its run: suspend it, and have the run start from the first task."""
    WAKE = "wake"
    """Tasks of the run wait for what the instance does not wait for any more: have them look again."""


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
    :param is_ahead: its tasks have stored what the instance does not know, so that is older: it was restored
    :param waits_in_vain: it is active, and a task of it waits for what the instance does not wait for
    """

    state: str
    ended_for: timedelta | None = None
    waits_only: bool = False
    is_ahead: bool = False
    waits_in_vain: bool = False


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
    if run.is_ahead:
        return Deed.REWIND
    if run.state not in ENDED_RUN:
        is_old = instance.unchanged_for >= MISSING_GRACE
        return Deed.WAKE if run.waits_in_vain and is_old else Deed.NOTHING
    is_fresh = run.ended_for is not None and timedelta(0) <= run.ended_for < ENDED_GRACE
    return Deed.LATER if is_fresh else Deed.SETTLE


def _of_ended(instance: StoredInstance, run: FoundRun | None) -> Deed:
    if run is None or run.state in ENDED_RUN:
        return Deed.NOTHING
    if run.is_ahead:
        return Deed.REWIND
    # A completed instance may have a run that still replays stored decisions, as after a restored backup.
    deed = Deed.END_RUN if instance.status == "failed" and run.waits_only else Deed.NOTHING
    if instance.status == "completed" and run.waits_in_vain:
        deed = Deed.WAKE
    return Deed.LATER if deed is not Deed.NOTHING and instance.unchanged_for < MISSING_GRACE else deed
