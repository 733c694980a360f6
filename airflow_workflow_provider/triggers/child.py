"""The trigger of a step that waits for a child instance (rule P5)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.connection import database_url
from airflow_workflow_provider.triggers.hub import instance_hub_of
from airflow_workflow_provider.triggers.receive import SETTLE


class InstanceEndedTrigger(BaseTrigger):
    """Fires when an instance has ended; how, the store knows.

    :param instance_id: the instance
    """

    def __init__(self, instance_id: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.instance_id = instance_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what makes this trigger again."""
        return f"{__name__}.InstanceEndedTrigger", {"instance_id": self.instance_id}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait."""
        settings = await sync_to_async(load_settings)()
        url = await sync_to_async(database_url)(settings.conn_id)
        instance = UUID(self.instance_id)
        hub = instance_hub_of(url)
        future = hub.watch(instance)
        try:
            await asyncio.sleep(SETTLE)
            await asyncio.wrap_future(future)
        finally:
            hub.forget(instance, future)
        yield TriggerEvent({"instance": self.instance_id})  # type: ignore[no-untyped-call]
