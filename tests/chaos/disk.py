"""A small filesystem with a tablespace for the workflow database, so that it can be full (root only)."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from airflow_workflow_provider.local.account import account_for
from airflow_workflow_provider.local.configuration import WORKFLOWS_DATABASE
from airflow_workflow_provider.local.postgres import PostgresServer

TABLESPACE = "small"
MEGABYTES = 192


@dataclass(frozen=True)
class SmallDisk:
    """A filesystem in memory.

    :param folder: where it is mounted
    """

    folder: Path

    @classmethod
    def mounted(cls, server: PostgresServer) -> SmallDisk | None:
        """Make the workflow database on a small disk, before anybody else makes it; None where mounting is refused."""
        server.start()
        home = server.log_file.parent
        disk = cls(home / TABLESPACE)
        disk.folder.mkdir(exist_ok=True)
        options = f"size={MEGABYTES}m,mode=0700"
        done = subprocess.run(
            ["/bin/mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk.folder)], capture_output=True, check=False
        )
        if done.returncode != 0:
            return None
        account_for(home / "cluster").own(disk.folder)
        place = sql.Literal(str(disk.folder))
        server.administer(sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(sql.Identifier(TABLESPACE), place))
        server.administer(
            sql.SQL("CREATE DATABASE {} TABLESPACE {}").format(
                sql.Identifier(WORKFLOWS_DATABASE), sql.Identifier(TABLESPACE)
            )
        )
        return disk

    def fill(self) -> None:
        """Leave no free byte."""
        ballast = os.open(self.folder / "ballast", os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            size, block = 0, 1 << 20
            while block >= 4096:
                try:
                    os.posix_fallocate(ballast, size, block)
                    size += block
                except OSError:
                    block //= 2
        finally:
            os.close(ballast)

    def free(self) -> None:
        """Have space again."""
        (self.folder / "ballast").unlink(missing_ok=True)

    def unmount(self) -> None:
        """Give it back, with all that is on it."""
        with suppress(OSError):
            subprocess.run(["/bin/umount", "--lazy", str(self.folder)], capture_output=True, check=False)
