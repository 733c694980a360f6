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
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.migrate import upgrade

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.postgres


def test_each_database_has_an_owner_whose_password_may_hold_anything(tmp_path: Path) -> None:
    psql = find_binaries(None).bin / "psql"
    if not psql.exists():
        pytest.skip("this PostgreSQL comes without psql")
    server = PostgresServer(tmp_path / "postgres", durable=False)
    passwords = {"airflow": "a'b\"c $d", "workflows": "w"}
    components = {f"workflows_{name}": f"{name}'s" for name in ("api", "worker", "maintenance", "reader")}
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
            **{f"{name.upper()}_PASSWORD": password for name, password in (passwords | components).items()},
        }
        subprocess.run([ROOT / "deploy" / "create-databases.sh"], env=environment, check=True)
        for name, password in passwords.items():
            with psycopg.connect(
                host=parts.hostname, port=parts.port, user=name, password=password, dbname=name
            ) as connection:
                connection.execute("CREATE TABLE mine (id int)")
        assert upgrade(server.url("workflows", ("workflows", passwords["workflows"]))).ok
        for name, password in components.items():
            with Database(server.url("workflows", (name, password))) as database:
                assert Definitions(database).highest_revision() == 0
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                psycopg.connect(server.url("airflow", (name, password)).replace("+psycopg", ""))
    finally:
        server.remove()
