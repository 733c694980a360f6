"""What lets attempts begin: an operator suspends and resumes an instance, a queue admits it (rules I3, I5, I7).

While an instance is suspended no new attempt begins; running attempts continue to their end, and the machine processes
them. The instance's own deadline is paused; those of attempts and of questions are not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.engine.failure import moment, timestamp
from airflow_workflow_provider.engine.instance_records import Suspension
from airflow_workflow_provider.engine.phases import Phase, Trigger
from airflow_workflow_provider.vocabulary import LogEvent

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_workflow_provider.engine.documents import Json
    from airflow_workflow_provider.engine.machine import Machine

RESTORED_BY: Final = {"id": "reconciliation", "name": "Reconciliation"}
"""Who suspends an instance that was restored from an older backup."""

RESTORED: Final = (
    "The workflow database was restored from an older backup: steps of this instance have run that it does not know. "
    "Resume it to run them again, or cancel it"
)

UNCLEARED: Final = 1_000_000
"""A generation that no task of Airflow reaches; the task's own takes its place when it runs next."""


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


def suspend_restored(machine: Machine, now: datetime) -> bool:
    """Let no new attempt begin in an instance whose stored state is older than what was done for it.

    To resume it is to decide that what is not stored may be done again. So that Airflow can run its tasks from the
    first, each step that has ended, or waits, counts as run however often its task was cleared.

    :returns: False where that is so already, or where the instance has ended
    """
    state = machine.state
    if machine.is_over or (state.suspension is not None and state.suspension.by == RESTORED_BY):
        return False
    with machine.turn(now) as turn:
        since = turn.timestamp if state.suspension is None else state.suspension.at
        state.suspension = Suspension(since, RESTORED_BY, RESTORED)
    for key in state.lists:
        for record in state.values(key).steps.values():
            if record.is_finished:
                record.generation = UNCLEARED
    for _, current in machine.live():
        if current.phase is Phase.WAITING and current.can_wait_on:
            current.generation = UNCLEARED
        elif current.is_begun:
            # Nobody knows how far that attempt came; the next one is no failure's.
            current.move(Trigger.RETRY)
            current.retry_at, current.question = timestamp(now), None
    data = {"found": "database-restored", "did": "instance-suspended"}
    machine.log.add("error", LogEvent.INSTANCE_RECONCILED, now, data=data)
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
        # While it waits for its turn, the deadline is paused by that.
        if machine.state.queued_at is None:
            instance.postpone(max(now, moment(suspension.at)) - moment(suspension.at))
    return True


def admit(machine: Machine, now: datetime) -> bool:
    """Let the attempts of an instance begin whose turn it is; its deadline moves by the time for which it waited.

    :returns: False where it does not wait
    """
    state, queued_at = machine.state, machine.state.queued_at
    if machine.is_over or queued_at is None:
        return False
    with machine.turn(now) as turn:
        state.queued_at = None
        # A suspension that has begun meanwhile moves the deadline from then on.
        end = now if state.suspension is None else min(now, moment(state.suspension.at))
        if end > moment(queued_at):
            state.instance.postpone(end - moment(queued_at))
        seconds = max((now - moment(queued_at)).total_seconds(), 0.0)
        turn.log.add("info", LogEvent.INSTANCE_ADMITTED, now, data={"seconds": round(seconds, 3)})
    return True


def hold(machine: Machine, task_id: str) -> None:
    """Note a task that waits until attempts may begin again, without a worker."""
    if task_id not in machine.state.held:
        machine.state.held.append(task_id)


def released(machine: Machine) -> list[str]:
    """Return the tasks that need wait no longer until attempts may begin again, once."""
    if machine.state.is_held:
        return []
    held, machine.state.held = machine.state.held, []
    return held
