"""How the commands connect to the workflow database."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from airflow_workflow_provider.cli.standalone import running_environment
from airflow_workflow_provider.settings import Settings, load_settings
from airflow_workflow_provider.store.connection import database_url, environment_name
from airflow_workflow_provider.store.database import Database

if TYPE_CHECKING:
    from airflow_workflow_provider.store.types import URL

CONNECT_TIMEOUT = 2
"""Seconds for one address of the server: a command that cannot reach it says so while its user still looks."""


def workflows_url(settings: Settings) -> str | URL:
    """Return where the workflow database is: as the environment says, else on this machine, else as Airflow knows.

    :raises Misuse: nobody knows, or it is no PostgreSQL
    """
    named = environment_name(settings.conn_id) in os.environ or "airflow.configuration" in sys.modules
    local = None if named else running_environment()
    return local.workflows_url() if local is not None else database_url(settings.conn_id)


def open_database(*, checked: bool = True) -> Database:
    """Return the workflow database; an unreachable one is said at once, without trying again.

    :param checked: refuse tables of another version of this package
    """
    settings = load_settings()
    return Database(
        workflows_url(settings),
        connect_timeout=min(settings.connect_timeout, CONNECT_TIMEOUT),
        statement_timeout=settings.statement_timeout,
        retry_for=0,
        checked=checked,
    )
