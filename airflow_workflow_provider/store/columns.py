"""Columns and constraints that several tables have."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, Column, DateTime, MetaData, func, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)
"""All tables: a table is part of it once its module is imported, and ``store.tables`` imports each."""


def id_column() -> Column[Any]:
    """Return the key of a table whose rows are named by random UUIDs."""
    return Column("id", UUID, primary_key=True, server_default=func.gen_random_uuid())


def json_column(name: str, *, nullable: bool = True) -> Column[Any]:
    """Return a column of JSON."""
    # A Python None is SQL's NULL, never JSON's null: one way to say "nothing".
    return Column(name, JSONB(none_as_null=True), nullable=nullable)


def time_column(name: str, *, required: bool = False) -> Column[Any]:
    """Return a column of a moment, by default the time of the insertion where one is required."""
    default = func.now() if required else None
    return Column(name, DateTime(timezone=True), nullable=not required, server_default=default)


def one_of(column: str, allowed: tuple[str, ...]) -> CheckConstraint:
    """Return the constraint that a column holds one of some texts."""
    values = ", ".join(f"'{value}'" for value in allowed)
    return CheckConstraint(text(f"{column} IN ({values})"), name=column)
