"""What is reported because it takes too long, once each: timeouts that only alert, and deadlines (rule F3)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from airflow_workflow_provider.engine.failure import moment
from airflow_workflow_provider.vocabulary import LogEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from airflow_workflow_provider.engine.documents import Json
    from airflow_workflow_provider.engine.records import Activation
    from airflow_workflow_provider.engine.state import State
    from airflow_workflow_provider.engine.turn import Turn

_DEADLINE, _INSTANCE = -2, -1
"""The order of what is reported of the instance, before its steps, at the same moment."""


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
    first[2](turn)
    return True


def is_overdue(state: State) -> bool:
    """Return whether it was reported of the instance as a whole that it takes too long, and it has not ended."""
    return not state.is_over and (state.instance.missed or state.instance.overdue_since is not None)


def overdue_in(state: State) -> Json:
    """Return what was reported of an instance and has not ended.

    :returns: since when it takes too long itself, its deadline if it missed that, and its steps
    """
    live = [(key, current) for key, current in state.live() if current.overdue_since is not None]
    return {
        "since": None if state.is_over else state.instance.overdue_since,
        "deadline": state.instance.due_at if state.instance.missed and not state.is_over else None,
        "steps": [
            {"step_id": current.step_id, "scope": key, "attempt": current.attempt, "since": current.overdue_since}
            for key, current in sorted(live, key=lambda entry: entry[1].sequence)
        ],
    }


def _coming(state: State) -> Iterator[tuple[datetime, int, Callable[[Turn], None]]]:
    """Yield what is reported in future, with the moment and an order.

    While no attempt may begin the time of the instance does not pass (rule I3); its deadline comes all the same.
    """
    instance = state.instance
    if state.is_over:
        return
    if instance.due_at is not None and not instance.missed:
        yield moment(instance.due_at), _DEADLINE, _miss_deadline
    if instance.alert_at is not None and not state.is_held:
        yield moment(instance.alert_at), _INSTANCE, _exceed_timeout
    for key, current in state.live():
        if current.alert_at is not None:
            yield moment(current.alert_at), current.sequence, partial(_exceed_step, key=key, current=current)


def _miss_deadline(turn: Turn) -> None:
    instance = turn.state.instance
    instance.missed = True
    data: Json = {"since": instance.due_at, "startedAt": instance.started_at}
    turn.log.add("error", LogEvent.INSTANCE_DEADLINE_MISSED, turn.now, data=data)


def _exceed_timeout(turn: Turn) -> None:
    instance = turn.state.instance
    instance.alert_at, instance.overdue_since = None, instance.alert_at
    data: Json = {"since": instance.overdue_since, "startedAt": instance.started_at}
    turn.log.add("error", LogEvent.INSTANCE_OVERDUE, turn.now, data=data)


def _exceed_step(turn: Turn, *, key: str, current: Activation) -> None:
    current.alert_at, current.overdue_since = None, current.alert_at
    data: Json = {"since": current.overdue_since, "startedAt": current.started_at}
    turn.log.step("error", LogEvent.STEP_OVERDUE, turn.now, key, current, data=data)
