"""What a run of faults ran on: commit, machine and day, for its report."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.machine import about

ROOT = Path(__file__).parents[2]
TESTED = ("airflow_workflow_provider", "migrations")
"""Not the rounds themselves: a change of theirs changes nothing of what they have found."""


def commit() -> str:
    """Return the last commit that changed what is tested, in short; whether it was changed since is said, too."""
    found = _git("log", "-1", "--format=%h", "--abbrev=10", "--", *TESTED)
    if not found:
        return "unknown"
    return f"{found} with changes" if _git("status", "--porcelain", "--", *TESTED) else found


def machine() -> str:
    """Return what has an influence on times."""
    found = about()
    return (
        f"{found['cores']} processors ({found['processor']}), {found['memory (GiB)']} GiB, "
        f"Python {found['Python']}, Airflow {found['Airflow']}"
    )


def today() -> str:
    """Return the day, in UTC."""
    return f"{datetime.now(UTC):%Y-%m-%d}"


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
