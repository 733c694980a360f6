"""The roles that every Airflow has, whose names differ from one auth manager to another by their first letter only.

SimpleAuthManager's roles are ``op`` and ``admin`` in definitions, FAB's are ``Op`` and ``Admin``. A definition that
names one of them means the same under both, so that it can be moved, and examples work everywhere. Roles that an
administrator has made keep the case of their names.
"""

from __future__ import annotations

from typing import Final

STANDARD_ROLES: Final = frozenset({"viewer", "user", "op", "admin"})


def spellings(role: str) -> frozenset[str]:
    """Return how a role may be called."""
    lower = role.lower()
    if lower in STANDARD_ROLES and role in (lower, lower.capitalize()):
        return frozenset({lower, lower.capitalize()})
    return frozenset({role})
