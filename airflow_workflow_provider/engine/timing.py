"""Deadlines and delays: what is due next, and what a moment that has passed means (rules F2, F3, I3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_workflow_provider.engine import attempts, completion, regions, transitions
from airflow_workflow_provider.engine.alerts import alert, next_alert
from airflow_workflow_provider.engine.calls import ActivationRef
from airflow_workflow_provider.engine.failure import Failure, later, moment, timestamp
from airflow_workflow_provider.model.durations import parse_duration
from airflow_workflow_provider.vocabulary import ErrorType

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.engine.state import State
    from airflow_workflow_provider.engine.turn import Turn


def instance_deadline(state: State) -> datetime | None:
    """Return when the instance must have ended.

    None where it has no limit, has ended, is suspended or waits for its turn, and where its ``onFailure`` runs already.
    """
    deadline = state.instance.deadline
    if deadline is None or state.failure is not None or state.is_over or state.is_held:
        return None
    return moment(deadline)


def instance_limit(state: State, now: datetime) -> datetime | None:
    """Return when a wait has to be looked at for the sake of the instance's deadline; None for never.

    While no attempt may begin that is the earliest moment at which its time could be over.
    """
    deadline, since = state.instance.deadline, state.held_since
    if since is None or deadline is None or state.failure is not None or state.is_over:
        return instance_deadline(state)
    return later(now, moment(deadline) - moment(since))


def set_deadline(state: State, graph: Graph, now: datetime) -> None:
    """Let the time that the instance may take begin (``settings.timeout``), and note when it is due by its start."""
    settings = graph.definition.settings
    due = timestamp(later(now, parse_duration(settings.timeout))) if settings.timeout else None
    only_alerts = settings.on_timeout == "alert"
    state.instance.deadline, state.instance.alert_at = (None, due) if only_alerts else (due, None)
    state.instance.overdue_since = None
    start, length = moment(state.instance.started_at), settings.deadline
    state.instance.due_at = timestamp(later(start, parse_duration(length))) if length else None


def next_timer(state: State, holds: Callable[[ActivationRef], bool]) -> datetime | None:
    """Return the next moment at which a retry is due, a deadline passes or something is reported, or None.

    :param holds: returns whether the asking host would begin a retry; those of others are not its business
    """
    moments = []
    for key, current in state.live():
        if current.deadline is not None:
            moments.append(moment(current.deadline))
        if current.retry_at is not None and not state.is_held and holds(ActivationRef.of(key, current)):
            moments.append(moment(current.retry_at))
    moments += [found for found in (instance_deadline(state), next_alert(state)) if found is not None]
    return min(moments, default=None)


def fail_instance(turn: Turn, failure: Failure) -> None:
    """Fail the top-level list with a failure that no step can route; the workflow's ``onFailure`` still may."""
    failure = failure.while_handling(turn.root.error)
    error = turn.error(failure, turn.state.current_step_id)
    completion.abandon_compensations(turn)
    regions.cancel_live(turn, turn.root)
    turn.root.control.current = None
    transitions.fail_list(turn, turn.root, failure, error)


def expire(turn: Turn) -> bool:
    """Fail or report one thing that has taken too long (rule F3); return whether anything had."""
    deadline = instance_deadline(turn.state)
    is_late = deadline is not None and deadline <= turn.now
    late = [
        (moment(current.deadline), current.sequence, key)
        for key, current in turn.state.live()
        if current.deadline is not None and moment(current.deadline) <= turn.now
    ]
    if alert(turn, deadline if is_late else min(late)[0] if late else None):
        return True
    if is_late:
        limit = turn.graph.definition.settings.timeout
        fail_instance(turn, Failure(ErrorType.TIMEOUT_ERROR, f"The instance did not end within {limit}"))
        return True
    if not late:
        return False
    _, _, key = min(late)
    attempts.expire_attempt(turn, turn.scope(key))
    return True
