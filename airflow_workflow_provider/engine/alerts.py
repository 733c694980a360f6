"""Timeouts that only alert: when an attempt or instance that exceeds one is reported, once (rule F3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from airflow_workflow_provider.engine.failure import moment
from airflow_workflow_provider.vocabulary import LogEvent

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_workflow_provider.engine.documents import Json
    from airflow_workflow_provider.engine.instance_records import InstanceFacts
    from airflow_workflow_provider.engine.records import Activation
    from airflow_workflow_provider.engine.state import State
    from airflow_workflow_provider.engine.turn import Turn


def next_alert(state: State) -> datetime | None:
    """Return the next moment at which something is reported to take too long; None for never."""
    return min((at for at, _, _ in _coming(state)), default=None)


def alert(turn: Turn, until: datetime | None = None) -> bool:
    """Report the first thing that takes too long; return whether there was one.

    :param until: only what was due at this moment or before; by default now
    """
    first = min(_coming(turn.state), default=None, key=lambda entry: entry[:2])
    if first is None or first[0] > min(until or turn.now, turn.now):
        return False
    _, _, found = first
    late: Activation | InstanceFacts = turn.state.instance if found is None else found[1]
    late.alert_at, late.overdue_since = None, late.alert_at
    data: Json = {"since": late.overdue_since, "startedAt": late.started_at}
    if found is None:
        turn.log.add("error", LogEvent.INSTANCE_OVERDUE, turn.now, data=data)
    else:
        turn.log.step("error", LogEvent.STEP_OVERDUE, turn.now, found[0], found[1], data=data)
    return True


def overdue_in(state: State) -> Json:
    """Return what was reported of an instance and has not ended: its steps, and since when it takes too long itself."""
    live = [(key, current) for key, current in state.live() if current.overdue_since is not None]
    return {
        "since": None if state.is_over else state.instance.overdue_since,
        "steps": [
            {"step_id": current.step_id, "scope": key, "attempt": current.attempt, "since": current.overdue_since}
            for key, current in sorted(live, key=lambda entry: entry[1].sequence)
        ],
    }


def _coming(state: State) -> Iterator[tuple[datetime, int, tuple[str, Activation] | None]]:
    """Yield what is reported in future, with the moment and an order; the instance as None.

    While no attempt may begin the time of the instance does not pass (rule I3).
    """
    if state.is_over:
        return
    if state.instance.alert_at is not None and not state.is_held:
        yield moment(state.instance.alert_at), -1, None
    for key, current in state.live():
        if current.alert_at is not None:
            yield moment(current.alert_at), current.sequence, (key, current)
