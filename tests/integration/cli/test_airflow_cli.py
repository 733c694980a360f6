"""The commands inside Airflow's own command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[3] / "examples"
AIRFLOW = str(Path(sys.executable).parent / "airflow")

pytestmark = pytest.mark.slow


def test_airflow_workflows_is_the_same_command_line(tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text('{"workflowId": "bad"}')
    good = str(EXAMPLES / "order-approval.json")

    ended = subprocess.run(
        [AIRFLOW, "workflows", "validate", good, str(bad), "--output", "json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    results = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith('{"file"')]
    assert [each["valid"] for each in results] == [True, False], ended.stderr
    assert ended.returncode == 1
