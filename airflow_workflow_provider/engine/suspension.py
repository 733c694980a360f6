"""What an operator does to an instance that lives: suspend it and let it go on (rules I3, I5).

While an instance is suspended no new attempt begins; what runs goes on to its end, and the machine decides what that
means. The instance's own deadline stands still; those of attempts and of questions do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_workflow_provider.engine.failure import later, moment, timestamp
from airflow_workflow_provider.engine.instance_records import Suspension

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_workflow_provider.engine.documents import Json
    from airflow_workflow_provider.engine.machine import Machine


def suspend(machine: Machine, by: Json, reason: str | None, now: datetime) -> bool:
    """Let no new attempt begin until :func:`resume`.

    :param by: who suspends it: ``id`` and ``name``
    :returns: False where that is so already, or where the instance has ended
    """
    if machine.is_over or machine.is_suspended:
        return False
    with machine.turn(now) as turn:
        turn.state.suspension = Suspension(turn.timestamp, by, reason)
    return True


def resume(machine: Machine, now: datetime) -> bool:
    """Let attempts begin again; the instance's deadline moves by the time for which it was suspended.

    :returns: False where the instance was not suspended by anybody
    """
    suspension, instance = machine.state.suspension, machine.state.instance
    if machine.is_over or suspension is None:
        return False
    with machine.turn(now) as turn:
        turn.state.suspension = None
        if instance.deadline is not None:
            length = max(now, moment(suspension.at)) - moment(suspension.at)
            instance.deadline = timestamp(later(moment(instance.deadline), length))
    return True


def hold(machine: Machine, task_id: str) -> None:
    """Note a task that waits for the end of the suspension, without a worker."""
    if task_id not in machine.state.held:
        machine.state.held.append(task_id)


def released(machine: Machine) -> list[str]:
    """Return the tasks that need wait no longer for the end of a suspension, once."""
    if machine.is_suspended:
        return []
    held, machine.state.held = machine.state.held, []
    return held
