"""The workflow database of a process, for the code that works on instances in it."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from typing import Any, cast

from airflow_workflow_provider.settings import Settings, load_settings
from airflow_workflow_provider.store.connection import database_url
from airflow_workflow_provider.store.database import Database


def configured_database(settings: Settings | None = None) -> Database:
    """Return the database of the configured connection; its few connections are kept for the life of the process."""
    settings = settings or load_settings()
    url = database_url(settings.conn_id)
    return _database(url, settings.connect_timeout, settings.statement_timeout, settings.retry_for)


@lru_cache(maxsize=2)
def _database(url: Hashable, connect_timeout: int, statement_timeout: int, retry_for: float) -> Database:
    return Database(
        cast("Any", url),
        connect_timeout=connect_timeout,
        statement_timeout=statement_timeout,
        retry_for=retry_for,
        checked=True,
        component=True,
    )
