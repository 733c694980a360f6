"""The conformance cases of events: which input an event gives, or why it is kept as a dead letter."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.triggering import input_from
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.events import CloudEvent
from tests.conformance.cases import Case, load_cases


@pytest.mark.parametrize("case", load_cases("event"), ids=lambda case: case.name)
def test_e3_the_input_that_an_event_gives(case: Case) -> None:
    assert case.definition is not None
    event = CloudEvent.model_validate(case.event)
    found: dict[str, Any]
    try:
        found = {"input": input_from(case.definition, event, "instance")}
    except StepFailure as exc:
        error = Failure.from_exception(exc).error_object(None, None, "")
        found = {"deadLetter": {key: error[key] for key in case.expect.get("deadLetter", error)}}

    assert found == case.expect
