"""The package as users install it: a wheel with its extra, in a virtual environment of its own."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final

from tests.celery.compose import ROOT

FOLDER: Final = ROOT / ".local" / "celery"
PACKAGE: Final = "airflow_workflow_provider"
EXTRA: Final = "celery"
BESIDE: Final = ("apache-airflow-providers-fab",)
"""What the image has beside this package."""


def installed(folder: Path = FOLDER) -> Path:
    """Return the folder of the programs of an environment with the wheel; what it needs is installed once."""
    wheel = _wheel(folder)
    constraints = ROOT / "constraints.txt"
    mark = hashlib.sha256(b"".join(file.read_bytes() for file in (constraints, ROOT / "pyproject.toml"))).hexdigest()
    venv, done = folder / "venv", folder / "installed"
    if not done.exists() or done.read_text() != mark:
        shutil.rmtree(venv, ignore_errors=True)
        _run(sys.executable, "-m", "venv", str(venv))
        _pip(venv, "--constraint", str(constraints), f"{wheel}[{EXTRA}]", *BESIDE)
        done.write_text(mark)
    _pip(venv, "--no-deps", "--force-reinstall", str(wheel))
    return venv / "bin"


def older(commit: str, folder: Path = FOLDER) -> Path | None:
    """Return a folder of Python's path with the package as it was at a commit; None where history lacks it.

    It is laid over the installation; only the built front end is of today.
    """
    target = folder / f"older-{commit}"
    shutil.rmtree(target, ignore_errors=True)
    command = ["git", "archive", "--format=tar", commit, PACKAGE, "migrations"]
    archive = subprocess.run(command, cwd=ROOT, check=False, capture_output=True)
    if archive.returncode != 0:
        return None
    target.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(target, filter="data")
    (target / "migrations").rename(target / PACKAGE / "migrations")
    shutil.copytree(ROOT / PACKAGE / "ui" / "static", target / PACKAGE / "ui" / "static", dirs_exist_ok=True)
    return target


def _wheel(folder: Path) -> Path:
    wheels = folder / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    _run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), str(ROOT))
    return next(wheels.glob("*.whl"))


def _pip(venv: Path, *words: str) -> None:
    _run(str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *words)


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr[-3000:]}"
