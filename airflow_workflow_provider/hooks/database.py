"""The hook of the connection type ``workflows``."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseHook

from airflow_workflow_provider.errors import WorkflowsError
from airflow_workflow_provider.settings import CONNECTION_TYPE, DEFAULT_CONNECTION_ID, load_settings
from airflow_workflow_provider.store.connection import database_url
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.diagnosis import diagnose
from airflow_workflow_provider.store.migrate import check


class WorkflowsHook(BaseHook):
    """Connects to the workflow database.

    It runs no statements: the tables are private, and a ``sql`` task refuses a connection of this type.

    :param workflows_conn_id: Airflow connection of the workflow database
    """

    conn_name_attr = "workflows_conn_id"
    default_conn_name = DEFAULT_CONNECTION_ID
    conn_type = CONNECTION_TYPE
    hook_name = "Workflow database"

    def __init__(self, workflows_conn_id: str = DEFAULT_CONNECTION_ID, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.workflows_conn_id = workflows_conn_id

    def get_conn(self) -> Database:
        """Return the database of the connection, which is reached when it is first used.

        :raises Misuse: the connection is not defined, cannot be read or is not PostgreSQL
        """
        settings = load_settings()
        return Database(
            database_url(self.workflows_conn_id),
            connect_timeout=settings.connect_timeout,
            statement_timeout=settings.statement_timeout,
            retry_for=0,
            pooled=False,
            # What its tables are is what the test of a connection says.
            checked=False,
        )

    def test_connection(self) -> tuple[bool, str]:
        """Return whether components can work with this database, and what was found; changes nothing."""
        try:
            with self.get_conn() as database:
                return _examine(database)
        except WorkflowsError as error:
            return False, f"{error.message}; {error.suggestion}" if error.suggestion else error.message


def _examine(database: Database) -> tuple[bool, str]:
    found = diagnose(database, load_settings().role_prefix)
    place = f"PostgreSQL {found.server} at {database.name}"
    if found.is_read_only:
        return False, f"{place} is read-only; connect to the primary"
    state = check(database.url)
    if not state.ok:
        return False, f"{place}: {state.summary}; run 'airflow-workflows db migrate'"
    if found.unreadable:
        tables = ", ".join(found.unreadable)
        return False, f"{place}: this account may not read {tables}; 'airflow-workflows db roles' grants the rights"
    return True, f"{place}: {state.summary}"
