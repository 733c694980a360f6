"""Measure ``plan`` and ``apply --prune`` of a folder with many definitions, on a PostgreSQL of its own.

``python -m benchmarks.folder 1000`` prints the time of each command.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from airflow_workflow_provider.local.postgres import PostgresServer

MANY = 1000


def definition(number: int, description: str) -> dict[str, Any]:
    """Return a definition of eight steps with conditions, transforms, branches and handlers."""
    steps: list[dict[str, Any]] = [
        {
            "stepId": f"step{index}",
            "taskId": "set",
            "arguments": {"value": {"type": "jmespath", "expression": "input.amount"}},
            "next": [
                {"nextStepId": f"step{index + 1}", "condition": f"data.value > {index}"},
                {"nextStepId": "end"},
            ],
        }
        for index in range(6)
    ]
    branches = [{"branchId": name, "steps": [{"stepId": f"in-{name}", "taskId": "noop"}]} for name in ("a", "b")]
    steps.append({"stepId": "step6", "taskId": "noop", "parallelBranches": branches})
    return {
        "workflowId": f"flow-{number:04}",
        "name": f"Flow {number}",
        "description": description,
        "version": "1.0.0" if description == "first" else "1.1.0",
        "inputSchema": {"type": "object", "properties": {"amount": {"type": "number"}}},
        "steps": steps,
    }


def write(folder: Path, numbers: range, description: str) -> None:
    """Write definitions."""
    for number in numbers:
        (folder / f"{number:04}.json").write_text(json.dumps(definition(number, description), indent=2))


def command(environment: dict[str, str], *arguments: str, code: int = 0) -> None:
    """Run a command of ours, and print what it took."""
    program = [sys.executable, "-m", "airflow_workflow_provider.cli.main", *arguments]
    began, used = time.perf_counter(), _used()
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    took, processor = time.perf_counter() - began, _used() - used
    if done.returncode != code:
        sys.exit(done.stderr + done.stdout[-2000:])
    last = done.stdout.strip().splitlines()[-1] if "plan" in arguments else ""
    shown = " ".join(arguments).replace(environment["FOLDER"], "DIR")
    sys.stdout.write(f"{shown:24} {took:6.1f} s, {processor:5.1f} s of processor  {last}\n")


def _used() -> float:
    """Return the processor time of the commands so far, without that of PostgreSQL."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


def main(many: int) -> None:
    """Measure a first publication, no change, and a change of everything with removals."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "definitions"
        folder.mkdir()
        with PostgresServer(Path(home) / "postgres") as server:
            server.create_database("workflows")
            url = server.url("workflows").replace("postgresql+psycopg://", "postgres://")
            environment = {**os.environ, "AIRFLOW_CONN_WORKFLOWS_DEFAULT": url, "FOLDER": str(folder)}
            environment["AIRFLOW_HOME"] = home
            command(environment, "db", "migrate")
            write(folder, range(many), "first")
            command(environment, "plan", str(folder), code=3)
            command(environment, "apply", "--prune", str(folder))
            command(environment, "plan", str(folder))
            for file in sorted(folder.iterdir())[: many // 10]:
                file.unlink()
            write(folder, range(many // 10, many), "second")
            command(environment, "plan", str(folder), code=3)
            command(environment, "apply", "--prune", str(folder))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else MANY)
