"""Diagnosis of the workflow database, for ``doctor``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from airflow_workflow_provider.store.roles import RIGHTS, look

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database


@dataclass(frozen=True)
class Diagnosis:
    """The state of a database.

    :param server: its version
    :param is_read_only: whether nothing can be written, as in a standby
    :param skew: how far the clock of this machine is ahead of the server's
    :param unreadable: tables that this account may not read
    :param missing_roles: roles of components that the server does not have
    """

    server: str
    is_read_only: bool
    skew: timedelta
    unreadable: tuple[str, ...]
    missing_roles: tuple[str, ...]


_FACTS = text("""
    SELECT current_setting('server_version') AS server,
           pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on' AS is_read_only,
           clock_timestamp() AS now
""")
_UNREADABLE = text("""
    SELECT name FROM unnest(CAST(:tables AS text[])) AS name
    WHERE to_regclass(name) IS NOT NULL AND NOT has_table_privilege(name, 'SELECT')
    ORDER BY name
""")


def diagnose(database: Database, role_prefix: str) -> Diagnosis:
    """Look at a database; changes nothing.

    :raises StoreUnavailable: it is not reached
    """

    def work(connection: Connection) -> Diagnosis:
        before = datetime.now(UTC)
        facts = connection.execute(_FACTS).one()
        # The server read its clock some time in between.
        here = before + (datetime.now(UTC) - before) / 2
        return Diagnosis(
            server=facts.server,
            is_read_only=facts.is_read_only,
            skew=here - facts.now,
            unreadable=tuple(connection.execute(_UNREADABLE, {"tables": sorted(RIGHTS)}).scalars()),
            missing_roles=look(connection, role_prefix).missing,
        )

    return database.run(work)
