"""Running a step again that has ended, because an operator wants it so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_workflow_provider.engine import regions
from airflow_workflow_provider.engine.state import ROOT, Json, Scope

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_workflow_provider.engine.machine import Machine


def reopen(machine: Machine, key: str, step_id: str, now: datetime, *, handling: bool | None = None) -> None:
    """Make a step that has ended, or was stopped, the live activation of its list again, as a new visit.

    What the instance had decided after the step is taken back: it runs again, and so do the regions around the step.
    Outputs that later steps merged stay in the working document until those steps run again.

    :param key: the step's list: the top level or a branch, never an item
    :param handling: whether the workflow's ``onFailure`` led to it; by default what its record says
    """
    state = machine.state
    record = machine.scope(key).values["steps"].get(step_id, {})
    if not (record.get("handling") if handling is None else handling):
        state["failure"] = None
    state.update(status="running", error=None, output=None)
    _open_chain(machine, machine.scope(key), now)
    scope = machine.scope(key)
    regions.cancel_live(machine, scope, now)
    _run(scope.control)
    scope.control["counts"].pop(step_id, None)
    regions.forget_items(machine, scope, step_id)
    machine.activate(scope, step_id, now)
    machine.log.step("info", "step.rerun", now, key, scope.control["current"])


def _open_chain(machine: Machine, scope: Scope, now: datetime) -> None:
    """Put every region around a list back to where its branches run."""
    parent = scope.parent
    if parent is None:
        _run(machine.scope(ROOT).control)
        return
    _open_chain(machine, parent, now)
    owner = scope.key[len(parent.key) :].lstrip("/").split("/")[0]
    current = parent.current
    if current is not None and current["stepId"] == owner and current["phase"] == "region":
        return
    regions.cancel_live(machine, parent, now)
    record = parent.values["steps"][owner]
    _run(parent.control)
    activation = machine.new_activation(owner, record["visit"], "step")
    activation.update(
        phase="region", attempt=record["attempt"], generation=record["generation"], region=record["region"]
    )
    record.update(status="running", completedAt=None, next=None)
    parent.control["current"] = activation


def _run(control: Json) -> None:
    control.update(status="running", output=None, failure=None, stopped=None)
