"""How Airflow's api-server identifies the user of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.api_fastapi.core_api.security import get_user

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from fastapi import Request
    from fastapi.security import HTTPAuthorizationCredentials


async def user_of(request: Request, credentials: HTTPAuthorizationCredentials | None) -> BaseUser:
    """Return the user of a request, by token or cookie.

    :raises HTTPException: nobody is signed in
    """
    return await get_user(request, None, credentials)
