"""Which requests to Airflow's own API were refused, although its audit log has a row for them.

Airflow writes the row of a request before it looks whether the request can be carried out. What users do in Airflow is
taken from these rows (:mod:`airflow_workflow_provider.airflow_db.audit_log`), so another row says which of them came to
nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.concurrency import run_in_threadpool

from airflow_workflow_provider.airflow_db.audit import WrittenRow, note_refused, watch
from airflow_workflow_provider.api.services import Services
from airflow_workflow_provider.errors import NotFound, WorkflowsError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

PLACE: Final = "/api/v2/dags/"
METHODS: Final = ("PATCH", "POST", "DELETE")


_written: ContextVar[list[WrittenRow] | None] = ContextVar("_written", default=None)
"""What the request of this context has written."""


class Outcomes:
    """ASGI middleware of Airflow's api-server that notes which audited requests were refused.

    :param app: Airflow's application
    :param services: gives access to the layers below
    """

    def __init__(self, app: ASGIApp, services: Callable[[], Services] = Services.configured) -> None:
        self._app = app
        self._services = services
        _watch_audit_log()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or scope["method"] not in METHODS or PLACE not in scope["path"]:
            await self._app(scope, receive, send)
            return
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        written: list[WrittenRow] = []
        token = _written.set(written)
        try:
            await self._app(scope, receive, watched)
        finally:
            _written.reset(token)
            if written and status >= HTTPStatus.BAD_REQUEST:
                await run_in_threadpool(self._note_refused, written, status)

    def _note_refused(self, written: list[WrittenRow], status: int) -> None:
        try:
            note_refused([row for row in written if self._may_be_ours(row)], status)
        except Exception:
            # The request is answered already. Without the note, its effect is looked for.
            log.warning("A refused request could not be recorded", exc_info=True)

    def _may_be_ours(self, row: WrittenRow) -> bool:
        if row.dag_id is None or row.dag_id == "~":
            return True
        try:
            self._services().definitions.head(row.dag_id)
        except NotFound:
            return False
        except WorkflowsError:
            return True
        return True


@cache
def _watch_audit_log() -> None:
    watch(_remember)


def _remember(row: WrittenRow) -> None:
    written = _written.get()
    if written is not None:
        written.append(row)
