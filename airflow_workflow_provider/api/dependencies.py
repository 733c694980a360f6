"""The dependencies of the routes, and the parts of the OpenAPI document that they share."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import Depends, Header, Path, Request

from airflow_workflow_provider.api.access import Access
from airflow_workflow_provider.api.models import Problem
from airflow_workflow_provider.api.problems import MEDIA_TYPE, Refused
from airflow_workflow_provider.api.security import USER_KEY
from airflow_workflow_provider.api.services import Services
from airflow_workflow_provider.vocabulary import ProblemCode

CLIENT_HEADER: Final = "X-Workflows-Client"
ID_PATTERN: Final = r"^[A-Za-z0-9_.-]{1,200}$"
_DESCRIPTIONS: Final = {
    400: "The body is not JSON, or has a duplicate key",
    401: "Nobody is signed in",
    403: "Not permitted, or a write by cookie without the header `X-Requested-With`",
    404: "It does not exist, or you may not read it",
    409: "It contradicts what is stored or what Airflow does",
    412: "It was changed in the meantime (`If-Match`, `If-None-Match`)",
    413: "The body is too large",
    415: "The body is not `application/json`",
    422: "The request is invalid; every finding is listed",
    503: "A database is not reachable, or all evaluation processes are busy; `Retry-After` says when to try again",
}
_ALWAYS: Final = (401, 403, 404, 422, 503)
BODY: Final = (400, 413, 415)
"""Statuses of a route that takes a body."""


def _services(request: Request) -> Services:
    return request.app.state.services()  # type: ignore[no-any-return]


def _access(request: Request) -> Access:
    return Access(getattr(request.state, USER_KEY))


def _via(
    client: Annotated[
        Literal["ui", "api", "cli"],
        Header(alias=CLIENT_HEADER, description="Origin of the request, for the execution log"),
    ] = "api",
) -> Literal["ui", "api", "cli"]:
    return client


def etag(revision: int) -> str:
    """Return the entity tag of a revision."""
    return f'"{revision}"'


def responses(*more: int) -> dict[int | str, dict[str, Any]]:
    """Return the errors of a route for the OpenAPI document: those that every route has, and these."""
    return {status: _problem(status) for status in sorted({*_ALWAYS, *more})}


def _problem(status: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "description": _DESCRIPTIONS[status],
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}},
    }
    if status == 503:  # noqa: PLR2004 - the status
        found["headers"] = {"Retry-After": {"description": "Seconds", "schema": {"type": "string"}}}
    return found


ServicesDep = Annotated[Services, Depends(_services)]
ViaDep = Annotated[Literal["ui", "api", "cli"], Depends(_via)]
AccessDep = Annotated[Access, Depends(_access)]
WorkflowId = Annotated[str, Path(pattern=ID_PATTERN, description="The workflow's id, which is its DAG's id too")]
TaskId = Annotated[str, Path(pattern=ID_PATTERN, description="The task's id")]
IfMatch = Annotated[
    str | None, Header(description="`ETag` of the current revision: publish only if it is still current")
]
IfNoneMatch = Annotated[str | None, Header(description="`*`: publish only if the id is new")]


def expected_revision(if_match: IfMatch = None, if_none_match: IfNoneMatch = None) -> int | None:
    """Return the revision that a client says the head has: 0 for none at all, null where it says nothing.

    :raises Refused: 412 for a tag that no revision has
    """
    if if_none_match is not None:
        if if_none_match.strip() != "*":
            message = "If-None-Match can only be * here: publish only where there is nothing yet"
            raise Refused(422, message, code=ProblemCode.BAD_REQUEST, pointer="If-None-Match:")
        return 0
    if if_match is None:
        return None
    tag = if_match.strip()
    digits = tag[1:-1] if len(tag) > 2 and tag[0] == tag[-1] == '"' else ""  # noqa: PLR2004 - two quotes
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 19):  # noqa: PLR2004 - fits a bigint
        message = f"{tag[:50]} is not the ETag of a revision"
        raise Refused(
            412, message, code=ProblemCode.REVISION_CHANGED, pointer="If-Match:", suggestion="use the ETag of a GET"
        )
    return int(digits)


Expected = Annotated[int | None, Depends(expected_revision)]
