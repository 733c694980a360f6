"""Airflow as seen by commands that write to the workflow database: reachable, not configured, or unreachable."""

from __future__ import annotations

import os
from configparser import ConfigParser
from configparser import Error as ConfigError
from pathlib import Path
from typing import Any, Final

from airflow_workflow_provider.cli.console import note

CONNECTION: Final = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
"""The variable that names Airflow's metadata database, itself or with one of these endings."""

ENDINGS: Final = ("", "_CMD", "_SECRET")


def airflow_is_configured() -> bool:
    """Return whether this machine is configured with Airflow's metadata database."""
    if any(CONNECTION + ending in os.environ for ending in ENDINGS):
        return True
    home = Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser()
    found = ConfigParser(interpolation=None, strict=False)
    try:
        found.read(os.environ.get("AIRFLOW_CONFIG", home / "airflow.cfg"), encoding="utf-8")
    except (ConfigError, OSError, ValueError):
        return False
    given = dict(found.items("database")) if found.has_section("database") else {}
    # Airflow writes a file with SQLite by itself, which no installation works with.
    named = any(f"sql_alchemy_conn{ending.lower()}" in given for ending in ENDINGS[1:])
    return named or not given.get("sql_alchemy_conn", "sqlite").startswith("sqlite")


class AirflowSide:
    """Airflow's metadata database, where this machine has it; elsewhere nothing is asked and nothing written.

    :param user: who works with the command
    """

    def __init__(self, user: str | None) -> None:
        self._user = user
        self._there = airflow_is_configured()

    def dag_exists(self, dag_id: str) -> bool:
        """Return whether Airflow surely has a DAG of this id."""
        if not self._there:
            return False
        from airflow_workflow_provider.airflow_db.errors import DATABASE_ERRORS
        from airflow_workflow_provider.airflow_db.lookups import dag_exists

        try:
            return dag_exists(dag_id)
        except DATABASE_ERRORS as error:
            self._away(error)
            return False

    def record(self, event: str, *, workflow_id: str | None = None, **extra: Any) -> None:
        """Write a row of Airflow's audit log."""
        if not self._there:
            return
        from airflow_workflow_provider.airflow_db.audit import write_row
        from airflow_workflow_provider.airflow_db.errors import DATABASE_ERRORS

        given = {key: value for key, value in {**extra, "via": "cli"}.items() if value is not None}
        try:
            write_row(event, self._user or "", given, workflow_id)
        except DATABASE_ERRORS as error:
            self._away(error)

    def _away(self, error: Exception) -> None:
        self._there = False
        note(
            f"warning: Airflow's metadata database could not be used ({type(error).__name__}): ids of other DAGs "
            "were not checked, and Airflow's audit log gets no row"
        )
