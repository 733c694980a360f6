"""Who may answer: the roles that every Airflow has."""

from __future__ import annotations

import pytest

from airflow_workflow_provider.people.auth_manager import AuthManagerResolver
from airflow_workflow_provider.people.directory import Person
from airflow_workflow_provider.people.roles import spellings


@pytest.mark.parametrize(
    ("role", "found"),
    [
        ("op", {"op", "Op"}),
        ("Op", {"op", "Op"}),
        ("Admin", {"admin", "Admin"}),
        ("OP", {"OP"}),
        ("approver", {"approver"}),
        ("Approver", {"Approver"}),
        ("operator", {"operator"}),
        ("", {""}),
    ],
)
def test_k3_airflows_own_roles_have_one_meaning_under_every_auth_manager(role: str, found: set[str]) -> None:
    assert spellings(role) == found


def test_k3_roles_of_an_administrator_keep_their_case() -> None:
    keys = Person("1", "ada", frozenset({"Op", "Approver"})).keys
    assert {"role:op", "role:Op", "role:Approver"} <= keys
    assert "role:approver" not in keys


@pytest.mark.parametrize(("role", "known"), [("op", True), ("Op", True), ("aprover", False), ("OP", False)])
def test_k3_the_simple_auth_manager_knows_both_spellings(role: str, known: bool) -> None:
    assert AuthManagerResolver().knows("role", role) is known
