"""A PostgreSQL for a measurement, which writes to disk as one in production does, and the API over it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_workflow_provider.local.configuration import connection_json
from airflow_workflow_provider.local.postgres import PostgresServer

if TYPE_CHECKING:
    from tests.support.api import Api


@contextmanager
def postgres(kept: Path | None = None) -> Iterator[tuple[PostgresServer, Path]]:
    """Give a server and the folder that it is in; both are removed afterwards.

    :param kept: a folder that stays, and is used again with the databases in it; the server is stopped
    """
    folder = kept or Path(tempfile.mkdtemp(prefix="airflow-workflows-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    # The server may run under an account of its own.
    folder.chmod(0o711)
    with ExitStack() as stack:
        server = PostgresServer(folder / "postgres")
        if kept is None:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            stack.callback(server.remove)
        else:
            stack.callback(server.stop)
        server.start()
        yield server, folder


@contextmanager
def serving(server: PostgresServer, folder: Path, name: str) -> Iterator[tuple[Api, str]]:
    """Give the API as the tests serve it, over the database of a name, and its address."""
    from tests.support import api
    from tests.support.airflow import CONNECTION, metadata

    with ExitStack() as stack:
        for each in ("bundle", "auth"):
            (folder / each).mkdir(exist_ok=True)
        stack.enter_context(metadata(server, folder / "bundle"))
        app = stack.enter_context(api.application(folder / "auth"))
        url = server.url(name)
        os.environ[CONNECTION] = connection_json(url)
        stack.callback(os.environ.pop, CONNECTION)
        found = stack.enter_context(api.over(app, url))
        yield found, stack.enter_context(api.serving(found))


class Client:
    """Sends requests on one connection, as cheaply as it can be done: client and server share the processor."""

    def __init__(self, address: str, prefix: str, token: str) -> None:
        parts = urlsplit(address)
        self._connection = HTTPConnection(str(parts.hostname), parts.port, timeout=60)
        self._prefix = prefix
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str) -> float:
        """Ask and return the seconds until the answer was read."""
        return self._send("GET", path, None, self._headers)

    def post(self, path: str, body: Any, media_type: str = "application/json") -> float:
        """Send a body and return the seconds until the answer was read."""
        return self._send("POST", path, json.dumps(body).encode(), {**self._headers, "Content-Type": media_type})

    def _send(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> float:
        began = time.perf_counter()
        self._connection.request(method, f"{self._prefix}/{path}", data, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        took = time.perf_counter() - began
        if answer.status not in (200, 201, 202):
            message = f"{path}: {answer.status} {text[:500]!r}"
            raise AssertionError(message)
        return took
