"""What Airflow's auth manager says of users and roles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

SIMPLE: Final = "SimpleAuthManager"
SIMPLE_ROLES: Final = frozenset({"viewer", "user", "op", "admin"})


class AuthManagerResolver:
    """Knows the users and roles of SimpleAuthManager everywhere, and those of FAB in the api-server.

    The roles of who is signed in come with the user; nothing has to be added to them.
    """

    def memberships(self, user_id: str, user_name: str) -> tuple[Iterable[str], Iterable[str]]:  # noqa: ARG002
        """Return nothing: the signed-in user's roles are there already."""
        return (), ()

    def knows(self, kind: str, name: str) -> bool | None:
        """Tell whether the auth manager has a user or role."""
        from airflow.configuration import conf

        if kind == "group":
            return False
        if not conf.get("core", "auth_manager").endswith(f".{SIMPLE}"):
            return _fab_knows(kind, name)
        if kind == "role":
            return name in SIMPLE_ROLES
        if conf.getboolean("core", "simple_auth_manager_all_admins"):
            return None
        users = conf.getlist("core", "simple_auth_manager_users")
        return name in {user.partition(":")[0].strip() for user in users}


def _fab_knows(kind: str, name: str) -> bool | None:
    """Ask the auth manager of this process, if it runs one and that one has FAB's security manager."""
    from airflow.api_fastapi import app

    security = getattr(getattr(app, "auth_manager", None), "security_manager", None)
    found = getattr(security, "find_role" if kind == "role" else "find_user", None)
    return None if found is None else found(name) is not None
