"""The accounts of a local PostgreSQL: an owner for each database, a role for each component, none a superuser."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from psycopg import sql

if TYPE_CHECKING:
    from airflow_workflow_provider.local.postgres import PostgresServer

# What a database made for the superuser holds and its new owner has to be able to migrate.
_OURS: Final = """
    SELECT format(
        'ALTER %%s %%s OWNER TO %%I',
        CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END,
        pg_class.oid::regclass, %s::text
    )
    FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relowner <> %s::regrole AND relkind IN ('r', 'p', 'v', 'm', 'S')
      -- Sequences of columns go with their table.
      AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype IN ('a', 'i') AND relkind = 'S')
    UNION ALL
    SELECT format('ALTER TYPE %%s OWNER TO %%I', pg_type.oid::regtype, %s::text)
    FROM pg_type
    WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd') AND typowner <> %s::regrole
"""


def settle(server: PostgresServer, databases: Mapping[str, Iterable[str]], passwords: Mapping[str, str]) -> None:
    """Make databases and the accounts that may connect to them; safe to do again.

    :param databases: the accounts of each database, its owner first
    :param passwords: of all accounts
    """
    for name, password in passwords.items():
        _make(server, name, password)
    for database, accounts in databases.items():
        owner, *others = accounts
        server.create_database(database)
        _own(server, database, owner, others)


def _make(server: PostgresServer, name: str, password: str) -> None:
    role = sql.Identifier(name)
    made = sql.SQL("DO $$ BEGIN CREATE ROLE {}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$")
    server.administer(made.format(role))
    server.administer(sql.SQL("ALTER ROLE {} LOGIN NOSUPERUSER PASSWORD {}").format(role, sql.Literal(password)))


def _own(server: PostgresServer, database: str, owner: str, others: Iterable[str]) -> None:
    name = sql.Identifier(database)
    server.administer(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(name, sql.Identifier(owner)))
    server.administer(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    for other in others:
        server.administer(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, sql.Identifier(other)))
    quoted = sql.Identifier(owner).as_string()
    for statement in server.ask(_OURS, [owner, quoted] * 2, database):
        server.administer(sql.SQL(statement), database)
