"""Steps of one task that wait run beside each other, as a server that they call sees them (rules P1, P4, T8)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.support.dag_runs import Workflows
from tests.support.documents import step

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

Json = dict[str, Any]

SECONDS = 120
"""How long a request waits for the others that it wants beside it."""


class Server(ThreadingHTTPServer):
    """Answers requests when so many are there as are wanted, and counts them."""

    daemon_threads = True

    def __init__(self, together: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.barrier = threading.Barrier(together)
        self.lock = threading.Lock()
        self.most = self.now = 0
        self.paths: list[str] = []

    @contextmanager
    def counted(self, path: str) -> Iterator[None]:
        with self.lock:
            self.paths.append(path)
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            yield
        finally:
            with self.lock:
                self.now -= 1


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        with self.server.counted(self.path):
            self.server.barrier.wait(SECONDS)
        body = json.dumps({"path": self.path}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@contextmanager
def serving(together: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with Server(together) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        monkeypatch.setenv("AIRFLOW_CONN_EXAMPLE_HTTP", f"http://127.0.0.1:{server.server_address[1]}")
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def call(step_id: str, path: Any, **more: Any) -> Json:
    return step(step_id, "http", arguments={"connection": "example_http", "path": path}, **more)


def test_p1_the_server_gets_the_requests_of_all_branches_at_one_time(
    workflows: Workflows, monkeypatch: pytest.MonkeyPatch
) -> None:
    branches = [{"branchId": name, "steps": [call(name, f"/{name}")]} for name in ("x", "y", "z")]
    with serving(3, monkeypatch) as server:
        ran = workflows.run(step("p", parallelBranches=branches), settings={"execution": "inline"})

    assert (ran.state, ran.instance.status) == ("success", "completed")
    assert (server.most, sorted(server.paths)) == (3, ["/x", "/y", "/z"])
    output = ran.instance.state.steps["p"].output
    assert output is not None
    assert {name: found["body"] for name, found in output["branches"].items()} == {
        name: {"path": f"/{name}"} for name in ("x", "y", "z")
    }


def test_p4_the_server_never_gets_more_requests_than_max_concurrency_and_does_get_so_many(
    workflows: Workflows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The forEach is a task of its own in a workflow with one task per step."""
    items = {
        "items": {"type": "jmespath", "expression": "input.xs"},
        "maxConcurrency": 5,
        "steps": [call("get", {"type": "cel", "expression": "'/' + string(item)"})],
    }
    with serving(5, monkeypatch) as server:
        ran = workflows.run(step("each", forEach=items), given={"xs": list(range(20))})

    assert (ran.state, ran.instance.status) == ("success", "completed")
    assert (server.most, sorted(server.paths)) == (5, sorted(f"/{number}" for number in range(20)))
    output = ran.instance.state.steps["each"].output
    assert output is not None
    assert [found["body"]["path"] for found in output["items"]] == [f"/{number}" for number in range(20)]


def test_one_after_the_other_where_the_configuration_says_so(
    workflows: Workflows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__CONCURRENT_STEPS", "1")
    branches = [{"branchId": name, "steps": [call(name, f"/{name}")]} for name in ("x", "y")]
    with serving(1, monkeypatch) as server:
        ran = workflows.run(step("p", parallelBranches=branches), settings={"execution": "inline"})

    assert ran.instance.status == "completed"
    assert (server.most, server.paths) == (1, ["/x", "/y"])
