"""Authentication of every request, before any other code handles it.

The application is mounted beside Airflow's own and inherits none of its protection, so no route is trusted to ask for
a user: what this middleware does not let through reaches no route, the OpenAPI document included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi import HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials
from fastapi.security.utils import get_authorization_scheme_param

from airflow_workflow_provider.airflow_db.errors import DATABASE_ERRORS
from airflow_workflow_provider.airflow_internals.server import user_of
from airflow_workflow_provider.api.problems import Refused, database_problem, problem_response
from airflow_workflow_provider.vocabulary import ProblemCode
from airflow_workflow_provider.workers.evaluation import evaluating_for

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from starlette.types import ASGIApp, Receive, Scope, Send

USER_KEY: Final = "workflows_user"
CSRF_HEADER: Final = "X-Requested-With"
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_FOREIGN_SITES: Final = frozenset({"cross-site", "same-site"})


class Authentication:
    """ASGI middleware that lets signed-in users through and answers everybody else with 401.

    A browser sends Airflow's cookie with requests that other sites make it send. A write that is authenticated by
    cookie, or let in without any sign of who sends it (``simple_auth_manager_all_admins``), therefore needs the header
    ``X-Requested-With``, which another site's page cannot set without the consent of Airflow's CORS configuration, and
    must not say that it comes from elsewhere. ``Authorization`` is as good: such a page cannot set it either.

    :param app: what is protected
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            # There are no web sockets here; a connection to one is refused.
            return
        request = Request(scope, receive)
        try:
            user = await _authenticated(request)
        except Refused as error:
            await problem_response(error)(scope, receive, send)
            return
        except DATABASE_ERRORS as error:
            await database_problem(error)(scope, receive, send)
            return
        scope.setdefault("state", {})[USER_KEY] = user
        with evaluating_for(str(user.get_id()), f"{request.method} {_address(request)}"):
            await self._app(scope, receive, send)


async def signed_in(request: Request) -> BaseUser:
    """Return who makes a request, by token or cookie.

    :raises Refused: 401
    """
    credentials = _credentials(request)
    try:
        return await user_of(request, credentials)
    except HTTPException as error:
        raise _unknown_user(str(error.detail)) from None


def _credentials(request: Request) -> HTTPAuthorizationCredentials | None:
    scheme, token = get_authorization_scheme_param(request.headers.get("Authorization"))
    return HTTPAuthorizationCredentials(scheme=scheme, credentials=token) if scheme.lower() == "bearer" else None


async def _authenticated(request: Request) -> BaseUser:
    user = await signed_in(request)
    if _credentials(request) is None:
        _refuse_forged(request)
    return user


def _address(request: Request) -> str:
    """Return the address of a request as the log shows it: short, and on one line."""
    return request.url.path[:200].encode("ascii", "replace").decode()


def _refuse_forged(request: Request) -> None:
    if request.method in _SAFE_METHODS:
        return
    if request.headers.get("Sec-Fetch-Site", "").lower() in _FOREIGN_SITES:
        message = "A request of another site may not change anything"
        raise Refused(403, message, code=ProblemCode.CROSS_SITE_REQUEST)
    if not request.headers.get(CSRF_HEADER):
        message = f"A request that is authenticated by cookie needs the header {CSRF_HEADER} to change anything"
        suggestion = f"send {CSRF_HEADER}: XMLHttpRequest, or use a token: Authorization: Bearer …"
        raise Refused(
            403, message, code=ProblemCode.CSRF_HEADER_MISSING, pointer=f"{CSRF_HEADER}:", suggestion=suggestion
        )


def _unknown_user(reason: str) -> Refused:
    return Refused(
        401,
        f"Nobody is signed in: {reason}",
        code=ProblemCode.NOT_AUTHENTICATED,
        suggestion="get a token from Airflow's POST /auth/token and send it as Authorization: Bearer …",
        headers={"WWW-Authenticate": "Bearer"},
    )
