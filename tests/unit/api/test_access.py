"""Roles, as auth managers tell them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

from airflow_workflow_provider.api.access import Access, roles_of

pytestmark = pytest.mark.airflow


@pytest.mark.parametrize(("role", "roles"), [("ADMIN", ("admin",)), ("viewer", ("viewer",)), (None, ()), ("", ())])
def test_u1_a_simple_user_has_one_role_in_lower_case(role: str | None, roles: tuple[str, ...]) -> None:
    user = SimpleAuthManagerUser(username="ada", role=role)
    assert roles_of(user) == roles
    assert Access(user).roles == roles


@pytest.mark.parametrize(
    ("user", "roles"),
    [
        (SimpleNamespace(roles=[SimpleNamespace(name="Admin"), SimpleNamespace(name="Finance")]), ("Admin", "Finance")),
        (SimpleNamespace(roles=["a", "a", 5]), ("a",)),
        (SimpleNamespace(roles=None), ()),
        (SimpleNamespace(), ()),
    ],
)
def test_u1_other_auth_managers_roles_are_reported_as_they_are(user: Any, roles: tuple[str, ...]) -> None:
    assert roles_of(user) == roles
