"""``standalone`` against an environment that runs."""

from __future__ import annotations

import json
import sys

import pytest

from airflow_workflow_provider.cli.main import main
from tests.support.airflow import RunningAirflow

pytestmark = [pytest.mark.daemons, pytest.mark.xdist_group("airflow-3"), pytest.mark.slow]


@pytest.fixture
def folder(running_airflow: RunningAirflow) -> str:
    return str(running_airflow.environment.layout.folder)


def test_status_states_what_runs_and_where(
    folder: str, running_airflow: RunningAirflow, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["standalone", "status", "--folder", folder, "--output", "json"])

    found = json.loads(capsys.readouterr().out)
    assert code == 0
    assert found["running"] is True
    assert found["address"] == running_airflow.client.address
    assert len(found["processes"]) == 5
    assert all(process["running"] for process in found["processes"])


def test_up_of_what_runs_says_how_to_get_in_and_no_password(
    folder: str, running_airflow: RunningAirflow, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["standalone", "up", "--folder", folder])

    printed = capsys.readouterr()
    assert code == 0
    assert running_airflow.client.address in printed.out
    assert running_airflow.environment.access().password not in printed.out + printed.err
    assert "standalone down" in printed.err


def test_commands_find_the_environment_that_runs_here(
    folder: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", raising=False)
    monkeypatch.delitem(sys.modules, "airflow.configuration", raising=False)
    monkeypatch.setenv("AIRFLOW_WORKFLOWS_HOME", folder)

    assert main(["db", "check"]) == 0
    assert capsys.readouterr().out
