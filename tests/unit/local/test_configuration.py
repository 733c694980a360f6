"""The configuration of a local Airflow."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path

import pytest

from airflow_workflow_provider.local.configuration import (
    USERS,
    Layout,
    Secrets,
    airflow_variables,
    connection_json,
    process_environment,
    shell_text,
    write_private,
)

PASSWORD = "a%40b'c d"
URL = "postgresql+psycopg://postgres:a%2540b%27c%20d@127.0.0.1:5433/workflows"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_made_once_and_only_their_owner_reads_them(layout: Layout) -> None:
    first = Secrets.of(layout).with_port(4711)
    first.save(layout)

    assert Secrets.of(layout) == first
    assert mode(layout.secrets) == mode(layout.passwords) == 0o600
    assert set(first.passwords) == set(USERS)
    assert len(set(first.hidden())) == len(first.hidden())


def test_a_private_file_is_never_readable_by_others_even_when_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert mode(path) == 0o600
    assert path.read_text() == "new"


def test_a_password_full_of_traps_reaches_the_connection() -> None:
    connection = json.loads(connection_json(URL))
    assert connection["password"] == PASSWORD
    assert connection["schema"] == "workflows"
    assert connection["port"] == 5433


def test_variables_survive_a_shell(layout: Layout, tmp_path: Path) -> None:
    variables = airflow_variables(layout, Secrets.of(layout), metadata_url=URL, workflows_url=URL)
    file = tmp_path / "environment"
    file.write_text(shell_text(variables))
    done = subprocess.run(
        ["sh", "-c", '. "$1"; printf %s "$AIRFLOW_CONN_WORKFLOWS_DEFAULT"', "sh", str(file)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["password"] == PASSWORD


def test_everybody_must_log_in_and_only_this_machine_can(layout: Layout) -> None:
    variables = airflow_variables(layout, Secrets.of(layout), metadata_url=URL, workflows_url=URL)
    assert variables["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS"] == "False"
    assert variables["AIRFLOW__API__HOST"] == "127.0.0.1"


def test_the_callers_own_airflow_does_not_leak_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("PGPASSWORD", "x")
    environment = process_environment({"AIRFLOW_HOME": "here"})
    assert "AIRFLOW__CORE__EXECUTOR" not in environment
    assert "PGPASSWORD" not in environment
    assert environment["AIRFLOW_HOME"] == "here"
