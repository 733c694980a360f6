"""``standalone up|down|status``: PostgreSQL and Airflow on this machine."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_workflow_provider.cli.console import note, print_json, print_line, print_table, progress
from airflow_workflow_provider.cli.main import FAILED, FINE

if TYPE_CHECKING:
    from airflow_workflow_provider.local.airflow import LocalEnvironment

FOLDER_VARIABLE = "AIRFLOW_WORKFLOWS_HOME"
DEFAULT_FOLDER = ".local/standalone"


def environment(folder: str | None = None) -> LocalEnvironment:
    """Return the local environment that the commands of this folder mean.

    :param folder: where it is; else ``AIRFLOW_WORKFLOWS_HOME``, else ``.local/standalone`` below the working directory
    """
    from airflow_workflow_provider.local.airflow import LocalEnvironment

    return LocalEnvironment(Path(folder or os.environ.get(FOLDER_VARIABLE) or DEFAULT_FOLDER))


def running_environment() -> LocalEnvironment | None:
    """Return the local environment if all of it runs; where nothing was ever started nothing is imported."""
    folder = Path(os.environ.get(FOLDER_VARIABLE) or DEFAULT_FOLDER)
    if not folder.is_dir():
        return None
    found = environment()
    return found if found.status().running else None


def up(options: Namespace) -> int:
    """Start everything and say how to get in."""
    from airflow_workflow_provider.local.airflow import EnvironmentFailure

    local = environment(options.folder)
    try:
        with progress("Starting", None) as advance:
            access = local.up(advance)
    except EnvironmentFailure as error:
        note(error.details)
        raise
    if options.output == "json":
        print_json(_status(local))
        return FINE
    print_line(f"Airflow runs at {access.address}, user {access.username}.")
    print_line(f"Passwords: {local.layout.passwords}")
    print_line(f"To configure a shell for it: source {local.layout.environment}")
    note("Stop it with: airflow-workflows standalone down")
    return FINE


def down(options: Namespace) -> int:
    """Stop everything; the data stay."""
    local = environment(options.folder)
    with progress("Stopping", None):
        local.down()
    if options.output == "json":
        print_json(_status(local))
    else:
        print_line("Everything is stopped.")
    return FINE


def status(options: Namespace) -> int:
    """Say what runs; exit code 1 unless everything does."""
    local = environment(options.folder)
    found = _status(local)
    if options.output == "json":
        print_json(found)
    else:
        rows = [(each["name"], "running" if each["running"] else "stopped", each["pid"]) for each in found["processes"]]
        print_table(("process", "status", "pid"), rows, title=found["address"] or "Airflow is not running")
    return FINE if found["running"] else FAILED


def _status(local: LocalEnvironment) -> dict[str, Any]:
    found = local.status()
    return {
        "folder": str(found.folder),
        "address": found.address,
        "running": found.running,
        "processes": [
            {"name": each.name, "running": each.running, "pid": each.pid, "log": str(each.log_file)}
            for each in found.daemons
        ],
    }
