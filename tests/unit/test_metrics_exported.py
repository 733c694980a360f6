"""Metrics and spans leave the process as Airflow is configured: seen at servers that take what is sent."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

REPORT = """
from datetime import timedelta
import airflow.settings
from airflow.observability import stats
from airflow.observability.metrics import stats_utils
from airflow_workflow_provider import metrics
from opentelemetry import metrics as api

# As Airflow's api-server, scheduler and triggerer do when they start.
stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)

metrics.count(metrics.INSTANCES_STARTED, workflow_id="order")
metrics.gauge(metrics.EVENTS_LAG, 3.5)
metrics.timing(metrics.STEPS_DURATION, timedelta(seconds=2), workflow_id="order", step_id="pay", status="completed")
flush = getattr(api.get_meter_provider(), "force_flush", None)
if flush is not None:
    flush()
"""

ATTEMPT = """
from types import SimpleNamespace
import airflow.settings
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.hosts.ending import Ended
from airflow_workflow_provider.operators.observed import observed
from opentelemetry import trace

airflow.settings.initialize()
definition = SimpleNamespace(workflow_id="order")
session = SimpleNamespace(instance_id="instance-7", graph=SimpleNamespace(definition=definition))
call = SimpleNamespace(step_id="pay", scope="", visit=1, attempt=3)
# As a worker does around a task.
with trace.get_tracer("airflow").start_as_current_span("worker.pay"):
    with observed(session, call) as seen:
        seen.ended(Ended(failure=Failure("CardRefused", "card 4711")))
trace.get_tracer_provider().force_flush()
"""


@contextmanager
def collector() -> Iterator[tuple[int, list[bytes]]]:
    """A server for what is exported by OpenTelemetry, with its port."""
    received: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def statsd_server() -> Iterator[tuple[int, list[bytes]]]:
    """A server for datagrams, with its port; they are read while they come, as the system drops what piles up."""
    received: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def read() -> None:
            while datagram := server.recv(65536):
                received.append(datagram)

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1], received
        finally:
            # An empty datagram after all others ends it.
            server.sendto(b"", server.getsockname())
            thread.join()


def run(program: str, home: Path, **variables: str) -> None:
    """Run a program in an Airflow of its own that is configured by variables."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW__", "OTEL_"))},
        "AIRFLOW_HOME": str(home),
        "NO_PROXY": "127.0.0.1",
        **variables,
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


def opentelemetry(port: int) -> dict[str, str]:
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
        "OTEL_METRIC_EXPORT_INTERVAL": "600000",
    }


def test_metrics_arrive_at_a_collector(tmp_path: Path) -> None:
    with collector() as (port, received):
        run(REPORT, tmp_path, AIRFLOW__METRICS__OTEL_ON="True", **opentelemetry(port))
    text = b"".join(received)
    for name in ("workflows.instances.started", "workflows.events.lag", "workflows.steps.duration"):
        assert f"airflow.{name}".encode() in text
    assert b"order" in text


@pytest.mark.parametrize("tags", [False, True], ids=["plain", "with tags"])
def test_metrics_arrive_at_a_statsd_server(tmp_path: Path, tags: bool) -> None:
    with statsd_server() as (port, received):
        run(
            REPORT,
            tmp_path,
            AIRFLOW__METRICS__STATSD_ON="True",
            AIRFLOW__METRICS__STATSD_HOST="127.0.0.1",
            AIRFLOW__METRICS__STATSD_PORT=str(port),
            AIRFLOW__METRICS__STATSD_PREFIX="acme",
            AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED=str(tags),
        )
    started, step = {"workflow_id=order"}, {"workflow_id=order", "step_id=pay", "status=completed"}
    found = [parsed(each.decode()) for each in received]
    for expected in (
        ("acme.workflows.instances.started", started if tags else set(), "1|c"),
        ("acme.workflows.events.lag", set(), "3.5|g"),
        ("acme.workflows.steps.duration", step if tags else set(), "2000.000000|ms"),
    ):
        assert expected in found


def parsed(line: str) -> tuple[str, set[str], str]:
    """Return the name, the tags and the value of what was sent to StatsD."""
    names, _, value = line.partition(":")
    name, *tags = names.split(",")
    return name, set(tags), value


def test_spans_of_attempts_arrive_at_a_collector(tmp_path: Path) -> None:
    with collector() as (port, received):
        names = {"AIRFLOW__TRACES__OTEL_ON": "True", "OTEL_TRACES_EXPORTER": "otlp_proto_http"}
        run(ATTEMPT, tmp_path, **names, **opentelemetry(port))
    text = b"".join(received)
    for words in ("worker.pay", "workflow.attempt", "workflow.instance_id", "instance-7", "CardRefused"):
        assert words.encode() in text
    # Messages of errors can have secrets.
    assert b"4711" not in text
