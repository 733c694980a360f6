"""The connection as Airflow knows it, where the environment has none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

CODE = """
from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.store.connection import database_url

print(database_url("kept_elsewhere").render_as_string(hide_password=False))
try:
    database_url("nowhere")
except Misuse as error:
    print(error.message, "|", error.suggestion)
"""


@pytest.mark.airflow
def test_airflow_is_asked_where_the_environment_has_no_connection(tmp_path: Path) -> None:
    connections = tmp_path / "connections.json"
    fields = {"conn_type": "postgres", "host": "h", "login": "l", "password": "p%@", "schema": "s", "port": 5}
    connections.write_text(json.dumps({"kept_elsewhere": {**fields, "extra": {"sslmode": "require"}}}))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")} | {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/airflow.db",
        "AIRFLOW__SECRETS__BACKEND": "airflow.secrets.local_filesystem.LocalFilesystemBackend",
        "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps({"connections_file_path": str(connections)}),
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CODE], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.splitlines()[-2:] == [
        "postgresql+psycopg://l:p%25%40@h:5/s?sslmode=require",
        "The connection 'nowhere' is not defined | define it in Airflow, or set AIRFLOW_CONN_NOWHERE to its URI; "
        "doctor says if it is unreadable",
    ]
