"""What ``make demo`` shows, from nothing to everything stopped."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_workflow_provider.local.airflow import LocalEnvironment
from airflow_workflow_provider.local.client import poll

ROOT = Path(__file__).parents[2]
DEMO = [sys.executable, "-m", "airflow_workflow_provider.cli.demo", "--examples", str(ROOT / "examples")]

pytestmark = [pytest.mark.daemons, pytest.mark.xdist_group("airflow-3"), pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[LocalEnvironment]:
    environment = LocalEnvironment(tmp_path / "demo")
    yield environment
    environment.remove()


def test_it_runs_an_order_through_every_branch_and_stops_everything(
    environment: LocalEnvironment, tmp_path: Path
) -> None:
    # The user's own shell may point anywhere.
    shell = {**os.environ, "HOME": str(tmp_path), "AIRFLOW_CONN_WORKFLOWS_DEFAULT": "postgresql://nobody@127.0.0.1:1/x"}

    done = subprocess.run(
        [*DEMO, "--folder", str(environment.layout.folder)],
        cwd=tmp_path,
        env=shell,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    for step in ("autoApprove", "managerApproval", "boardApproval"):
        assert f"register → {step} → notify" in done.stdout
    assert done.stdout.count("status   completed") == 3
    assert "refused before any step" in done.stdout
    assert len(re.findall(r"http://127\.0\.0\.1:\d+", done.stdout)) >= 2
    assert environment.access().password not in done.stdout + done.stderr
    assert environment.status().stopped


def test_ending_it_ends_what_it_started(environment: LocalEnvironment, tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [*DEMO, "--folder", str(environment.layout.folder)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        poll(lambda: environment.status().daemons[2].running or None, seconds=500, what="the scheduler to be started")
        demo.send_signal(signal.SIGTERM)
        output, _ = demo.communicate(timeout=90)
    finally:
        demo.kill()
    assert demo.returncode == 128 + signal.SIGTERM
    assert "is stopped" in output
    assert environment.status().stopped


def test_examples_that_are_not_there_are_said_before_anything_starts(
    environment: LocalEnvironment, tmp_path: Path
) -> None:
    done = subprocess.run(
        [*DEMO[:3], "--folder", str(environment.layout.folder), "--examples", str(tmp_path / "nowhere")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "no-example" in done.stderr
    assert not environment.layout.folder.exists()
