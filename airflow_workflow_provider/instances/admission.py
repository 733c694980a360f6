"""Whether an instance whose number is limited runs at once, waits for its turn, or ends (rule I7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_workflow_provider.engine.limits import enqueue, refusal
from airflow_workflow_provider.store.places import Claim, is_free

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_workflow_provider.engine.failure import Failure
    from airflow_workflow_provider.engine.machine import Machine
    from airflow_workflow_provider.store.types import Connection


@dataclass(frozen=True)
class Admission:
    """The answer to a claim.

    :ivar refused: why the instance is to end without a step
    :ivar replaces: whether others are to end for its sake
    """

    claim: Claim
    refused: Failure | None = None
    replaces: bool = False


def claim_of(machine: Machine) -> Claim | None:
    """Return what an instance asks for; None where their number is not limited."""
    definition, instance = machine.graph.definition, machine.state.instance
    concurrency = definition.settings.concurrency
    if concurrency is None:
        return None
    # An instance may continue on a version that has a limit where its own had none.
    return Claim(instance.workflow_id, instance.concurrency_key or "", concurrency.limit)


def admission(connection: Connection, machine: Machine, now: datetime) -> Admission | None:
    """Decide about an instance that is about to be stored, and have it wait where there is no place for it.

    :returns: None where the number of instances is not limited
    """
    claim, concurrency = claim_of(machine), machine.graph.definition.settings.concurrency
    if claim is None or concurrency is None:
        return None
    if is_free(connection, claim):
        return Admission(claim)
    if concurrency.on_limit in ("skip", "fail"):
        return Admission(claim, refusal(concurrency))
    with machine.turn(now) as turn:
        enqueue(turn)
    return Admission(claim, replaces=concurrency.on_limit == "replace")
