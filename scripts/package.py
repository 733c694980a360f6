"""Build the distributions, check and install them, and write their SBOM, all into ``dist/``.

The wheel is built from the source distribution, which is therefore complete. It is installed with the pinned versions
into an environment of its own, where Airflow has to find the provider; the SBOM (CycloneDX) lists what is there.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from airflow_workflow_provider import __version__

ROOT: Final = Path(__file__).resolve().parents[1]
DIST: Final = ROOT / "dist"
FOLDER: Final = ROOT / ".local" / "package"
PACKAGE: Final = "airflow_workflow_provider"
PROGRAMS: Final = Path(sys.executable).parent

IN_WHEEL: Final = ("py.typed", "migrations/env.py", "ui/static/manifest.json", "documentation/diagnostics.md")
"""Files that a wheel without them would do without a complaint, until somebody needs one."""

IN_SOURCE: Final = ("Makefile", "constraints.txt", "docker-compose.yml", "docs/deployment.md", "tests/conftest.py")

INSTALLED: Final = """
import importlib.metadata, json
from airflow.providers_manager import ProvidersManager
from airflow_workflow_provider.store.migrate import migrations_folder

manager = ProvidersManager()
hook = manager.hooks["workflows"]
points = importlib.metadata.distribution("airflow-workflow-provider").entry_points
print("found:" + json.dumps({
    "provider": "airflow-workflow-provider" in manager.providers,
    "connection type": hook is not None and hook.hook_name == "Workflow database",
    "entry points": all(point.load() is not None for point in points if point.group != "pytest11"),
    "migrations": any(migrations_folder().glob("versions/0*.py")),
}))
"""


class PackageError(Exception):
    """A distribution is not what it should be."""


def missing_in_wheel(names: Iterable[str]) -> list[str]:
    """Return which files a wheel lacks."""
    present = set(names)
    return [name for name in IN_WHEEL if f"{PACKAGE}/{name}" not in present]


def foreign_in_wheel(names: Iterable[str]) -> list[str]:
    """Return which files a wheel should not have: all that is neither the package nor its description."""
    return [
        name
        for name in names
        if not name.startswith((f"{PACKAGE}/", f"{PACKAGE}-"))
        or "node_modules" in name
        or name.endswith((".ts", ".tsx", ".pyc"))
        or "/tests/" in name
    ]


def missing_in_source(names: Iterable[str]) -> list[str]:
    """Return which files a source distribution lacks."""
    present = {name.partition("/")[2] for name in names}
    wanted = (*IN_SOURCE, *(f"{PACKAGE}/{name}" for name in IN_WHEEL if name.startswith(("py", "ui"))))
    return [name for name in wanted if name not in present]


def foreign_in_source(names: Iterable[str]) -> list[str]:
    """Return which files a source distribution should not have: secrets, and what tools left behind."""
    unwanted = ("/.venv/", "/.local/", "/node_modules/", "/__pycache__/")
    return [name for name in names if name.endswith(".env") or any(part in f"/{name}" for part in unwanted)]


def build() -> tuple[Path, Path]:
    """Build and return the source distribution and the wheel.

    :raises PackageError: one of them has too much or too little
    """
    shutil.rmtree(DIST, ignore_errors=True)
    _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(DIST))
    source, wheel = next(DIST.glob("*.tar.gz")), next(DIST.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    _refuse(wheel, missing_in_wheel(names), foreign_in_wheel(names))
    with tarfile.open(source) as tar:
        names = tar.getnames()
    _refuse(source, missing_in_source(names), foreign_in_source(names))
    _run(str(PROGRAMS / "twine"), "check", "--strict", str(source), str(wheel))
    return source, wheel


def install(wheel: Path) -> Path:
    """Install the wheel with the pinned versions and return the environment's interpreter.

    :raises PackageError: Airflow does not find there what the package has for it
    """
    python = FOLDER / "venv" / "bin" / "python"
    uv = (str(PROGRAMS / "uv"), "--quiet")
    _run(*uv, "venv", "--clear", "--python", sys.executable, str(FOLDER / "venv"))
    pinned = ("--constraint", str(ROOT / "constraints.txt"))
    _run(*uv, "pip", "install", "--python", str(python), *pinned, str(wheel))
    _run(*uv, "pip", "check", "--python", str(python))
    home = FOLDER / "home"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    environment = {"AIRFLOW_HOME": str(home), "HOME": str(home), "PATH": str(python.parent)}
    done = _run(str(python), "-W", "ignore", "-c", INSTALLED, environment=environment)
    found = json.loads(next(line for line in done.splitlines() if line.startswith("found:"))[6:])
    _refuse(wheel, [name for name, is_there in found.items() if not is_there], [])
    return python


def describe(python: Path) -> Path:
    """Write the SBOM: the packages of an environment, and those that the pages are built from.

    :raises PackageError: a package is missing in it
    """
    target = DIST / "sbom.cdx.json"
    options = ("--pyproject", str(ROOT / "pyproject.toml"), "--mc-type", "library", "--output-reproducible")
    _run(str(PROGRAMS / "cyclonedx-py"), "environment", *options, "--output-file", str(target), str(python))
    document = json.loads(target.read_text(encoding="utf-8"))
    # Its version is not written in pyproject.toml.
    document["metadata"]["component"]["version"] = __version__
    document["components"] += page_components(
        json.loads((ROOT / "ui" / "package-lock.json").read_text(encoding="utf-8"))
    )
    names = {component["name"] for component in document["components"]}
    _refuse(target, [name for name in ("apache-airflow", "psycopg", "marked") if name not in names], [])
    target.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return target


def page_components(lock: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the npm packages in the built pages as components of an SBOM.

    :param lock: npm's lock file; what is only needed to build the pages is marked there
    """
    return list(_page_components(lock["packages"]))


def _page_components(packages: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for path, package in sorted(packages.items()):
        name = path.rpartition("node_modules/")[2]
        if not name or package.get("dev") or package.get("peer"):
            continue
        identity = f"pkg:npm/{name.replace('@', '%40')}@{package['version']}"
        licence = [{"expression": package["license"]}] if "license" in package else []
        yield {
            "type": "library",
            "bom-ref": identity,
            "name": name,
            "version": package["version"],
            "purl": identity,
            "licenses": licence,
        }


def _refuse(file: Path, missing: list[str], foreign: list[str]) -> None:
    if missing or foreign:
        message = f"{file.name}: missing {missing}, not wanted {foreign[:20]}"
        raise PackageError(message)


def _run(*command: str, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode != 0:
        message = f"{' '.join(command)}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        raise PackageError(message)
    return done.stdout


def main() -> int:
    """Do all of it; print what is in ``dist/``."""
    try:
        _, wheel = build()
        describe(install(wheel))
    except PackageError as error:
        print(error, file=sys.stderr)
        return 1
    for file in sorted(DIST.iterdir()):
        print(f"{file.relative_to(ROOT)}  {file.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
