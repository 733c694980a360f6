"""Bodies of requests: JSON and nothing else, of bounded size, read as strictly as definitions are."""

from __future__ import annotations

import email.message
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Final, TypeVar

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from airflow_workflow_provider.api.models import Finding
from airflow_workflow_provider.api.problems import Refused
from airflow_workflow_provider.errors import InvalidDefinition
from airflow_workflow_provider.model.diagnostics import diagnostics_of
from airflow_workflow_provider.model.json_text import DATA_DEPTH, decoded, loads_document, value_findings
from airflow_workflow_provider.vocabulary import ProblemCode

MAX_BODY: Final = 1024**2
"""Bytes of the body of a request."""

MAX_DOCUMENT: Final = 8 * 1024**2
"""Bytes of a body that is or has a definition; its characters are bounded by ``WF104``."""


SMALL_BODY: Final = 16 * 1024
"""Bytes of a body that is parsed before anything else is done."""

MAX_VALUES: Final = 500_000
"""Values of the body of a request; each takes a hundred times the memory and the time of its bytes."""

T = TypeVar("T")


class StrictRoute(APIRoute):
    """A route whose body, if it takes one, is checked before FastAPI sees it."""

    max_body: ClassVar[int] = MAX_BODY
    storable: ClassVar[bool] = True
    """Whether texts that PostgreSQL cannot keep are refused here already."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler with the check in front."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            checked = StrictRequest(request.scope, request.receive)
            if self.body_field is not None:
                await checked.load(self.max_body, storable=self.storable)
            return await handler(checked)

        return handle


class DocumentRoute(StrictRoute):
    """A route that takes definitions: they are large, and their own checks report texts that cannot be kept."""

    max_body = MAX_DOCUMENT
    storable = False


class StrictRequest(Request):
    """A request whose body is checked when it is loaded."""

    @property
    def text(self) -> str:
        """The body that was loaded."""
        return decoded(self._body)

    async def load(self, limit: int, *, storable: bool) -> None:
        """Read the body.

        :param limit: bytes of it
        :param storable: whether texts that PostgreSQL cannot keep are refused
        :raises Refused: it is too large, no JSON, or has a key twice
        """
        self._body = await read_body(self, limit)
        if not self._body:
            return
        if not _is_json(self.headers.get("Content-Type", "")):
            message = f"The body is {self.headers.get('Content-Type') or 'of no type'}; expected application/json"
            raise Refused(415, message, code=ProblemCode.UNSUPPORTED_MEDIA_TYPE, headers={"Accept": "application/json"})
        try:
            self._json = await parsed(loads_document, self._body)
        except InvalidDefinition as error:
            found = [Finding(**each.as_json()) for each in diagnostics_of(error)]
            raise Refused(
                400, f"The body is not usable JSON:  {error.message}", code=ProblemCode.BAD_JSON, findings=found
            ) from None
        if storable:
            await parsed(_refuse_unusable, self._json, size=len(self._body))


async def parsed(parse: Callable[[Any], T], given: Any, *, size: int | None = None) -> T:
    """Return what parsing gives; of much it is done in a thread, for the server answers nobody meanwhile.

    :param given: the body, or what was read from it
    :param size: bytes of the body, if it is not what is given
    :raises Refused: 413: it has more values than anybody needs
    """
    length = len(given) if size is None else size
    if length <= SMALL_BODY:
        return parse(given)
    if size is None and _values(given) > MAX_VALUES:
        raise Refused(
            413,
            f"The body has more than {MAX_VALUES:,} values",
            code=ProblemCode.BODY_TOO_LARGE,
            suggestion="store large data elsewhere and send a reference",
        )
    return await run_in_threadpool(parse, given)


def _values(body: bytes) -> int:
    """Return how many values a JSON text has at most; what looks like more within its texts counts too."""
    return sum(body.count(mark) for mark in (b",", b"[", b"{"))


async def read_body(request: Request, limit: int) -> bytes:
    """Return the body of a request, and read no more of it than is allowed.

    :param limit: bytes
    :raises Refused: 413
    """
    declared = request.headers.get("Content-Length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def _is_json(content_type: str) -> bool:
    message = email.message.Message()
    message["Content-Type"] = content_type
    charset = str(message.get_param("charset", "utf-8")).lower()
    return message.get_content_type() == "application/json" and charset in ("utf-8", "utf8")


def _refuse_unusable(document: Any) -> None:
    found = [Finding(**each.as_json()) for each in value_findings(document, max_depth=DATA_DEPTH)]
    if found:
        raise Refused(422, f"The body cannot be used: {found[0].message}", code=ProblemCode.BAD_REQUEST, findings=found)


def _too_large(limit: int) -> Refused:
    return Refused(
        413,
        f"The body is larger than {limit:,} bytes",
        code=ProblemCode.BODY_TOO_LARGE,
        suggestion="store large data elsewhere and send a reference",
        headers={"Connection": "close"},
    )
