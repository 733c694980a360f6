"""Metrics leave the process as Airflow is configured: seen at a server that takes them as OpenTelemetry sends them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

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
api.get_meter_provider().force_flush()
"""


@contextmanager
def collector() -> Iterator[tuple[int, list[bytes]]]:
    """A server for what is exported, with its port."""
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


def test_metrics_arrive_at_a_collector(tmp_path: object) -> None:
    with collector() as (port, received):
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW__")},
            "AIRFLOW_HOME": str(tmp_path),
            "AIRFLOW__METRICS__OTEL_ON": "True",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
            "OTEL_METRIC_EXPORT_INTERVAL": "600000",
            "NO_PROXY": "127.0.0.1",
        }
        done = subprocess.run(
            [sys.executable, "-c", REPORT], env=environment, capture_output=True, text=True, timeout=300, check=False
        )
    assert done.returncode == 0, done.stderr[-2000:]
    text = b"".join(received)
    for name in ("workflows.instances.started", "workflows.events.lag", "workflows.steps.duration"):
        assert f"airflow.{name}".encode() in text
    assert b"order" in text
