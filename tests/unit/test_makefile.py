"""The Makefile on machines that lack something."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "scripts/environment.sh"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def make(folder: Path, *arguments: str, path: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": path, "HOME": str(folder)}
    return subprocess.run(
        [str(shutil.which("make")), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def tools(folder: Path, *names: str) -> str:
    """Return a PATH with nothing but these programs."""
    programs = folder / "bin"
    programs.mkdir()
    for name in names:
        (programs / name).symlink_to(str(shutil.which(name)))
    return str(programs)


def test_without_a_python_it_says_which_is_needed(copy: Path) -> None:
    done = make(copy, "lint", path=tools(copy, "sh", "mkdir", "touch", "rm"))
    assert done.returncode == 2
    assert "No Python 3.11 or newer" in done.stderr
    assert "python3-venv" in done.stderr
    assert not (copy / ".venv").exists()


@pytest.mark.slow
def test_a_python_that_is_too_old_or_broken_is_passed_over(copy: Path) -> None:
    path = tools(copy, "sh", "mkdir", "touch", "rm", "grep", "tail")
    for name, text in {"python3.13": "#!/bin/sh\nexit 127\n", "python3.12": "#!/bin/sh\nexit 1\n"}.items():
        program = Path(path) / name
        program.write_text(text)
        program.chmod(0o755)
    (Path(path) / "python3").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (Path(path) / "python3").chmod(0o755)
    # No index and no such extra: it fails after the interpreter was found, and shows why.
    (copy / "constraints.txt").write_text("this is no constraint\n")

    done = make(copy, "lint", path=path)

    assert "Making .venv with Python 3." in done.stdout
    assert done.returncode == 2
    assert "this is no constraint" in done.stderr
    assert "The installation failed; the whole log is in .local/install.log" in done.stderr
    assert not (copy / ".venv" / ".dev").exists()


def test_help_is_the_default_and_needs_no_python(copy: Path) -> None:
    done = make(copy, path=tools(copy, "sh", "awk", "echo", "rm"))
    assert done.returncode == 0
    assert "demo" in done.stdout


def test_it_uses_posix_sh_only() -> None:
    for script in (*(ROOT / "scripts").glob("*.sh"), ROOT / "deploy" / "create-databases.sh"):
        assert script.read_text().startswith("#!/bin/sh\n")
        subprocess.run(["sh", "-n", str(script)], check=True, env=dict(os.environ))
