"""The auth manager of Airflow's api-server."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.base_auth_manager import BaseAuthManager

SERVER: Final = "airflow.api_fastapi.app"


def auth_manager() -> BaseAuthManager[Any]:
    """Return the auth manager of this api-server.

    :raises RuntimeError: this process has none
    """
    from airflow.api_fastapi.app import get_auth_manager

    return get_auth_manager()


def running_auth_manager() -> BaseAuthManager[Any] | None:
    """Return the auth manager of this process without loading Airflow's server; None where there is none yet."""
    if SERVER not in sys.modules:
        return None
    try:
        return auth_manager()
    except RuntimeError:
        return None
