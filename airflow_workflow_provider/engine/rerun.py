"""Running an ended step again, for an operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_workflow_provider.engine import limits, regions
from airflow_workflow_provider.engine.keys import ROOT
from airflow_workflow_provider.engine.phases import InstanceStatus, Kind, Phase, StepStatus, Trigger
from airflow_workflow_provider.vocabulary import LogEvent

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.scope import Scope
    from airflow_workflow_provider.engine.turn import Turn


def reopen(turn: Turn, key: str, step_id: str, *, handling: bool | None = None) -> None:
    """Make a step that has ended, or was stopped, the live activation of its list again, as a new visit.

    What the instance had decided after the step is taken back: it runs again, and so do the regions around the step.
    Outputs that later steps merged stay in the working document until those steps run again.

    :param key: the step's list: the top level or a branch, never an item
    :param handling: whether the workflow's ``onFailure`` led to it; by default what its record says
    """
    state = turn.state
    record = state.record(key, step_id)
    if handling is None:
        handling = record is not None and record.handling
    if not handling:
        state.failure = None
    limits.run_again(turn)
    state.status, state.error, state.output = InstanceStatus.RUNNING, None, None
    scope = turn.scope(key)
    _open_chain(turn, scope)
    regions.cancel_live(turn, scope)
    scope.control.reopen()
    scope.control.counts.pop(step_id, None)
    regions.forget_items(state, scope, step_id)
    current = turn.activate(scope, step_id)
    turn.log.step("info", LogEvent.STEP_RERUN, turn.now, key, current)


def _open_chain(turn: Turn, scope: Scope) -> None:
    """Put every region around a list back to where its branches run."""
    parent = scope.parent
    if parent is None:
        turn.scope(ROOT).control.reopen()
        return
    _open_chain(turn, parent)
    owner = scope.key[len(parent.key) :].lstrip("/").split("/")[0]
    current = parent.current
    if current is not None and current.step_id == owner and current.phase is Phase.REGION:
        return
    regions.cancel_live(turn, parent)
    record = parent.values.steps[owner]
    parent.control.reopen()
    activation = turn.new_activation(owner, record.visit, Kind.STEP)
    activation.move(Trigger.REOPEN)
    activation.attempt, activation.generation, activation.region = record.attempt, record.generation, record.region
    record.status, record.completed_at = StepStatus.RUNNING, None
    record.next = record.way = None
    parent.control.current = activation
