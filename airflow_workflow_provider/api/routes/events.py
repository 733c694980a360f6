"""Events: accept CloudEvents, look at what became of them, drive dead letters again (rules E1 to E5)."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from airflow_workflow_provider.airflow_internals.secrets_masker import server_mask
from airflow_workflow_provider.api import audit
from airflow_workflow_provider.api.access import Right
from airflow_workflow_provider.api.bodies import StrictRoute, parsed, read_body
from airflow_workflow_provider.api.dependencies import BODY, AccessDep, ServicesDep, responses
from airflow_workflow_provider.api.event_models import (
    AcceptedEvent,
    AcceptedEvents,
    Delivery,
    DeliveryPage,
    DeliveryStatus,
    Event,
    EventPage,
    EventSummary,
    WaitingStep,
    WaitingSteps,
)
from airflow_workflow_provider.api.models import Finding, Text, WorkflowName
from airflow_workflow_provider.api.problems import Refused
from airflow_workflow_provider.api.visible import visible
from airflow_workflow_provider.errors import Conflict, NotFound
from airflow_workflow_provider.model.diagnostics import diagnostics_of
from airflow_workflow_provider.model.events import (
    BATCH,
    STRUCTURED,
    CloudEvent,
    InvalidEvent,
    UnknownMediaType,
    parse_request,
)
from airflow_workflow_provider.store.events import EventFilter
from airflow_workflow_provider.vocabulary import ProblemCode

router: Final = APIRouter(tags=["events"], route_class=StrictRoute)

MAX_EVENTS: Final = 8 * 1024**2
"""Bytes of a request with events."""

_ACCEPTED: Final = (STRUCTURED, BATCH, "application/json")
_ONE: Final[dict[str, Any]] = {"schema": {"$ref": "#/components/schemas/CloudEvent"}}
_MANY: Final[dict[str, Any]] = {"schema": {"type": "array", "items": _ONE["schema"], "maxItems": 1000}}
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "One event, or a batch; in binary mode (`ce-` headers) the body is the event's data",
        "content": {STRUCTURED: _ONE, BATCH: _MANY, "application/json": _ONE},
    }
}
Before = Annotated[int | None, Query(ge=1, lt=2**63, description="`next` of the page before")]
Limit = Annotated[int, Query(ge=1, le=1000)]


async def _events(request: Request) -> list[CloudEvent]:
    body = await read_body(request, MAX_EVENTS)
    try:
        return await parsed(partial(parse_request, request.headers.items()), body)
    except UnknownMediaType as error:
        raise Refused(415, error.message, code=error.code, headers={"Accept": ", ".join(_ACCEPTED)}) from None
    except InvalidEvent as error:
        status = 422 if error.__cause__ is None else 400
        raise Refused(
            status,
            error.message,
            code=error.code,
            findings=[Finding(**each.as_json()) for each in diagnostics_of(error)],
        ) from None


@router.post("/events", status_code=202, responses=responses(*BODY), openapi_extra=_BODY)
def accept_events(
    services: ServicesDep, access: AccessDep, given: Annotated[list[CloudEvent], Depends(_events)]
) -> AcceptedEvents:
    """Accept one CloudEvent or a batch, in structured or binary mode, all or none.

    When the answer comes they are stored and will start each workflow that they match once, however often they are
    sent. As with Airflow's own asset events, this needs the permission to create asset events.
    """
    access.require_asset("POST", "publish events")
    audit.record(access, "workflow.events", events=len(given), types=sorted({event.type for event in given})[:20])
    accepted = services.events.accept(given)
    return AcceptedEvents(
        items=[
            AcceptedEvent(id=kept.id, source=event.source, event_id=event.id, created=kept.created)
            for kept, event in zip(accepted, given, strict=True)
        ]
    )


@router.get("/events", responses=responses())
def list_events(
    *,
    services: ServicesDep,
    access: AccessDep,
    event_type: Annotated[Text | None, Query(alias="type")] = None,
    source: Text | None = None,
    subject: Text | None = None,
    event_id: Annotated[Text | None, Query(alias="eventId", description="The `id` that the sender gave")] = None,
    before: Before = None,
    limit: Limit = 100,
) -> EventPage:
    """List accepted events, newest first, without their data."""
    access.require_asset("GET", "read events")
    only = EventFilter(type=event_type, source=source, subject=subject, event_id=event_id, before=before)
    found = services.events.list(only, limit=limit + 1)
    items = [EventSummary.of(each) for each in found[:limit]]
    return EventPage(items=items, next=items[-1].sequence if len(found) > limit else None)


@router.get("/events/{id}", responses=responses())
def get_event(services: ServicesDep, access: AccessDep, id: UUID) -> Event:
    """Get an event with its data; this needs the permission to publish events."""
    access.require_asset("POST", "read the data of events")
    stored = services.events.get(id)
    return Event(**EventSummary.of(stored).model_dump(), event=server_mask(stored.event.to_json()))


@router.get("/deliveries", responses=responses())
def list_deliveries(
    *,
    services: ServicesDep,
    access: AccessDep,
    status: Annotated[DeliveryStatus | None, Query(description="`dead` gives the dead letters")] = None,
    workflow_id: Annotated[WorkflowName | None, Query(alias="workflowId")] = None,
    event: Annotated[UUID | None, Query(description="The `id` of an accepted event")] = None,
    before: Before = None,
    limit: Limit = 100,
) -> DeliveryPage:
    """List the deliveries of events, newest first: the workflow of each, and the reason if it did not start."""
    wanted = visible(services, access, workflow_id=workflow_id)
    found = services.deliveries.list(status=status, workflow_ids=wanted, event=event, before=before, limit=limit + 1)
    items = [Delivery.model_validate({**vars(each), "reason": server_mask(each.reason)}) for each in found[:limit]]
    return DeliveryPage(items=items, next=items[-1].id if len(found) > limit else None)


@router.post("/deliveries/{delivery_id}/redrive", status_code=202, responses=responses(409))
def redrive_delivery(services: ServicesDep, access: AccessDep, delivery_id: int) -> Delivery:
    """Deliver a dead letter again, with the current definition."""
    missing = NotFound(f"There is no delivery {delivery_id}", pointer=str(delivery_id))
    stored = _delivery(services, delivery_id)
    if stored is None:
        raise missing
    access.require(Right.START, stored.workflow_id, missing)
    audit.record(access, "workflow.redrive", workflow_id=stored.workflow_id, delivery=delivery_id)
    if not services.deliveries.redrive(deliveries_ids=[delivery_id]) and stored.status != "pending":
        message = f"Delivery {delivery_id} is no dead letter: it is {stored.status}"
        raise Conflict(message, code=ProblemCode.DELIVERY_NOT_DEAD)
    now = _delivery(services, delivery_id) or stored
    return Delivery.model_validate({**vars(now), "reason": server_mask(now.reason)})


@router.get("/waits", responses=responses())
def list_waits(
    services: ServicesDep,
    access: AccessDep,
    workflow_id: Annotated[WorkflowName | None, Query(alias="workflowId")] = None,
    instance: UUID | None = None,
    limit: Limit = 100,
) -> WaitingSteps:
    """List the steps that wait for an event, the longest wait first."""
    wanted = visible(services, access, workflow_id=workflow_id)
    found = services.waits.list(workflow_ids=wanted, instance=instance, limit=limit)
    return WaitingSteps(
        items=[
            WaitingStep.model_validate({**vars(each), "correlation": server_mask(each.correlation)}) for each in found
        ]
    )


def _delivery(services: ServicesDep, delivery_id: int) -> Any:
    if not 0 < delivery_id < 2**63 - 1:
        return None
    found = services.deliveries.list(before=delivery_id + 1, limit=1)
    return found[0] if found and found[0].id == delivery_id else None
