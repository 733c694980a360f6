"""The trigger of a step that waits for an event: many of them share one thread and one connection (rule E5)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.connection import database_url
from airflow_workflow_provider.triggers.hub import hub_of

SETTLE: Final = 2.0
"""Seconds for which a trigger does not fire: the scheduler must have seen that the task waits, or takes it for dead."""


class ReceivedTrigger(BaseTrigger):
    """Fires when a wait has got its event, or its time is over; which of the two, the store knows.

    :param wait_id: the wait
    :param deadline: when its time is over, ISO 8601; None for never
    """

    def __init__(self, wait_id: str, deadline: str | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.wait_id = wait_id
        self.deadline = deadline

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what makes this trigger again."""
        return f"{__name__}.ReceivedTrigger", {"wait_id": self.wait_id, "deadline": self.deadline}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait."""
        settings = await sync_to_async(load_settings)()
        url = await sync_to_async(database_url)(settings.conn_id)
        wait = UUID(self.wait_id)
        hub = hub_of(url)
        future = hub.watch(wait, None if self.deadline is None else datetime.fromisoformat(self.deadline))
        try:
            await asyncio.sleep(SETTLE)
            await asyncio.wrap_future(future)
        finally:
            hub.forget(wait, future)
        yield TriggerEvent({"wait": self.wait_id})  # type: ignore[no-untyped-call]
