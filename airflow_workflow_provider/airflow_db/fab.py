"""Users and roles in the tables of Airflow's FAB auth manager."""

from __future__ import annotations

from typing import Any, Final

from airflow.utils.session import create_session
from sqlalchemy import func, or_, select

ADMINISTRATORS: Final = "Admin"
"""FAB's role of administrators."""

MAX_DIGITS: Final = 9
"""Of the number that FAB's tables can hold as the id of a user."""


def has_role(models: Any, name: str) -> bool:
    """Return whether there is a role.

    :param models: FAB's module of models
    """
    return _has(select(models.Role.id).where(models.Role.name == name))


def has_user(models: Any, name: str) -> bool:
    """Return whether there is a user of this name or id."""
    # Case-sensitive: FAB itself ignores case, but nobody could answer a question for a user in another case.
    is_it = models.User.username == name
    return _has(select(models.User.id).where(is_it | (models.User.id == int(name)) if _is_number(name) else is_it))


def find_users(models: Any, text: str, limit: int) -> list[tuple[str, str]]:
    """Return active users whose user name or full name contains a text, in any case, each with the full name.

    :param models: FAB's module of models
    """
    user = models.User
    full = func.trim(func.coalesce(user.first_name, "") + " " + func.coalesce(user.last_name, ""))
    matches = or_(*(func.lower(each).contains(text.lower(), autoescape=True) for each in (user.username, full)))
    query = select(user.username, full).where(user.active.is_(True), matches).order_by(user.username).limit(limit)
    with create_session() as session:
        return [(str(name), str(shown or name)) for name, shown in session.execute(query)]


def let_administrators(models: Any, action: str, resource: str) -> None:
    """Have FAB know an action on a resource, which only then can be granted, and grant it to administrators.

    Doing it twice, or by two servers at once, is doing it once.
    """
    with create_session() as session:
        # One server after the other: the tables are small, and the lock is held for a moment.
        session.execute(select(models.Role.id).where(models.Role.name == ADMINISTRATORS).with_for_update())
        known = _get_or_add(session, models.Action, name=action)
        edited = _get_or_add(session, models.Resource, name=resource)
        permission = _get_or_add(session, models.Permission, action_id=known.id, resource_id=edited.id)
        role = session.scalar(select(models.Role).where(models.Role.name == ADMINISTRATORS))
        if role is not None and permission not in role.permissions:
            role.permissions.append(permission)


def _get_or_add(session: Any, model: Any, **values: Any) -> Any:
    found = session.scalar(select(model).filter_by(**values))
    if found is None:
        found = model()
        for name, value in values.items():
            setattr(found, name, value)
        session.add(found)
        session.flush()
    return found


def _has(query: Any) -> bool:
    with create_session() as session:
        return session.scalar(query.limit(1)) is not None


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdecimal() and len(name) <= MAX_DIGITS
