"""An attempt in logs and traces: fields of each line, and a span in that of Airflow's task."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.contextvars import get_contextvars

from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.hosts.ending import Ended
from airflow_workflow_provider.operators.observed import SPAN, observed

INSTANCE = UUID(int=7)
SESSION: Any = SimpleNamespace(
    instance_id=INSTANCE, graph=SimpleNamespace(definition=SimpleNamespace(workflow_id="order"))
)
CALL: Any = SimpleNamespace(step_id="pay", scope="each[0]", visit=2, attempt=3)
NAMES = {
    "workflow_id": "order",
    "instance_id": str(INSTANCE),
    "step_id": "pay",
    "scope": "each[0]",
    "visit": 2,
    "attempt": 3,
}


def test_each_line_names_instance_step_and_attempt() -> None:
    with observed(SESSION, CALL):
        assert get_contextvars().items() >= NAMES.items()
    assert not get_contextvars().keys() & NAMES.keys()


def test_without_tracing_nothing_is_recorded() -> None:
    with observed(SESSION, CALL) as seen:
        seen.ended(Ended(output={}))
        assert not trace.get_current_span().is_recording()


def test_the_span_of_an_attempt_is_in_that_of_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    secret = "card 4711"
    with provider.get_tracer("airflow").start_as_current_span("worker.pay"):
        with observed(SESSION, CALL) as seen:
            seen.ended(Ended(failure=Failure("CardRefused", secret)))
        with pytest.raises(ValueError, match="4711"), observed(SESSION, CALL):
            raise ValueError(secret)
    attempt, raised, task = exporter.get_finished_spans()
    assert (attempt.name, raised.name, task.name) == (SPAN, SPAN, "worker.pay")
    assert attempt.parent is not None
    assert attempt.parent == task.get_span_context()
    attributes = {f"workflow.{name}": value for name, value in NAMES.items()}
    assert dict(attempt.attributes or {}) == {**attributes, "error.type": "CardRefused"}
    assert dict(task.attributes or {}) == attributes
    assert attempt.status.status_code is trace.StatusCode.ERROR
    # Messages of errors can have secrets.
    assert secret not in "".join(cast("Any", each).to_json() for each in (attempt, raised, task))
