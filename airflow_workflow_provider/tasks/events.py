"""The built-in tasks ``event`` and ``receive``, as far as every host runs them in the same way (rules K3, E5)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.engine.failure import Failure, timestamp
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.durations import parse_duration
from airflow_workflow_provider.model.events import DEPTH, InvalidEvent, depth_after, parse_event, source_of
from airflow_workflow_provider.model.patterns import MANY, MAX_MANY
from airflow_workflow_provider.tasks.builtin import check_arguments
from airflow_workflow_provider.vocabulary import ErrorType

if TYPE_CHECKING:
    from airflow_workflow_provider.model.events import CloudEvent

_TAKEN: Final = ("id", "source", "subject", "time", "data")


def event_of(arguments: Mapping[str, Any], about: Mapping[str, Any], now: datetime) -> CloudEvent:
    """The event that a step publishes; another attempt of the same visit publishes the same one.

    :param arguments: of the task ``event``
    :param about: ``workflow`` as templates see it
    :raises StepFailure: of type ``ValidationError``
    """
    check_arguments("event", arguments)
    correlation = {} if about["correlation_id"] is None else {"correlationid": about["correlation_id"]}
    undoing = "/compensation" if about["kind"] == "compensation" else ""
    document = {
        "specversion": "1.0",
        "id": about["idempotency_key"] + undoing,
        "source": source_of(about["id"]),
        "type": arguments["type"],
        "time": timestamp(now),
        "datacontenttype": "application/json",
        **{name: arguments[name] for name in _TAKEN if name in arguments},
        **correlation,
        **arguments.get("extensions", {}),
        DEPTH: depth_after(about["event"]),
    }
    try:
        return parse_event(document)
    except InvalidEvent as error:
        raise StepFailure(error.message, type=ErrorType.VALIDATION_ERROR, details={"errors": error.findings}) from error


def published(event: CloudEvent) -> dict[str, Any]:
    """The output of a step that published an event."""
    return {"id": event.id, "source": event.source, "type": event.type}


def receives_until(arguments: Mapping[str, Any], now: datetime) -> datetime | None:
    """When a ``receive`` gives up; None for never.

    :raises StepFailure: of type ``ExpressionError``: a correlation value that is null; of type ``ValidationError``: bad
        arguments
    """
    check_arguments("receive", arguments)
    _check_correlation(arguments.get("correlation", {}))
    if arguments["eventPattern"].split(".").count(MANY) > MAX_MANY:
        message = f"Task 'receive' cannot wait for {arguments['eventPattern']!r}: {MANY} more than {MAX_MANY} times"
        raise StepFailure(message, type=ErrorType.VALIDATION_ERROR)
    if "timeout" not in arguments:
        return None
    try:
        return now + parse_duration(arguments["timeout"])
    except (ValueError, OverflowError) as error:
        message = f"Task 'receive' cannot wait for {arguments['timeout']!r}: {error}"
        raise StepFailure(message, type=ErrorType.VALIDATION_ERROR) from error


def _check_correlation(correlation: Mapping[str, Any]) -> None:
    """Refuse to wait for what can never come: an expression that found nothing gave null (rule E5)."""
    for path, value in correlation.items():
        if value is None:
            message = f"arguments/correlation/{path}: the value is null or missing, so no event would ever match"
            raise StepFailure(message, type=ErrorType.EXPRESSION_ERROR, details={"at": f"arguments/correlation/{path}"})


def nothing_came(arguments: Mapping[str, Any]) -> Failure:
    """The failure of a ``receive`` whose time is over."""
    pattern = arguments.get("eventPattern")
    return Failure(ErrorType.TIMEOUT_ERROR, f"No event {pattern!r} came within {arguments.get('timeout', 'its time')}")
