"""A trigger for Airflow's ``AssetWatcher`` that turns workflow events into asset events."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from functools import partial
from typing import Any, Final, TypeVar

from airflow.triggers.base import BaseEventTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from airflow_workflow_provider.airflow_internals.shared_stream import AdvanceItem, SharedStreamProducer
from airflow_workflow_provider.errors import StoreUnavailable
from airflow_workflow_provider.operators.patience import delay_after
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.connection import database_url
from airflow_workflow_provider.store.cursors import MAX_NAME, Cursors
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.notices import POLL, Notices

T = TypeVar("T")

log = logging.getLogger(__name__)

ASSETS: Final = "/airflow/assets/"
"""Source of the events that were asset events; published as asset events again they would go round in circles."""

LEAST_PAUSE: Final = 0.2


class WorkflowEventTrigger(BaseEventTrigger):
    """Fires for each event whose type matches a pattern, in the order in which they arrived.

    Which events it has reported is kept in the workflow database and noted only after Airflow has stored the asset
    event, so none is lost when the triggerer dies; one may then be sent twice. Events from before the first watcher of
    a pattern are not reported, nor are those that were asset events themselves.

    :param event_pattern: as in a workflow's triggers: ``*`` is one segment of the type, ``**`` any number
    """

    def __init__(self, event_pattern: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.event_pattern = event_pattern

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments that recreate this trigger."""
        return f"{__name__}.WorkflowEventTrigger", {"event_pattern": self.event_pattern}

    def shared_stream_key(self) -> Hashable:
        """Watchers of one pattern share a reader."""
        return ("workflow-events", self.event_pattern)

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> SharedStreamProducer:
        """Return the reader of a pattern's events."""
        return EventStream(kwargs["event_pattern"])

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Any]) -> AsyncIterator[TriggerEvent]:
        """Report each event."""
        async for event in shared_stream:
            yield TriggerEvent(event)  # type: ignore[no-untyped-call]

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Report events where the triggerer does not share streams; what was reported is noted with the next one."""
        stream = EventStream(self.event_pattern)
        try:
            async for event, position in stream.open_stream():
                yield TriggerEvent(event)  # type: ignore[no-untyped-call]
                await stream.reach(position)
        finally:
            await stream.aclose()


class EventStream(SharedStreamProducer):
    """Reads the events of a pattern from the workflow database.

    :param event_pattern: of their types
    """

    def __init__(self, event_pattern: str) -> None:
        self._pattern = event_pattern
        self._name = f"watch:{event_pattern}"[:MAX_NAME]
        self._database: Database | None = None
        self._notices: Notices | None = None

    async def open_stream(self) -> AsyncIterator[tuple[Any, Any]]:
        """Yield each event as JSON, and its place."""
        settings = await sync_to_async(load_settings)()
        url = await sync_to_async(database_url)(settings.conn_id)
        self._database = database = Database(url, retry_for=0, pooled=False, checked=True, component=True)
        self._notices = Notices(await sync_to_async(lambda: database.listen_url)())
        cursors = Cursors(self._database)
        position = await _patiently(partial(cursors.position, self._name))
        while True:
            reading = await _patiently(partial(cursors.read, self._pattern, position, without_source=ASSETS))
            for each in reading.events:
                yield each.event.to_json(), each.sequence
            position = reading.position
            if not reading.more:
                await asyncio.sleep(LEAST_PAUSE)
                await asyncio.to_thread(self._notices.wait, POLL)

    async def advance(self, batch: Sequence[AdvanceItem]) -> None:
        """Note that Airflow has stored the asset events of a batch."""
        await self.reach(max(item.broker_payload for item in batch))

    async def reach(self, position: int) -> None:
        """Note how far the reports have come."""
        if self._database is not None:
            await _patiently(partial(Cursors(self._database).advance, self._name, position))

    async def aclose(self) -> None:
        """Release the database."""
        if self._notices is not None:
            await asyncio.to_thread(self._notices.close)
        if self._database is not None:
            await asyncio.to_thread(self._database.close)


async def _patiently(work: Callable[[], T]) -> T:
    """Ask the workflow database, in a thread; a watcher waits for one that is unavailable for as long as that takes."""
    tries = 0
    while True:
        try:
            return await asyncio.to_thread(work)
        except StoreUnavailable as error:
            tries += 1
            log.warning("A watcher of events waits for the workflow database: %s", error)
        await asyncio.sleep(delay_after(tries, load_settings()).total_seconds())
