"""Who the private PostgreSQL runs as, and what that account can reach."""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from airflow_workflow_provider.errors import StoreUnavailable
from airflow_workflow_provider.vocabulary import ProblemCode

Command = list[str | Path]

UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """A system account; ``other`` says that it is not the one this process runs as."""

    uid: int
    gid: int
    other: bool

    def run(self, command: Command, *, cwd: Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a command as this account, without the caller's PG* variables.

        The output goes through a file, because a server that the command leaves behind would keep a pipe open.

        :param timeout: seconds
        """
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        environment["LC_ALL"] = "C"
        switch = {"user": self.uid, "group": self.gid, "extra_groups": []} if self.other else {}
        with tempfile.TemporaryFile("w+", errors="replace") as output:
            done = subprocess.run(  # noqa: S603 - programs that binaries.py found
                [str(word) for word in command],
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=timeout,
                check=False,
                **switch,  # type: ignore[call-overload]
            )
            output.seek(0)
            text = output.read()
        return subprocess.CompletedProcess(done.args, done.returncode, text, "")

    def reaches(self, path: Path) -> bool:
        """Whether this account may enter (a folder) or execute (a file) ``path``, parents and ACLs included."""
        if not self.other:
            return os.access(path, os.X_OK)
        return self.run(["/bin/sh", "-c", 'test -x "$1"', "sh", path], cwd=Path("/")).returncode == 0

    def own(self, path: Path) -> None:
        """Give ``path`` to this account."""
        if self.other:
            os.chown(path, self.uid, self.gid)


def account_for(cluster: Path) -> Account:
    """The account for a data folder: its owner's when it exists, else ours, and never root's.

    :raises StoreUnavailable: when only root is there to run it
    """
    ours = os.geteuid()
    if ours != 0:
        return Account(ours, os.getegid(), other=False)
    if cluster.exists() and (owner := cluster.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid, other=True)
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, other=True)
    message = f"PostgreSQL refuses to run as root and there is no system account {' or '.join(UNPRIVILEGED)}"
    raise StoreUnavailable(message, code=ProblemCode.POSTGRES_ACCOUNT, suggestion="run this as an ordinary user")
