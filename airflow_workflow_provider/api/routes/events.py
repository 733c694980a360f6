"""Events: accept CloudEvents, list them and their deliveries, redrive dead letters (rules E1 to E5)."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from airflow_workflow_provider.airflow_internals.secrets_masker import server_mask
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
from airflow_workflow_provider.model.diagnostics import diagnostics_of
from airflow_workflow_provider.model.events import (
    BATCH,
    STRUCTURED,
    CloudEvent,
    InvalidEvent,
    UnknownMediaType,
    parse_request,
)
from airflow_workflow_provider.operations.events import accept, redrive
from airflow_workflow_provider.operations.permission import Right
from airflow_workflow_provider.store.deliveries import Delivery as StoredDelivery
from airflow_workflow_provider.store.events import EventFilter

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
    accepted = accept(services.events, given, access)
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
    startable = access.permitted(Right.START, {each.workflow_id for each in found})
    items = [_shown(each, may_redrive=each.workflow_id in startable) for each in found[:limit]]
    return DeliveryPage(items=items, next=items[-1].id if len(found) > limit else None)


@router.post("/deliveries/{delivery_id}/redrive", status_code=202, responses=responses(409))
def redrive_delivery(services: ServicesDep, access: AccessDep, delivery_id: int) -> Delivery:
    """Deliver a dead letter again, with the current definition."""
    now = redrive(services.deliveries, delivery_id, access)
    return _shown(now, may_redrive=True)


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


def _shown(stored: StoredDelivery, *, may_redrive: bool) -> Delivery:
    values = {**vars(stored), "reason": server_mask(stored.reason), "may_redrive": may_redrive}
    return Delivery.model_validate(values)
