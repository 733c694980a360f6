"""Which requests to Airflow's own API were refused, although its audit log has a row for them.

Airflow writes the row of a request before it looks whether the request can be carried out. What users do in Airflow is
taken from these rows (:mod:`airflow_workflow_provider.airflow_db.audit_log`), so another row says which of them came to
nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from airflow.models.log import Log
from airflow.utils.session import create_session
from sqlalchemy import event
from starlette.concurrency import run_in_threadpool

from airflow_workflow_provider.airflow_db.audit_rows import AUDITED, REFUSED
from airflow_workflow_provider.api.services import Services
from airflow_workflow_provider.errors import NotFound, WorkflowsError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

PLACE: Final = "/api/v2/dags/"
METHODS: Final = ("PATCH", "POST", "DELETE")


@dataclass(frozen=True)
class _Written:
    """A row of the audit log that a request has made."""

    id: int
    owner: str | None
    owner_display_name: str | None
    dag_id: str | None
    run_id: str | None


_written: ContextVar[list[_Written] | None] = ContextVar("_written", default=None)
"""What the request of this context has written."""


class Outcomes:
    """ASGI middleware of Airflow's api-server that notes which audited requests were refused.

    :param app: Airflow's application
    :param services: gives the rooms below
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

        written: list[_Written] = []
        token = _written.set(written)
        try:
            await self._app(scope, receive, watched)
        finally:
            _written.reset(token)
            if written and status >= HTTPStatus.BAD_REQUEST:
                await run_in_threadpool(self._note_refused, written, status)

    def _note_refused(self, written: list[_Written], status: int) -> None:
        try:
            rows = [row for row in written if self._may_be_ours(row)]
            with create_session() as session:
                session.add_all(_note(row, status) for row in rows)
        except Exception:
            # The request is answered already. Without the note, its effect is looked for.
            log.warning("It could not be noted that a request was refused", exc_info=True)

    def _may_be_ours(self, row: _Written) -> bool:
        if row.dag_id is None or row.dag_id == "~":
            return True
        try:
            self._services().definitions.head(row.dag_id)
        except NotFound:
            return False
        except WorkflowsError:
            return True
        return True


def _note(row: _Written, status: int) -> Log:
    extra = json.dumps({"audit": row.id, "status": status})
    return Log(
        REFUSED,
        owner=row.owner,
        owner_display_name=row.owner_display_name,
        extra=extra,
        dag_id=row.dag_id,
        run_id=row.run_id,
    )


@cache
def _watch_audit_log() -> None:
    event.listen(Log, "after_insert", _remember)


def _remember(_: Any, __: Any, row: Log) -> None:
    written = _written.get()
    if written is not None and row.event in AUDITED:
        written.append(_Written(row.id, row.owner, row.owner_display_name, row.dag_id, row.run_id))
