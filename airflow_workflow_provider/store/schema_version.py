"""Whether the tables are those of this version of the package, asked when a component begins to work with them.

A component of another version would answer wrongly without complaint. During an update the tables are migrated first,
and components of the version before continue with them as long as the migrations only add to what they use.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, text

from airflow_workflow_provider.errors import StoreUnavailable
from airflow_workflow_provider.store.tables import VERSION_TABLE
from airflow_workflow_provider.vocabulary import ProblemCode

SCHEMA: Final = "0022"
"""The newest migration of this version of the package."""

COMPATIBLE_FROM: Final = "0011"
"""Components whose newest migration is this one, or a later one, work with the tables of this version.

The migrations since then only add tables, indexes and columns that have a default. Raise it with one that does more,
and at the latest one release after that.
"""

_COMMENT: Final = "Compatible with components from migration "
_QUERY: Final = text(
    f"SELECT version_num, obj_description('{VERSION_TABLE}'::regclass, 'pg_class') AS comment FROM {VERSION_TABLE}"  # noqa: S608 - our table's name
)


def note_compatibility(connection: Connection, current: str | None) -> None:
    """Write down which components work with the tables, for those that do not know these migrations."""
    if current is not None:
        oldest = min(COMPATIBLE_FROM, current)
        connection.execute(text(f"COMMENT ON TABLE {VERSION_TABLE} IS '{_COMMENT}{oldest}'"))


def refuse_other_schema(connection: Connection, name: str) -> None:
    """Require tables that this version of the package works with.

    :param name: the database, for messages
    :raises StoreUnavailable: ``store-not-migrated`` or ``store-too-new``
    """
    row = connection.execute(_QUERY).one_or_none()
    current = None if row is None else str(row.version_num)
    if row is None or current is None or current < SCHEMA:
        message = (
            f"The tables in the database at {name} are at migration {current or 'none'}; this version needs {SCHEMA}"
        )
        raise StoreUnavailable(message, code=ProblemCode.STORE_NOT_MIGRATED, suggestion="airflow-workflows db migrate")
    if current == SCHEMA:
        return
    oldest = str(row.comment or "").removeprefix(_COMMENT)
    if not oldest.isdecimal() or oldest > SCHEMA:
        message = (
            f"The tables in the database at {name} are at migration {current}; this version knows them up to {SCHEMA}"
        )
        raise StoreUnavailable(
            message, code=ProblemCode.STORE_TOO_NEW, suggestion="update airflow-workflow-provider in this component"
        )
