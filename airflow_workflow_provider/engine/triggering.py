"""What an event means to a definition that it triggers: the input of the instance that it starts (rules E1, E3, X6)."""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from airflow_workflow_provider.bounded.doors import bounded
from airflow_workflow_provider.engine.bindings import Occasion, expression_error
from airflow_workflow_provider.engine.inputs import accepted_input
from airflow_workflow_provider.engine.schemas import with_defaults
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.definition import WorkflowDefinition
from airflow_workflow_provider.model.diagnostics import pointer_of
from airflow_workflow_provider.model.events import CloudEvent
from airflow_workflow_provider.model.expressions import ExpressionFailure, compile_transform
from airflow_workflow_provider.model.patterns import matches
from airflow_workflow_provider.vocabulary import ErrorType, ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.documents import Json
    from airflow_workflow_provider.model.definition import EventTrigger
    from airflow_workflow_provider.model.fields import Transform

NO_TRIGGER: Final = "NoTrigger"
"""Type of the error where no trigger of the current definition matches the event any more."""

DATA: Final = frozenset({"data"})


def trigger_for(definition: WorkflowDefinition, event_type: str) -> EventTrigger:
    """Return the trigger that an event of a type acts through: the first that matches (rule E1).

    :raises StepFailure: of type ``NoTrigger``
    """
    for trigger in definition.event_triggers:
        if matches(trigger.event_pattern, event_type):
            return trigger
    patterns = [trigger.event_pattern for trigger in definition.event_triggers]
    message = f"No trigger of {definition.workflow_id!r} matches {event_type!r}; its patterns are {patterns}"
    raise StepFailure(message, type=NO_TRIGGER)


@bounded
def input_of(document: Json, event: Json, instance_id: str, at: str) -> Json:
    """Return what :func:`input_from` returns, from JSON values.

    :param at: when the event arrived, as ISO 8601
    :raises StepFailure: as :func:`input_from`
    :raises LimitExceeded: it takes more than it may
    """
    definition = stored_definition(json.dumps(document))
    return input_from(definition, CloudEvent.of_json(event), instance_id, datetime.fromisoformat(at))


@lru_cache(maxsize=256)
def stored_definition(text: str) -> WorkflowDefinition:
    """Return the definition that a stored document is, from its JSON text.

    :raises StepFailure: with the code ``stored-definition-unreadable``: the row was changed manually
    """
    try:
        return WorkflowDefinition.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        message = f"The stored definition is invalid: {pointer_of(first['loc']) or '/'}: {first['msg']}"
        raise StepFailure(
            message, type=ErrorType.WORKFLOW_FAILED, code=ProblemCode.STORED_DEFINITION_UNREADABLE
        ) from None


def input_from(definition: WorkflowDefinition, event: CloudEvent, instance_id: str, at: datetime | None = None) -> Json:
    """Return the input of the instance that an event starts, transformed, its defaults applied and checked.

    :param instance_id: of the instance, from which ``$uuid()`` gets stable values
    :param at: when the event arrived, the time that the transform sees however often it is evaluated; None for now
    :raises StepFailure: of type ``NoTrigger``, ``ExpressionError`` or ``ValidationError``
    """
    return accepted_input(definition.input_schema, transformed(definition, event, instance_id, at))


def given_by(definition: WorkflowDefinition, event: CloudEvent, instance_id: str, at: datetime | None = None) -> Json:
    """Return the same before it is checked.

    :raises StepFailure: as :func:`input_from`; ``ValidationError`` only for what is no object
    """
    given: Json = with_defaults(definition.input_schema, transformed(definition, event, instance_id, at))
    return given


def transformed(
    definition: WorkflowDefinition, event: CloudEvent, instance_id: str, at: datetime | None = None
) -> Json:
    """Return the input that an event gives, without defaults.

    :raises StepFailure: as :func:`input_from`; ``ValidationError`` only for what is no object
    """
    trigger = trigger_for(definition, event.type)
    return input_given(trigger.transform, event, instance_id, at, what=f"pattern {trigger.event_pattern!r}")


def input_given(
    transform: Transform | None, event: CloudEvent, instance_id: str, at: datetime | None, *, what: str
) -> Json:
    """Return the input that a transform makes of an event, or else the event's data.

    :param at: the time that the transform sees; None for now
    :param what: names the trigger in messages
    :raises StepFailure: of type ``ExpressionError``, or ``ValidationError`` for what is no object
    """
    value = event.data
    if transform is not None:
        occasion = Occasion(instance_id, "trigger", "1", at)
        try:
            value = compile_transform(transform, DATA).evaluate(
                value,
                variables={"event": event.to_json()} if transform.type == "jsonata" else None,
                uuid_source=occasion.uuids("transform"),
                at=occasion.at,
            )
        except (ExpressionFailure, ValueError) as exc:
            use = "transform"
            raise expression_error(use, transform.expression, exc) from exc
    given = {} if value is None else value
    if not isinstance(given, dict):
        message = f"The input must be a JSON object; {what} gave {type(given).__name__}"
        details = {"errors": [{"pointer": "", "message": "the input must be a JSON object"}]}
        raise StepFailure(message, type=ErrorType.VALIDATION_ERROR, details=details)
    return given
