"""Files of several workflows under a real dag-processor, which knows nothing of workflows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text

from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.local.configuration import Layout, Secrets, airflow_variables, process_environment
from airflow_workflow_provider.local.postgres import PostgresServer
from airflow_workflow_provider.store.database import Database
from tests.support.store import document, publish

pytestmark = [pytest.mark.postgres, pytest.mark.daemons, pytest.mark.xdist_group("airflow-dag-processor")]

NAMES = ("alpha", "beta", "gamma")
PROGRAM = """
from airflow_workflow_provider.bundles import workflow
from airflow_workflow_provider.dag import grouped
workflow.OWN_FILES, grouped.GROUPS = 0, 1
import sys
sys.argv = ["airflow", "dag-processor"]
from airflow.__main__ import main
main()
"""
"""A dag-processor that has all workflows in one file."""


@contextmanager
def dag_processor(variables: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], env=variables, stdout=file, stderr=file, start_new_session=True
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def rows(engine: Engine, query: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def until(engine: Engine, query: str, wanted: list[tuple[Any, ...]], what: str) -> None:
    def look() -> bool | None:
        return True if rows(engine, query) == wanted else None

    poll(look, seconds=300, what=what, interval=0.2)


def test_one_that_is_broken_is_an_import_error_of_its_own_and_the_others_load(
    postgres_server: PostgresServer, database_url: str, database: Database, tmp_path: Path
) -> None:
    postgres_server.create_database("processed")
    metadata = postgres_server.url("processed")
    layout = Layout(tmp_path)
    given = airflow_variables(layout, Secrets.of(layout), metadata_url=metadata, workflows_url=database_url)
    variables = process_environment(given)
    migrate = [sys.executable, "-m", "airflow", "db", "migrate"]
    subprocess.run(migrate, env=variables, check=True, capture_output=True)
    for name in NAMES:
        publish(database, document(workflow_id=name))
    with database.begin() as connection:
        statement = "update workflow_definition_versions set document = '{\"steps\": 7}' where workflow_id = 'beta'"
        connection.execute(text(statement))
    engine = create_engine(metadata)
    dags = "SELECT dag_id, relative_fileloc FROM dag WHERE NOT is_stale AND dag_id <> 'workflow_maintenance' ORDER BY 1"
    errors = "SELECT filename FROM import_error"
    together = [(name, "workflows-000.py") for name in NAMES]
    try:
        with dag_processor(variables, tmp_path / "dag-processor.log"):
            until(engine, errors, [("workflow-beta.py",)], "the import error")
            until(engine, dags, [each for each in together if each[0] != "beta"], "the others")
            publish(database, document("1.1.0", workflow_id="beta"))
            until(engine, dags, together, "the mended workflow")
            until(engine, errors, [], "the import error to go")
            assert rows(engine, "SELECT name FROM dag_tag WHERE dag_id = 'beta' AND name LIKE 'version %'") == [
                ("version 1.1.0",)
            ]
    finally:
        engine.dispose()
