"""Who is in which role and group, by each of the resolvers (rule K3)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import psycopg
import pytest

from airflow_workflow_provider.errors import Misuse, StoreUnavailable
from airflow_workflow_provider.people.auth_manager import AuthManagerResolver
from airflow_workflow_provider.people.directory import Directory, Person, _imported
from airflow_workflow_provider.people.mapping import MappingResolver
from airflow_workflow_provider.people.query import QueryResolver
from airflow_workflow_provider.settings import load_settings

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

ADA = Person("7", "ada", frozenset({"op"}))
SQL = "SELECT kind, name FROM memberships WHERE who = %(user)s"


@pytest.fixture
def memberships(database_url: str) -> Iterator[str]:
    """A database of people, and the URI of the connection to it."""
    url = database_url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE memberships (who text, kind text, name text)")
        with connection.cursor() as cursor:
            rows = [("7", "role", "boss"), ("ada", "group", "finance"), ("o'hara", "group", "sales")]
            cursor.executemany("INSERT INTO memberships VALUES (%s, %s, %s)", rows)
        yield url.replace("postgresql://", "postgres://")
        connection.execute("DROP TABLE memberships")


def test_k3_what_any_resolver_says_counts(memberships: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PEOPLE", memberships)
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__RESOLVERS", "auth_manager, mapping, sql")
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__PEOPLE", json.dumps({"ada": {"roles": ["writer"]}}))
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__PEOPLE_CONN_ID", "people")
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__PEOPLE_SQL", SQL)
    person = Directory.configured(load_settings()).complete(ADA)

    assert (set(person.roles), set(person.groups)) == ({"op", "writer", "boss"}, {"finance"})
    assert person.keys == {
        "user:7",
        "user:ada",
        "role:op",
        "role:Op",
        "role:writer",
        "role:boss",
        "group:finance",
        "anyone",
    }


def test_k3_a_database_is_asked_by_id_and_by_name(memberships: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PEOPLE", memberships)
    resolver = QueryResolver("people", SQL)
    assert resolver.memberships("7", "ada") == (["boss"], ["finance"])
    assert resolver.memberships("o'hara", "o'hara") == ([], ["sales"])
    assert resolver.memberships("x'; DROP TABLE memberships; --", "nobody") == ([], [])
    assert resolver.memberships("ada", "ada") == ([], ["finance"])
    assert resolver.knows("role", "boss") is None


@pytest.mark.usefixtures("airflow_in_process")
def test_k3_the_database_s_connection_may_be_one_of_airflow_s(
    memberships: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session

    # As the api-server says of itself.
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    with create_session() as session:
        session.add(Connection(conn_id="people-stored", uri=memberships))
    try:
        assert QueryResolver("people-stored", SQL).memberships("7", "ada") == (["boss"], ["finance"])
    finally:
        with create_session() as session:
            session.query(Connection).filter_by(conn_id="people-stored").delete()


def test_k3_nobody_is_let_in_for_what_a_database_does_not_say(
    memberships: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        QueryResolver("no-such-connection", SQL).memberships("7", "ada")
    assert caught.value.code == "people-unavailable"
    monkeypatch.setenv("AIRFLOW_CONN_PEOPLE", memberships)
    with pytest.raises(StoreUnavailable) as caught:
        QueryResolver("people", "SELECT nonsense").memberships("7", "ada")
    assert "nonsense" not in caught.value.message
    for given in (("", SQL), ("people", "")):
        with pytest.raises(Misuse, match="people_conn_id or people_sql is empty"):
            QueryResolver(*given)


def test_k3_a_mapping_knows_what_it_lists() -> None:
    resolver = MappingResolver({"ada": {"roles": ["boss"]}, "7": {"groups": ["finance"]}})
    assert resolver.memberships("7", "ada") == (["boss"], ["finance"])
    assert resolver.memberships("ada", "ada") == (["boss"], [])
    assert [resolver.knows("user", "ada"), resolver.knows("role", "boss"), resolver.knows("group", "finance")] == [
        True,
        True,
        True,
    ]
    assert [resolver.knows("user", "eve"), resolver.knows("role", "finance"), resolver.knows("group", "boss")] == [
        False,
        False,
        False,
    ]


class OnCall:
    """Whoever is on call has a role."""

    def memberships(self, user_id: str, user_name: str) -> tuple[list[str], list[str]]:  # noqa: ARG002
        return (["on-call"], []) if user_name == "ada" else ([], [])

    def knows(self, kind: str, name: str) -> bool | None:
        return True if (kind, name) == ("role", "on-call") else None


@pytest.fixture
def own_module(monkeypatch: pytest.MonkeyPatch) -> str:
    module = ModuleType("people_of_mine")
    module.OnCall = OnCall  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    _imported.cache_clear()
    return module.__name__


@pytest.mark.parametrize("separator", [".", ":"])
def test_k3_a_class_of_one_s_own_is_asked(own_module: str, separator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__RESOLVERS", f"{own_module}{separator}OnCall")
    directory = Directory.configured(load_settings())
    assert directory.complete(ADA).roles == {"op", "on-call"}
    assert (directory.knows("role", "on-call"), directory.knows("role", "x")) == (True, None)


@pytest.mark.parametrize("path", ["no.such.module.Class", "json.NoSuchClass", "nothing"])
def test_a_resolver_that_cannot_be_used_is_said(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__RESOLVERS", path)
    with pytest.raises(Misuse, match="cannot be imported") as caught:
        Directory.configured(load_settings())
    assert caught.value.code == "bad-configuration"


@pytest.mark.usefixtures("airflow_app")
def test_k3_simple_auth_manager_knows_its_users_and_roles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", "ada:admin, grace:op")
    knows: Any = AuthManagerResolver().knows
    assert [knows("user", name) for name in ("ada", "grace", "eve")] == [True, True, False]
    assert [knows("role", name) for name in ("viewer", "user", "op", "admin", "boss")] == [*[True] * 4, False]
    assert knows("group", "finance") is False
    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS", "True")
    assert knows("user", "eve") is None


def test_k3_unknown_are_those_whom_surely_nobody_knows() -> None:
    assignees = {"users": ["eve", "ada"], "roles": ["boss", "bos"], "groups": ["finance", "sales"]}
    mapping = MappingResolver({"ada": {"roles": ["boss"], "groups": ["finance"]}})
    assert Directory([mapping]).unknown(assignees) == ["user 'eve'", "role 'bos'", "group 'sales'"]
    assert Directory([mapping, OnCall()]).unknown(assignees) == []
    assert Directory([]).unknown(assignees) == []
    assert Directory([mapping]).unknown(None) == []
