"""The built-in task ``wait``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.hosts.outcomes import Outcome
from airflow_workflow_provider.model.durations import parse_duration
from airflow_workflow_provider.tasks.argument_schemas import DURATION, RFC3339, arguments_schema
from airflow_workflow_provider.tasks.builtin import Builtin, SimulatedCall, check_arguments
from airflow_workflow_provider.vocabulary import ErrorType


def wait_until(arguments: Mapping[str, Any], now: datetime) -> datetime:
    """Return the moment at which a ``wait`` ends; it may be in the past.

    :param arguments: ``duration`` or ``until``
    :param now: the present, with a time zone
    :raises StepFailure: of type ``ValidationError``: not exactly one of the two, or a bad value
    """
    check_arguments("wait", arguments)
    try:
        if "duration" in arguments:
            return now + parse_duration(arguments["duration"])
        return _parse_rfc3339(arguments["until"])
    except (ValueError, OverflowError) as error:
        value = arguments.get("duration", arguments.get("until"))
        message = f"Task 'wait' cannot wait for {value!r}: {error}"
        raise StepFailure(message, type=ErrorType.VALIDATION_ERROR) from error


def _parse_rfc3339(text: str) -> datetime:
    # datetime reads six digits of a fraction at most, and no lower-case letters
    upper = re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", text.upper())
    moment = datetime.fromisoformat(upper)
    if moment.utcoffset() is None or abs(moment.utcoffset() or timedelta()) >= timedelta(days=1):
        message = "a time without offset"
        raise ValueError(message)
    return moment


def _simulate(arguments: Mapping[str, Any], call: SimulatedCall) -> Outcome:
    return Outcome(output={}, ends_at=wait_until(arguments, call.now))


TASK = Builtin(
    id="wait",
    title="Wait",
    summary="Waits for a duration or until a point in time without holding a worker.",
    schema=arguments_schema(
        {
            "duration": {
                "type": "string",
                "pattern": DURATION,
                "description": "ISO 8601 duration without years and months, such as PT15M",
            },
            "until": {
                "type": "string",
                "pattern": RFC3339,
                "description": "RFC 3339 time with offset, such as 2027-01-31T09:00:00+01:00",
            },
        },
        oneOf=[{"required": ["duration"]}, {"required": ["until"]}],
    ),
    simulate=_simulate,
    operator="airflow_workflow_provider.operators.builtin.WaitOperator",
)
