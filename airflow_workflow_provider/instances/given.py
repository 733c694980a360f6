"""The input of a run's instance, and the event that started it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.inputs import accepted_input
from airflow_workflow_provider.engine.scheduling import Due
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.instances.run_conf import check_carried, input_of
from airflow_workflow_provider.plan.params import without_blanks

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.documents import Json, JsonValue
    from airflow_workflow_provider.model.definition import WorkflowDefinition


def given_to(
    definition: WorkflowDefinition, run_id: str, conf: Mapping[str, JsonValue], instance_id: str, event: Json | None
) -> tuple[Json | None, Json | Failure]:
    """Return the event and the checked input of a run's instance: those of its schedule, or else those of its start.

    :param event: that of the start, if it was announced with one
    """
    schema, due = definition.input_schema, Due.of_run(run_id)
    try:
        check_carried(conf)
        given = without_blanks(schema, input_of(conf))
        if event is None and due is not None and definition.schedules:
            scheduled = due.event(definition, run_id)
            event = scheduled.to_json()
            # Only the conf of a backfill contains anything.
            given = {**due.input(definition, scheduled, instance_id), **given}
        return event, accepted_input(schema, given)
    except StepFailure as exc:
        return event, Failure.from_exception(exc)
