"""Errors of Airflow's metadata database."""

from __future__ import annotations

from typing import Final

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from airflow_workflow_provider.store.database_errors import is_passing

DATABASE_ERRORS: Final[tuple[type[Exception], ...]] = (DBAPIError, PoolTimeout)
"""The exceptions of a statement that fails or cannot be sent."""


def is_unreachable(error: Exception) -> bool:
    """Return whether the database could not be reached; else it is the statement that was wrong."""
    return is_passing(error) or isinstance(error, OperationalError | InterfaceError)
