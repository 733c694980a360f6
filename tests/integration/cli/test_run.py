"""``run`` and ``logs --follow`` against a running Airflow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from airflow_workflow_provider.cli.main import main
from airflow_workflow_provider.local.configuration import ADMIN, connection_json

EXAMPLES = Path(__file__).parents[3] / "examples"
TASK = {"taskId": "cli-refuse", "name": "Refuse", "operator": "fail", "arguments": {"type": "Refused"}}
FAILING = {
    "workflowId": "cli-failing",
    "name": "Failing",
    "version": "1.0.0",
    "steps": [{"stepId": "refuse", "taskId": "cli-refuse"}],
}

pytestmark = [pytest.mark.daemons, pytest.mark.xdist_group("airflow-3"), pytest.mark.slow]


@pytest.fixture
def airflow(running_airflow: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    access = running_airflow.environment.access()
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", connection_json(running_airflow.workflows_url))
    monkeypatch.setenv("AIRFLOW_WORKFLOWS_API_URL", access.address)
    monkeypatch.setenv("AIRFLOW_WORKFLOWS_API_USER", ADMIN)
    monkeypatch.setenv("AIRFLOW_WORKFLOWS_API_PASSWORD", access.password)
    return running_airflow


def test_run_waits_for_an_instance_and_exits_by_its_status(
    airflow: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = tmp_path / "failing.json"
    failing.write_text(json.dumps(FAILING))
    task = tmp_path / "task.json"
    task.write_text(json.dumps(TASK))
    assert main(["apply", str(EXAMPLES), str(failing), str(task)]) == 0
    for workflow in ("order-approval", "cli-failing"):
        airflow.client.wait_for_dag(workflow, seconds=300)
    capsys.readouterr()

    given = f"@{EXAMPLES / 'order-approval.input.json'}"
    assert main(["run", "order-approval", "--input", given, "--wait", "--timeout", "180", "--output", "json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["status"], result["output"]["approver"]) == ("completed", "policy")

    assert main(["logs", result["instanceId"], "--follow", "--output", "jsonl"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"register", "autoApprove", "notify"} <= {row["stepId"] for row in rows}

    (started,) = [row for row in rows if row["event"] == "instance.started"]
    assert (started["data"]["via"], started["actor"]["name"]) == ("cli", ADMIN)

    assert main(["run", "cli-failing", "--wait", "--timeout", "180", "--output", "json"]) == 1
    result = json.loads(capsys.readouterr().out)
    assert (result["status"], result["error"]["type"]) == ("failed", "Refused")


def test_an_input_that_the_schema_refuses_and_an_unknown_workflow_exit_1(
    airflow: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["apply", str(EXAMPLES)]) == 0
    airflow.client.wait_for_dag("order-approval", seconds=300)
    capsys.readouterr()

    assert main(["run", "order-approval", "--input", f"@{EXAMPLES / 'order-approval.refused.input.json'}"]) == 1
    refused = capsys.readouterr()
    assert main(["run", "no-such-workflow"]) == 1
    unknown = capsys.readouterr()

    assert refused.out == ""
    assert refused.err.startswith("error input-refused at --input: ")
    assert unknown.err.startswith("error workflow-not-found: ")


def test_a_shell_that_sourced_the_environment_can_run(airflow: Any, tmp_path: Path) -> None:
    file = airflow.environment.layout.environment
    assert file.stat().st_mode & 0o777 == 0o600
    assert main(["apply", str(EXAMPLES)]) == 0
    airflow.client.wait_for_dag("order-approval", seconds=300)

    program = Path(sys.executable).parent / "airflow-workflows"
    given = EXAMPLES / "order-approval.input.json"
    script = (
        f'set -e; . {file}; test -z "$AIRFLOW_WORKFLOWS_API_PASSWORD"; {program} run order-approval --input @{given}'
    )
    clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(["sh", "-c", script], env=clean, capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 0, done.stderr
    assert str(UUID(done.stdout.strip())) == done.stdout.strip()
