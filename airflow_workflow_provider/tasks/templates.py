"""The templates in a task definition's ``arguments`` (rule K2), rendered in the same way in every host.

They see the workflow as plain values, and the run as three texts; nothing of Airflow. A value that is one expression
keeps its type, whatever the text in it looks like. Strings that come out of data are never templates themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self

from airflow_workflow_provider.bounded.doors import bounded
from airflow_workflow_provider.engine.failure import moment
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.expressions import ExpressionFailure
from airflow_workflow_provider.model.templates import Budget, TemplateSyntax, evaluate, is_template
from airflow_workflow_provider.vocabulary import ErrorType

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.machine import Call

SIMULATED: Final = "simulation"
"""``run_id`` where there is no DAG run."""


@dataclass(frozen=True)
class RunNames:
    """What templates know of the DAG run.

    :param ds: date of the moment that the run is for, ``YYYY-MM-DD``
    :param ts: that moment in ISO 8601, in UTC
    :param run_id: the run's id
    """

    ds: str
    ts: str
    run_id: str

    @classmethod
    def of(cls, run_id: str, at: datetime) -> Self:
        """Return the names of a run.

        :param at: the moment that it is for
        """
        utc = at.astimezone(UTC)
        return cls(utc.date().isoformat(), utc.isoformat(), run_id)

    @classmethod
    def simulated(cls, call: Call) -> Self:
        """Return the names where there is no run: its moment is the start of the instance."""
        return cls.of(SIMULATED, moment(call.bindings["workflow"]["startedAt"]))


def template_values(call: Call) -> dict[str, Any]:
    """Return what templates see: ``workflow.input``, ``.data``, ``.steps``, ``.step_input`` and more."""
    bindings = call.bindings
    about = bindings["workflow"]
    return {
        "workflow": {
            "id": about["id"],
            "version": about["version"],
            "instance_id": about["instanceId"],
            "correlation_id": about["correlationId"],
            "started_at": about["startedAt"],
            "started_by": about["startedBy"],
            "changed_by": about["changedBy"],
            "input": bindings["input"],
            "data": bindings["data"],
            "steps": bindings["steps"],
            "variables": bindings["variables"],
            "event": bindings["event"],
            "error": bindings["error"],
            "step_id": call.step_id,
            "scope": call.scope,
            "kind": call.kind,
            "step_input": call.input,
            "arguments": call.arguments,
            "visit": call.visit,
            "attempt": call.attempt,
            "idempotency_key": call.idempotency_key,
        }
    }


def render(
    value: Any, values: Mapping[str, Any], use: str = "arguments", *, strict: bool = True, html: bool = False
) -> Any:
    """Return a value with every template in it rendered; together they may take what one may.

    :param values: what the templates see
    :param use: where the value stands, for messages
    :param strict: whether what is not there is an error; else it is an empty text
    :param html: whether they give HTML, in which values are escaped
    :raises StepFailure: of type ``ExpressionError``
    """
    return _render(value, partial(evaluate, values=values, strict=strict, budget=Budget(), html=html), use)


@bounded
def rendered(arguments: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a task with every template in them rendered, see :func:`render`.

    :raises StepFailure: of type ``ExpressionError``
    :raises LimitExceeded: they take more than they may
    """
    return dict(render(arguments, values))


def _render(value: Any, evaluated: Callable[[str], Any], use: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _render(item, evaluated, f"{use}/{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_render(item, evaluated, f"{use}/{index}") for index, item in enumerate(value)]
    if not is_template(value):
        return value
    try:
        return evaluated(value)
    except (TemplateSyntax, ExpressionFailure) as exc:
        msg = f"{use}: {exc.message}"
        raise StepFailure(msg, type=ErrorType.EXPRESSION_ERROR, details={"template": value[:1_000], "at": use}) from exc
