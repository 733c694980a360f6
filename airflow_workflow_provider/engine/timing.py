"""Deadlines and delays: what is due next, and what a moment that has passed means (rules F2, F3, I3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_workflow_provider.engine import attempts
from airflow_workflow_provider.engine.calls import Activation
from airflow_workflow_provider.engine.failure import TIMEOUT_ERROR, Failure, later, moment, timestamp
from airflow_workflow_provider.model.durations import parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from airflow_workflow_provider.engine.machine import Machine


def instance_deadline(machine: Machine) -> datetime | None:
    """Return when the instance must have ended.

    None where it may take for ever, has ended, or is suspended, and where its ``onFailure`` runs already.
    """
    deadline = machine.state["instance"].get("deadline")
    if deadline is None or machine.state["failure"] is not None or machine.is_over or machine.is_suspended:
        return None
    return moment(deadline)


def instance_limit(machine: Machine, now: datetime) -> datetime | None:
    """Return when a wait has to be looked at for the sake of the instance's deadline; None for never.

    While the instance is suspended that is the earliest moment at which its time could be over.
    """
    deadline = machine.state["instance"].get("deadline")
    if not machine.is_suspended or deadline is None or machine.state["failure"] is not None or machine.is_over:
        return instance_deadline(machine)
    return later(now, moment(deadline) - moment(machine.state["suspension"]["at"]))


def set_deadline(machine: Machine, now: datetime) -> None:
    """Let the time that the instance may take begin (``settings.timeout``)."""
    timeout = machine.graph.definition.settings.timeout
    machine.state["instance"]["deadline"] = timestamp(later(now, parse_duration(timeout))) if timeout else None


def next_timer(machine: Machine, holds: Callable[[Activation], bool]) -> datetime | None:
    """Return the next moment at which a retry is due or a deadline passes, or None.

    :param holds: tells which retries the asking host would begin; those of others are not its business
    """
    moments = []
    for key, current in machine.live():
        if current["deadline"] is not None:
            moments.append(moment(current["deadline"]))
        if current["retryAt"] is not None and not machine.is_suspended and holds(Activation.of(key, current)):
            moments.append(moment(current["retryAt"]))
    deadline = instance_deadline(machine)
    if deadline is not None:
        moments.append(deadline)
    return min(moments, default=None)


def expire(machine: Machine, now: datetime) -> bool:
    """Fail one thing that has passed its deadline (rule F3); return whether anything had."""
    deadline = instance_deadline(machine)
    if deadline is not None and deadline <= now:
        limit = machine.graph.definition.settings.timeout
        machine.fail_instance(Failure(TIMEOUT_ERROR, f"The instance did not end within {limit}"), now)
        return True
    late = [
        (current["deadline"], current["sequence"], key, current)
        for key, current in machine.live()
        if current["deadline"] is not None and moment(current["deadline"]) <= now
    ]
    if not late:
        return False
    _, _, key, current = min(late, key=lambda entry: entry[:2])
    attempts.expire_attempt(machine, machine.scope(key), current, now)
    machine.refresh()
    return True
