"""A PostgreSQL for a measurement, which writes to disk as one in production does."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from airflow_workflow_provider.local.postgres import PostgresServer


@contextmanager
def postgres() -> Iterator[tuple[PostgresServer, Path]]:
    """Give a server without databases, and the folder that it is in; both are removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="airflow-workflows-bench-"))
    # The server may run under an account of its own.
    folder.chmod(0o711)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        server = PostgresServer(folder / "postgres")
        stack.callback(server.remove)
        server.start()
        yield server, folder
