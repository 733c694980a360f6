"""Run tests with the oldest versions that ``pyproject.toml`` allows: ``lowest.py [PYTEST ARGUMENTS]``.

The direct dependencies are resolved to their lower bounds, what those need themselves to the newest versions that fit.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = ROOT / ".local" / "lowest"
TESTS: Final = ("tests/unit", "tests/conformance/test_simulate.py")
"""The short loop: ``make test-unit``."""


def normal(name: str) -> str:
    """Return the name of a project as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def name_of(requirement: str) -> str:
    """Return the normal name of a requirement's project."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    return normal(found[0]) if found else ""


def direct(resolved: str, dependencies: list[str]) -> list[str]:
    """Return the pins of the direct dependencies among all that were resolved.

    :param resolved: requirements as ``uv pip compile`` writes them
    """
    wanted = {name_of(each) for each in dependencies}
    pins = [line.strip() for line in resolved.splitlines() if "==" in line and not line.lstrip().startswith("#")]
    return [re.sub(r"\[.*?\]", "", pin) for pin in pins if name_of(pin) in wanted]


def main(arguments: list[str]) -> int:
    """Resolve, install and test; return pytest's exit code."""
    uv = [str(shutil.which("uv", path=str(Path(sys.executable).parent))), "--quiet"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    FOLDER.mkdir(parents=True, exist_ok=True)
    resolve = ["pip", "compile", "--resolution", "lowest-direct", "--python", sys.executable, "pyproject.toml"]
    found = subprocess.run([*uv, *resolve], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603
    pins = direct(found.stdout, project["dependencies"])
    constraints = FOLDER / "constraints.txt"
    constraints.write_text("".join(f"{pin}\n" for pin in pins), encoding="utf-8")
    print("\n".join(pins))
    python = FOLDER / "venv" / "bin" / "python"
    install = ["pip", "install", "--python", str(python), "--constraint", str(constraints), "--editable", ".[dev]"]
    for command in (["venv", "--clear", "--python", sys.executable, str(FOLDER / "venv")], install):
        subprocess.run([*uv, *command], cwd=ROOT, check=True)  # noqa: S603
    options = ["-n", "2", "--dist", "loadfile", "-p", "no:schemathesis", "-m", "not slow"]
    return subprocess.run([python, "-m", "pytest", *options, *(arguments or TESTS)], cwd=ROOT, check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
