from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_workflow_provider.cli.main import main
from airflow_workflow_provider.cli.standalone import running_environment


def test_status_of_an_environment_that_was_never_started(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["standalone", "status", "--folder", str(tmp_path), "--output", "json"])

    found = json.loads(capsys.readouterr().out)
    assert code == 1
    assert (found["running"], found["address"]) == (False, None)
    assert not any(process["running"] for process in found["processes"])


def test_where_nothing_was_started_no_environment_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_WORKFLOWS_HOME", str(tmp_path / "absent"))

    assert running_environment() is None
