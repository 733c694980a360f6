"""Requests and responses about events."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import Field

from airflow_workflow_provider.api.models import ApiModel
from airflow_workflow_provider.store.events import StoredEvent

DeliveryStatus = Literal["pending", "started", "dead"]


class AcceptedEvent(ApiModel):
    """One event that was accepted."""

    id: UUID
    source: str
    event_id: str
    created: bool = Field(description="False if the event existed already")


class AcceptedEvents(ApiModel):
    """The events of a request, in their order."""

    items: list[AcceptedEvent]


class EventSummary(ApiModel):
    """An accepted event without its data."""

    id: UUID
    sequence: int = Field(description="Increases in the order of arrival")
    received_at: datetime
    event_id: str
    source: str
    type: str
    subject: str | None
    time: datetime | None

    @classmethod
    def of(cls, stored: StoredEvent) -> Self:
        """Return what lists show of an event."""
        event = stored.event
        return cls(
            id=stored.id,
            sequence=stored.sequence,
            received_at=stored.received_at,
            event_id=event.id,
            source=event.source,
            type=event.type,
            subject=event.subject,
            time=event.time,
        )


class Event(EventSummary):
    """An accepted event."""

    event: dict[str, Any] = Field(description="The CloudEvent, with secrets that Airflow knows masked")


class EventPage(ApiModel):
    """Some events, newest first."""

    items: list[EventSummary]
    next: int | None = Field(description="`before` of the next page; null after the last")


class Delivery(ApiModel):
    """The delivery of one event to one workflow."""

    id: int
    event_id: UUID = Field(description="The `id` of the accepted event")
    workflow_id: str
    status: DeliveryStatus
    instance_id: UUID | None
    reason: dict[str, Any] | None = Field(description="Reason of the dead letter, or of the last failed try")
    attempts: int
    updated_at: datetime
    due_at: datetime
    may_redrive: bool = Field(description="Whether you may have it delivered again if it is dead")


class DeliveryPage(ApiModel):
    """Some deliveries, newest first."""

    items: list[Delivery]
    next: int | None = Field(description="`before` of the next page; null after the last")


class WaitingStep(ApiModel):
    """A step that waits for an event."""

    id: UUID
    instance_id: UUID
    workflow_id: str
    step_id: str
    scope: str
    visit: int
    attempt: int
    pattern: str
    correlation: dict[str, Any]
    waiting_since: datetime
    deadline_at: datetime | None


class WaitingSteps(ApiModel):
    """Steps that wait for an event, the longest first."""

    items: list[WaitingStep]
