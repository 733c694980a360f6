"""Users and roles in the tables of Airflow's FAB auth manager."""

from __future__ import annotations

from typing import Any, Final

from airflow.utils.session import create_session
from sqlalchemy import select

MAX_DIGITS: Final = 9
"""Of the number that FAB's tables can hold as the id of a user."""


def has_role(models: Any, name: str) -> bool:
    """Tell whether there is a role.

    :param models: FAB's module of models
    """
    return _has(select(models.Role.id).where(models.Role.name == name))


def has_user(models: Any, name: str) -> bool:
    """Tell whether there is a user of this name or id."""
    # By the very name: FAB itself finds it in any case, but a question for such a user would be nobody's.
    is_it = models.User.username == name
    return _has(select(models.User.id).where(is_it | (models.User.id == int(name)) if _is_number(name) else is_it))


def _has(query: Any) -> bool:
    with create_session() as session:
        return session.scalar(query.limit(1)) is not None


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdecimal() and len(name) <= MAX_DIGITS
