"""Failpoints are where the documentation says, and do nothing unless a test wants it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from airflow_workflow_provider.failpoints import FAILPOINTS, VARIABLE

ROOT = Path(__file__).parents[2]
RUN = "from airflow_workflow_provider.failpoints import failpoint; failpoint('attempt.kept'); print('alive')"


def test_every_failpoint_is_in_the_code_and_in_the_documentation() -> None:
    files = (ROOT / "airflow_workflow_provider").rglob("*.py")
    found = Counter(re.findall(r"failpoint\(\"([^\"]+)\"\)", "".join(file.read_text() for file in files)))
    assert set(found) == set(FAILPOINTS)
    # The two ways to a transaction share theirs.
    assert {name for name, number in found.items() if number > 1} == {
        "transaction.before-commit",
        "transaction.committed",
    }
    page = (ROOT / "docs" / "reliability.md").read_text()
    assert [name for name in FAILPOINTS if f"| `{name}` |" not in page] == []


def _run(folder: Path | None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    more = {} if folder is None else {VARIABLE: str(folder)}
    return subprocess.run(
        [sys.executable, "-c", RUN], env={**environment, **more}, capture_output=True, text=True, check=False
    )


def test_a_process_dies_once_where_a_test_wants_it(tmp_path: Path) -> None:
    armed = tmp_path / "attempt.kept"
    armed.touch()
    assert _run(None).stdout == "alive\n"
    assert _run(tmp_path).returncode == -signal.SIGKILL
    assert not armed.exists()
    assert _run(tmp_path).stdout == "alive\n"
