"""Users and roles of Airflow's auth manager."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from typing import Any, Final

from airflow_workflow_provider.airflow_internals.auth_manager import running_auth_manager
from airflow_workflow_provider.people.roles import STANDARD_ROLES, spellings

log = logging.getLogger(__name__)

SIMPLE: Final = "SimpleAuthManager"
FAB_MODELS: Final = "airflow.providers.fab.auth_manager.models"


class AuthManagerResolver:
    """Knows the users and roles of SimpleAuthManager everywhere, and those of FAB in the api-server.

    The roles of who is signed in come with the user; nothing has to be added to them.
    """

    def memberships(self, user_id: str, user_name: str) -> tuple[Iterable[str], Iterable[str]]:  # noqa: ARG002
        """Return nothing: the signed-in user's roles are there already."""
        return (), ()

    def users(self, search: str, limit: int) -> Iterable[tuple[str, str]]:
        """Return users of the auth manager."""
        if _is_simple():
            found = sorted(name for name in _simple_users() or () if search.casefold() in name.casefold())
            return [(name, name) for name in found[:limit]]
        models = _fab_models()
        if models is None:
            return []
        from airflow_workflow_provider.airflow_db.fab import find_users

        return find_users(models, search, limit)

    def knows(self, kind: str, name: str) -> bool | None:
        """Return whether the auth manager has a user or role."""
        if kind == "group":
            return False
        if not _is_simple():
            return _fab_knows(kind, name)
        if kind == "role":
            return not STANDARD_ROLES.isdisjoint(spellings(name))
        users = _simple_users()
        return None if users is None else name in users


def declare_resource(name: str) -> None:
    """Have FAB know a resource that can be edited, and let its administrators; nothing with other auth managers.

    What goes wrong is logged: without the resource nobody may edit it, and everything else works.
    """
    models = _fab_models()
    if not name or models is None:
        return
    from airflow_workflow_provider.airflow_db.fab import let_administrators

    try:
        let_administrators(models, "can_edit", name)
    except Exception:
        log.exception("The resource %r could not be added to the permissions of FAB", name)


def _is_simple() -> bool:
    from airflow.configuration import conf

    return bool(conf.get("core", "auth_manager").endswith(f".{SIMPLE}"))


def _simple_users() -> set[str] | None:
    """Return the users of SimpleAuthManager; None where it lets everybody in."""
    from airflow.configuration import conf

    if conf.getboolean("core", "simple_auth_manager_all_admins"):
        return None
    return {user.partition(":")[0].strip() for user in conf.getlist("core", "simple_auth_manager_users")}


def _fab_knows(kind: str, name: str) -> bool | None:
    """Look into FAB's tables, where this is the api-server and FAB is its auth manager."""
    models = _fab_models()
    if models is None:
        return None
    # Imported here: workers, which know nothing of FAB, have no metadata database.
    from airflow_workflow_provider.airflow_db.fab import has_role, has_user

    return has_user(models, name) if kind == "user" else any(has_role(models, each) for each in spellings(name))


def _fab_models() -> Any:
    """Return FAB's module of models where this is the api-server and FAB its auth manager, or one that extends it."""
    return sys.modules.get(FAB_MODELS) if hasattr(type(running_auth_manager()), "security_manager") else None
