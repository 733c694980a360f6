"""The tests of the front end itself, in Node.js: forms, graph, texts, pages with a server of the test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]


def test_the_front_end_passes_its_own_tests() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "build_ui.py"), "run", "test"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5_000:]
