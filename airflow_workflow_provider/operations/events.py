"""Use cases on events: accept them, and deliver dead letters again (rules E1, E5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_workflow_provider.errors import Conflict, NotFound
from airflow_workflow_provider.operations.permission import Permission, Right
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_workflow_provider.model.events import CloudEvent
    from airflow_workflow_provider.store.deliveries import Deliveries, Delivery
    from airflow_workflow_provider.store.events import Accepted, Events

MAX_TYPES = 20
"""Types of events that a row of the audit log lists."""


def accept(events: Events, given: Sequence[CloudEvent], permission: Permission) -> Sequence[Accepted]:
    """Accept events, all or none; one that was accepted before is not accepted again.

    :raises Forbidden: the caller may not publish events
    """
    permission.require_events()
    types = sorted({event.type for event in given})[:MAX_TYPES]
    permission.record("workflow.events", events=len(given), types=types)
    return events.accept(given)


def redrive(deliveries: Deliveries, delivery_id: int, permission: Permission) -> Delivery:
    """Deliver a dead letter again; return it as it is now. One that is pending already stays so.

    :raises NotFound: there is no such delivery, or the caller may not read its workflow
    :raises Forbidden: the caller may not start its workflow
    :raises Conflict: ``delivery-not-dead``
    """
    missing = NotFound(f"There is no delivery {delivery_id}", pointer=str(delivery_id))
    stored = deliveries.find(delivery_id)
    if stored is None:
        raise missing
    permission.require(Right.START, stored.workflow_id, missing)
    permission.record("workflow.redrive", workflow_id=stored.workflow_id, delivery=delivery_id)
    if not deliveries.redrive(deliveries_ids=[delivery_id]) and stored.status != "pending":
        message = f"Delivery {delivery_id} is not a dead letter: it is {stored.status}"
        raise Conflict(message, code=ProblemCode.DELIVERY_NOT_DEAD)
    return deliveries.find(delivery_id) or stored
