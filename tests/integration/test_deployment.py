"""The databases of a deployment, made on a real PostgreSQL."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from airflow_workflow_provider.local.binaries import find_binaries
from airflow_workflow_provider.local.postgres import PostgresServer

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.postgres


def test_each_database_has_an_owner_whose_password_may_hold_anything(tmp_path: Path) -> None:
    psql = find_binaries(None).bin / "psql"
    if not psql.exists():
        pytest.skip("this PostgreSQL comes without psql")
    server = PostgresServer(tmp_path / "postgres", durable=False)
    passwords = {"airflow": "a'b\"c $d", "workflows": "w"}
    try:
        server.start()
        parts = urlsplit(server.url())
        environment = {
            **os.environ,
            "PATH": f"{psql.parent}{os.pathsep}{os.environ['PATH']}",
            "PGHOST": str(parts.hostname),
            "PGPORT": str(parts.port),
            "PGPASSWORD": str(parts.password),
            "POSTGRES_USER": str(parts.username),
            **{f"{name.upper()}_PASSWORD": password for name, password in passwords.items()},
        }
        subprocess.run([ROOT / "deploy" / "create-databases.sh"], env=environment, check=True)
        for name, password in passwords.items():
            with psycopg.connect(
                host=parts.hostname, port=parts.port, user=name, password=password, dbname=name
            ) as connection:
                connection.execute("CREATE TABLE mine (id int)")
    finally:
        server.remove()
