"""What the repository promises of itself."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def tracked_files() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("not a git working copy")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def texts() -> list[tuple[Path, str]]:
    found = []
    for path in tracked_files():
        try:
            found.append((path, path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    # hatchling is a development dependency: no isolated environment, so nothing is downloaded.
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return zipfile.ZipFile(next(folder.glob("*.whl")))


@pytest.mark.slow
def test_the_wheel_holds_package_and_migrations(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "airflow_workflow_provider").rglob("*.py")}
    migrations = {f"airflow_workflow_provider/{path.relative_to(ROOT)}" for path in (ROOT / "migrations").rglob("*.py")}
    assert "airflow_workflow_provider/py.typed" in names
    assert sources <= names
    assert migrations
    assert migrations <= names
    # What ``explain`` reads.
    assert {f"airflow_workflow_provider/documentation/{page}.md" for page in ("diagnostics", "vocabulary")} <= names


@pytest.mark.slow
def test_the_wheel_holds_the_built_front_end_and_nothing_of_its_making(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    static = "airflow_workflow_provider/ui/static/"
    manifest = json.loads(wheel.read(f"{static}manifest.json"))
    assert {f"{static}{name}" for name in [*manifest.values(), "workflows.svg", "workflows-dark.svg"]} <= names
    assert [name for name in names if "node_modules" in name or name.endswith((".ts", ".tsx"))] == []


@pytest.mark.slow
def test_the_wheel_holds_nothing_else(wheel: zipfile.ZipFile) -> None:
    others = [name for name in wheel.namelist() if not name.startswith("airflow_workflow_provider")]
    assert others == []


@pytest.mark.slow
def test_the_wheel_holds_the_licence(wheel: zipfile.ZipFile) -> None:
    assert [name for name in wheel.namelist() if name.endswith("licenses/LICENSE")]


def test_no_tracked_file_names_this_machine_or_a_package_host() -> None:
    # In pieces, so that this file is none of those that it looks for.
    words = [
        "/" + "work/",
        "/" + "root/",
        "pypi." + "org",
        "files.python" + "hosted",
        "registry." + "npmjs",
        "py" + "env/",
    ]
    found = [f"{path.relative_to(ROOT)}: {word}" for path, text in texts() for word in words if word in text]
    assert found == []


def test_no_tracked_file_holds_both_sides_of_a_merge() -> None:
    marks = re.compile(r"^(<<<<<<<|>>>>>>>) ", re.MULTILINE)
    assert [str(path.relative_to(ROOT)) for path, text in texts() if marks.search(text)] == []


def test_constraints_are_plain_pins() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert len(lines) > 50
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!_-]+", line)] == []


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + [name for extra in project["optional-dependencies"].values() for name in extra]
    pinned = {normal(line.partition("==")[0]) for line in (ROOT / "constraints.txt").read_text().splitlines()}
    names = {normal(re.match(r"[A-Za-z0-9._-]+", line).group()) for line in wanted}
    assert names - pinned - {"airflow-workflow-provider"} == set()


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_scripts_can_be_executed() -> None:
    for name in (".ci/run", "scripts/environment.sh", "scripts/browser.sh"):
        assert os.access(ROOT / name, os.X_OK), name


def test_ci_runs_what_the_readme_says() -> None:
    readme = (ROOT / "README.md").read_text()
    commands = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line.startswith("make ")]
    assert commands == ["make lint", "make test"]
    assert [command for command in commands if command not in readme] == []


def test_make_help_lists_every_target() -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in (
        "demo",
        "up",
        "down",
        "ui",
        "docs",
        "reference",
        "test",
        "lint",
        "audit",
        "bench",
        "screenshots",
        "clean",
    ):
        assert re.search(rf"^  {target} ", done.stdout, re.MULTILINE), target
