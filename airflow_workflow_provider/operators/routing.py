"""The tasks between the steps: they read the machine's decision, and turn it into branches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator, BranchMixIn

from airflow_workflow_provider.operators import task_protocol
from airflow_workflow_provider.operators.task_runtime import Place, carry_out, move, session_of
from airflow_workflow_provider.operators.task_states import states_of

if TYPE_CHECKING:
    from datetime import datetime

    from airflow.sdk import Context

    from airflow_workflow_provider.engine.machine import Machine
    from airflow_workflow_provider.operators.outcomes import Outcome


class RoutingOperator(BaseOperator, BranchMixIn):
    """Base of the tasks that do no work of their own."""

    inherits_from_skipmixin = True
    custom_operator_name: ClassVar[str]
    shallow_copy_attrs = ("workflow_place",)
    workflow_place: Place

    def execute(self, context: Context) -> None:
        """Read the decision and follow it."""
        place = self.workflow_place
        session = session_of(place, context)
        outcome = move(place, session, context, lambda machine: self.move(machine, session.clock()))
        carry_out(self, context, session, outcome)

    def later(self, context: Context, event: Any = None) -> None:  # noqa: ARG002
        """Look again."""
        self.execute(context)

    held = later

    def move(self, machine: Machine, now: datetime) -> Outcome:
        """Return what is to be done."""
        raise NotImplementedError


class CatchOperator(RoutingOperator):
    """Follows a step's failure to where the workflow handles it; a killed worker's too (rules F4 to F6)."""

    custom_operator_name = "Catch"
    ui_color = "#fdf3e4"
    _failed = False

    def execute(self, context: Context) -> None:
        """Ask Airflow whether the task before has failed: a person may have marked it after its result was stored."""
        self._failed = "failed" in states_of(context, sorted(self.upstream_task_ids)).values()
        super().execute(context)

    def move(self, machine: Machine, now: datetime) -> Outcome:
        """Route the failure."""
        return task_protocol.catch(machine, self.workflow_place.node, now, failed=self._failed)


class JoinOperator(RoutingOperator):
    """Ends the branches of a step, and follows its decision (rules P1 to P3)."""

    custom_operator_name = "Join"
    ui_color = "#f0f0f0"

    def move(self, machine: Machine, now: datetime) -> Outcome:
        """End the branches."""
        place = self.workflow_place
        return task_protocol.join(machine, place.node, place.workflow.plan.steps_before(place.node.task_id), now)


class HandledOperator(RoutingOperator):
    """Ends a run well after a failure that the end of the workflow handles (rule F4)."""

    custom_operator_name = "Handled"
    ui_color = "#fdf3e4"

    def move(self, machine: Machine, now: datetime) -> Outcome:
        """End, if the instance has."""
        return task_protocol.handled(machine, self.workflow_place.node, now)


class FailureOperator(RoutingOperator):
    """Fails the run with the instance's error (rule T4)."""

    custom_operator_name = "Fail"
    ui_color = "#fbeeee"

    def move(self, machine: Machine, now: datetime) -> Outcome:  # noqa: ARG002
        """Fail."""
        return task_protocol.fail(machine)
