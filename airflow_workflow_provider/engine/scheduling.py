"""What a time of a schedule means to a definition: the event and the input of the instance that it starts (rule E6)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from airflow_workflow_provider.engine.triggering import NO_TRIGGER, input_given
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.events import CloudEvent

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.documents import Json
    from airflow_workflow_provider.model.definition import WorkflowDefinition

SCHEDULE_EVENT: Final = "airflow.schedule"
"""Type of the event of an instance that a schedule started."""

_RUN: Final = re.compile(r"(?:scheduled|backfill)__(?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?\+00:00)")


@dataclass(frozen=True)
class Due:
    """One time of one schedule.

    Airflow makes at most one run of a DAG for a moment, so the microseconds of a run's moment are the position of its
    schedule: schedules that are due at the same time start an instance each.

    :param at: the time, a whole second
    :param number: the position among the schedules of the definition
    """

    at: datetime
    number: int

    @property
    def moment(self) -> datetime:
        """The logical date of its run."""
        return self.at.replace(microsecond=self.number)

    @property
    def run_id(self) -> str:
        """The id of the run that Airflow's scheduler makes."""
        return f"scheduled__{self.moment.isoformat()}"

    @classmethod
    def of_moment(cls, moment: datetime) -> Due:
        """Return what is due at the logical date of a run."""
        utc = moment.astimezone(UTC)
        # Airflow's own moments are of a class that computes in another way.
        return cls(datetime(*utc.timetuple()[:6], tzinfo=UTC), utc.microsecond)

    @classmethod
    def of_run(cls, run_id: str) -> Due | None:
        """Return what a run was made for, from its id: Airflow keeps ids of this form for runs of a timetable."""
        found = _RUN.fullmatch(run_id)
        return None if found is None else cls.of_moment(datetime.fromisoformat(found["at"]))

    def event(self, definition: WorkflowDefinition, run_id: str) -> CloudEvent:
        """Return the event that the steps of the instance see.

        :raises StepFailure: of type ``NoTrigger``: the definition has no such schedule
        """
        if self.number >= len(definition.schedules):
            message = f"{definition.workflow_id!r} {definition.version} has no schedule {self.number}"
            raise StepFailure(message, type=NO_TRIGGER)
        timezone = definition.schedules[self.number].timezone
        return CloudEvent(
            id=run_id,
            source=f"/workflows/{definition.workflow_id}/schedules/{self.number}",
            type=SCHEDULE_EVENT,
            time=self.at,
            data={
                "scheduledTime": f"{self.at.replace(tzinfo=None).isoformat()}Z",
                "localTime": self.at.astimezone(ZoneInfo(timezone)).isoformat(),
                "timezone": timezone,
            },
        )

    def input(self, definition: WorkflowDefinition, event: CloudEvent, instance_id: str) -> Json:
        """Return the input that the schedule gives: ``{}`` where it has none.

        :param event: what :meth:`event` gave
        :raises StepFailure: of type ``ExpressionError`` or ``ValidationError``
        """
        transform = definition.schedules[self.number].input
        if transform is None:
            return {}
        return input_given(transform, event, instance_id, self.at, what=f"schedule {self.number}")
