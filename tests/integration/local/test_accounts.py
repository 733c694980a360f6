"""The accounts of a local PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from airflow_workflow_provider.local.accounts import settle
from airflow_workflow_provider.local.postgres import PostgresServer
from airflow_workflow_provider.store import migrate

pytestmark = pytest.mark.postgres

PASSWORD = "p@:/'%ss\\"


@pytest.fixture
def name(postgres_server: PostgresServer) -> Iterator[str]:
    name = f"owner_{uuid4().hex[:8]}"
    yield name
    postgres_server.drop_database(name)
    for account in (name, f"{name}_other", f"{name}_stranger"):
        postgres_server.administer(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(account)))


def connect(server: PostgresServer, database: str, account: str) -> psycopg.Connection:
    return psycopg.connect(server.url(database, (account, PASSWORD)).replace("+psycopg", ""), autocommit=True)


def make(server: PostgresServer, name: str) -> None:
    accounts = [name, f"{name}_other"]
    settle(server, {name: accounts}, dict.fromkeys((*accounts, f"{name}_stranger"), PASSWORD))


def test_only_the_accounts_of_a_database_reach_it_and_only_its_owner_makes_tables(
    postgres_server: PostgresServer, name: str
) -> None:
    make(postgres_server, name)
    make(postgres_server, name)
    with connect(postgres_server, name, name) as owner:
        owner.execute("CREATE TABLE mine (n int)")
        assert owner.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)
    with connect(postgres_server, name, f"{name}_other") as other:
        for statement in ("CREATE TABLE other (n int)", "SELECT * FROM mine", "CREATE TEMP TABLE t (n int)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                other.execute(statement.encode())
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        connect(postgres_server, name, f"{name}_stranger")


def test_the_owner_can_migrate_what_the_superuser_had_made(postgres_server: PostgresServer, name: str) -> None:
    postgres_server.create_database(name)
    migrate.upgrade(postgres_server.url(name), "0003")
    with psycopg.connect(postgres_server.url(name).replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE TYPE mood AS ENUM ('well')")
        connection.execute('CREATE TABLE "With Space" (id serial, m mood)')
        connection.execute("CREATE VIEW seen AS SELECT 1 AS one")
    make(postgres_server, name)
    owner = postgres_server.url(name, (name, PASSWORD))
    assert migrate.upgrade(owner).ok
    with connect(postgres_server, name, name) as connection:
        connection.execute('ALTER TABLE "With Space" ADD n int')
        connection.execute("DROP VIEW seen")
        connection.execute("ALTER TYPE mood ADD VALUE 'ill'")
    migrate.downgrade(owner)
