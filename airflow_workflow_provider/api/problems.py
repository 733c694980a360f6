"""Errors as problem documents (RFC 9457), whatever raised them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from airflow_workflow_provider.airflow_db.errors import DATABASE_ERRORS, is_unreachable
from airflow_workflow_provider.api.models import Finding, Problem
from airflow_workflow_provider.errors import (
    Conflict,
    Forbidden,
    InvalidDefinition,
    LimitExceeded,
    Misuse,
    NotFound,
    Overloaded,
    StoreUnavailable,
    Unprocessable,
    WorkflowsError,
)
from airflow_workflow_provider.model.diagnostics import diagnostics_of, pointer_of
from airflow_workflow_provider.vocabulary import ProblemCode

log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:airflow-workflows:problem:"
RETRY_AFTER: Final = "5"
"""Seconds after which a request that failed for a passing reason may be sent again."""

MAX_FINDINGS: Final = 1000
_PASSING_CONFLICTS: Final = frozenset({ProblemCode.WORKFLOW_NOT_LOADED})
_PRECONDITIONS: Final = frozenset(
    {ProblemCode.REVISION_CHANGED, ProblemCode.REVISION_NOT_PUBLISHED, ProblemCode.VERSION_CHANGED}
)


class Refused(WorkflowsError):
    """A request that is refused for a reason of HTTP: nobody knows the caller, the body is too large, ….

    :param status: the HTTP status
    :param findings: every single thing that is wrong
    :param headers: of the answer
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str,
        pointer: str | None = None,
        suggestion: str | None = None,
        findings: Sequence[Finding] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, code=code, pointer=pointer, suggestion=suggestion)
        self.status = status
        self.findings = tuple(findings)
        self.headers = dict(headers or {})


def add_handlers(app: FastAPI) -> None:
    """Answer every exception with a problem document."""
    app.add_exception_handler(WorkflowsError, _workflows_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_exception)
    for kind in DATABASE_ERRORS:
        app.add_exception_handler(kind, _airflow_database_error)
    app.add_exception_handler(Exception, _unexpected)


def problem_response(error: WorkflowsError) -> JSONResponse:
    """Return the answer for one of our exceptions."""
    status = status_of(error)
    headers = dict(error.headers) if isinstance(error, Refused) else {}
    if status == HTTPStatus.SERVICE_UNAVAILABLE or error.code in _PASSING_CONFLICTS:
        headers["Retry-After"] = RETRY_AFTER
    return _response(
        Problem(
            type=TYPE_PREFIX + error.code,
            title=HTTPStatus(status).phrase,
            status=status,
            detail=error.message,
            code=error.code,
            pointer=error.pointer,
            suggestion=error.suggestion,
            diagnostics=_findings(error),
        ),
        headers,
    )


def database_problem(error: Exception) -> JSONResponse:
    """Return the answer for an exception of Airflow's own database."""
    if not is_unreachable(error):
        # The database is reachable; the statement was wrong.
        log.error("A statement failed in Airflow's database", exc_info=error)
        return problem_response(
            Refused(500, "The request failed; the server's log says why", code=ProblemCode.INTERNAL_ERROR)
        )
    log.warning("Airflow's database could not be reached: %s", type(error).__name__)
    message = "Airflow's metadata database could not be reached"
    return problem_response(Refused(503, message, code=ProblemCode.AIRFLOW_UNAVAILABLE))


def finding(pointer: str, message: str, code: str) -> Finding:
    """Return one thing that is wrong with a request."""
    return Finding(code=code, severity="error", pointer=pointer, message=message, suggestion=None)


def status_of(error: WorkflowsError) -> int:
    """Return the HTTP status of one of our exceptions."""
    if isinstance(error, Refused):
        return error.status
    if error.code in _PRECONDITIONS:
        return HTTPStatus.PRECONDITION_FAILED
    for kind, status in _STATUSES.items():
        if isinstance(error, kind):
            return status
    return HTTPStatus.INTERNAL_SERVER_ERROR


_STATUSES: Final[Mapping[type[WorkflowsError], int]] = {
    InvalidDefinition: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Forbidden: HTTPStatus.FORBIDDEN,
    StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    Overloaded: HTTPStatus.SERVICE_UNAVAILABLE,
    Unprocessable: HTTPStatus.UNPROCESSABLE_ENTITY,
    LimitExceeded: HTTPStatus.UNPROCESSABLE_ENTITY,
    Misuse: HTTPStatus.UNPROCESSABLE_ENTITY,
}


def _findings(error: WorkflowsError) -> list[Finding] | None:
    if not error.findings and not isinstance(error, InvalidDefinition):
        return None
    if isinstance(error, Refused):
        return list(error.findings)
    return [Finding(**each.as_json()) for each in diagnostics_of(error)]


def _response(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    content = problem.model_dump(mode="json", by_alias=True, exclude_none=True)
    return JSONResponse(content, status_code=problem.status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


async def _workflows_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, WorkflowsError)  # noqa: S101 - what Starlette looked the handler up by
    response = problem_response(error)
    if response.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("An error that has no status", exc_info=error)
    return response


async def _validation_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    errors: Sequence[Mapping[str, Any]] = error.errors()[:MAX_FINDINGS]
    if any(each["loc"][:1] == ("path",) for each in errors):
        # No resource can have an id of this form.
        return problem_response(NotFound("There is nothing at this address"))
    found = [finding(_place(each["loc"]), str(each["msg"]), str(each["type"]).replace("_", "-")) for each in errors]
    first = f"{found[0].pointer or '/'}: {found[0].message}"
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return problem_response(
        Refused(422, f"The request is invalid: {first}{more}", code=ProblemCode.BAD_REQUEST, findings=found)
    )


def _place(location: Sequence[str | int]) -> str:
    """Return the JSON pointer in a body, or ``?name`` and ``name:`` for parameters and headers."""
    source, *rest = location
    if source == "body":
        return pointer_of(rest)
    name = ".".join(map(str, rest))
    return f"?{name}" if source == "query" else f"{name}:"


_HTTP_CODES: Final[Mapping[int, ProblemCode]] = {
    HTTPStatus.UNAUTHORIZED: ProblemCode.NOT_AUTHENTICATED,
    HTTPStatus.FORBIDDEN: ProblemCode.FORBIDDEN,
    HTTPStatus.NOT_FOUND: ProblemCode.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED: ProblemCode.METHOD_NOT_ALLOWED,
}
"""Codes for what the framework itself refuses."""


async def _http_exception(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    code = _HTTP_CODES.get(error.status_code, ProblemCode.HTTP_ERROR)
    return problem_response(Refused(error.status_code, str(error.detail), code=code, headers=error.headers))


async def _airflow_database_error(_: Request, error: Exception) -> JSONResponse:
    return database_problem(error)


async def _unexpected(_: Request, error: Exception) -> JSONResponse:
    log.error("A request failed unexpectedly", exc_info=error)
    return problem_response(
        Refused(500, "The request failed; the server's log says why", code=ProblemCode.INTERNAL_ERROR)
    )
