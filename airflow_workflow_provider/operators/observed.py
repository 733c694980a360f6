"""Attempts in logs and traces: fields of each line, and a span.

A DAG run is an instance and its tasks are steps, so Airflow's own spans are those of instance and step; here the span
of the attempt is put into that of the task. Without tracing, OpenTelemetry's interface does nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from opentelemetry import trace
from structlog.contextvars import bound_contextvars

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from airflow_workflow_provider.engine.calls import Call
    from airflow_workflow_provider.hosts.ending import Ended
    from airflow_workflow_provider.instances.session import InstanceSession

SPAN: Final = "workflow.attempt"
"""Name of the span of an attempt."""


class Observed:
    """An attempt while it is observed.

    :param span: of the attempt
    """

    def __init__(self, span: Span) -> None:
        self._span = span

    def ended(self, ended: Ended) -> None:
        """Show how it has ended: an error has its type, and no message, which could have secrets."""
        if ended.failure is not None:
            self._span.set_status(trace.StatusCode.ERROR, str(ended.failure.type))
            self._span.set_attribute("error.type", str(ended.failure.type))


@contextmanager
def observed(session: InstanceSession, call: Call) -> Iterator[Observed]:
    """Name instance, step and attempt in each line that is logged, and in a span of the attempt."""
    names: dict[str, str | int] = {
        "workflow_id": session.graph.definition.workflow_id,
        "instance_id": str(session.instance_id),
        "step_id": call.step_id,
        "scope": call.scope,
        "visit": call.visit,
        "attempt": call.attempt,
    }
    attributes = {f"workflow.{name}": value for name, value in names.items()}
    # Airflow's span of the task can then be found by the same names.
    trace.get_current_span().set_attributes(attributes)
    tracer = trace.get_tracer("airflow_workflow_provider")
    with (
        bound_contextvars(**names),
        tracer.start_as_current_span(
            SPAN, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span,
    ):
        yield Observed(span)
