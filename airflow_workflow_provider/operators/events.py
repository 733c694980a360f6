"""The operators behind ``receive`` and ``event`` (rules K3, E5)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.operators.builtin import BuiltInOperator
from airflow_workflow_provider.operators.reach import refusal
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.events import Events
from airflow_workflow_provider.store.waits import NewWait, Waits
from airflow_workflow_provider.tasks.events import event_of, nothing_came, published, receives_until
from airflow_workflow_provider.triggers.receive import ReceivedTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

FAIL_METHOD: Final = "__fail__"
"""The method by which Airflow reports that a trigger has failed or timed out."""


class EventOperator(BuiltInOperator):
    """Publishes a CloudEvent."""

    uses_store = True
    name = "event"
    custom_operator_name = "Event"

    def run(self, context: Context) -> Any:
        """Publish the event; once, however often the step is tried."""
        problem = self.grants.event_problem() if self.grants is not None else None
        if problem is not None:
            raise refusal(problem)
        event = event_of(self.arguments, _about(context), datetime.now(UTC))
        with Database.configured() as database:
            Events(database).accept([event])
        return published(event)


class ReceiveOperator(BuiltInOperator):
    """Waits for an event, in the triggerer."""

    uses_store = True
    name = "receive"
    custom_operator_name = "Receive"

    def run(self, context: Context) -> Any:
        """Begin to wait, and return the event if it is there already."""
        wait = self._wait(context)
        with Database.configured() as database:
            event = Waits(database).begin(wait, load_settings().receive_window)
        if event is None:
            deadline = None if wait.deadline is None else wait.deadline.isoformat()
            self.defer(trigger=ReceivedTrigger(wait_id=str(wait.id), deadline=deadline), method_name="received")
        return event.to_json()

    def received(self, context: Context, event: Any = None) -> dict[str, Any]:  # noqa: ARG002 - the store knows
        """Return the event that came, or fail because the time is over.

        :raises StepFailure: of type ``TimeoutError``
        """
        with Database.configured() as database:
            found = Waits(database).end(self._wait(context).id)
        if found is None:
            failure = nothing_came(self.arguments)
            raise StepFailure(failure.message, type=failure.type)
        return found.to_json()

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Continue after waiting; where the step's own time is over, nothing waits any more."""
        if next_method == FAIL_METHOD:
            with Database.configured() as database:
                Waits(database).end(self._wait(context).id)
        return super().resume_execution(next_method, next_kwargs, context)

    def _wait(self, context: Context) -> NewWait:
        about = _about(context)
        return NewWait(
            instance_id=UUID(about["instance_id"]),
            step_id=about["step_id"],
            scope=about["scope"],
            visit=about["visit"],
            attempt=about["attempt"],
            pattern=self.arguments["eventPattern"],
            correlation=self.arguments.get("correlation", {}),
            deadline=receives_until(self.arguments, datetime.now(UTC)),
        )


def _about(context: Context) -> dict[str, Any]:
    """``workflow``, as templates see it."""
    return cast("dict[str, Any]", cast("dict[str, Any]", context)["workflow"])
