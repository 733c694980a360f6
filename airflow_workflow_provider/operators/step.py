"""A step as an Airflow task: any operator, with the workflow around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from airflow.sdk import BranchMixIn, SkipMixin
from airflow.sdk.exceptions import TaskAwaitingInput, TaskDeferred

from airflow_workflow_provider.engine.calls import ActivationRef, Call
from airflow_workflow_provider.engine.failure import Failure, moment
from airflow_workflow_provider.engine.timing import instance_deadline, instance_limit
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.failpoints import failpoint
from airflow_workflow_provider.hosts.ending import Ended, Kept
from airflow_workflow_provider.instances.run_conf import has_long_integers
from airflow_workflow_provider.operators import task_protocol
from airflow_workflow_provider.operators.catalogue import prepared, set_arguments
from airflow_workflow_provider.operators.deferring import (
    FAIL_METHOD,
    TRIGGER_TIMEOUT,
    as_delta,
    deferral_of,
    note_of,
)
from airflow_workflow_provider.operators.lineage import lineage
from airflow_workflow_provider.operators.observed import observed
from airflow_workflow_provider.operators.outcomes import Hold, Later, Leave
from airflow_workflow_provider.operators.people import AwaitingAnswer, show_in_airflow, withdraw
from airflow_workflow_provider.operators.restored import noticed
from airflow_workflow_provider.operators.results import WorkerResults, run_patiently
from airflow_workflow_provider.operators.resumption import LATER
from airflow_workflow_provider.operators.task_runtime import (
    NO_RESULT,
    Place,
    bounded,
    carry_out,
    earliest,
    ended_by,
    move,
    provide,
    run_names,
    session_of,
    without_secrets,
)
from airflow_workflow_provider.operators.unrendered import UnrenderedMixin
from airflow_workflow_provider.store.wakeups import HELD

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

    from airflow_workflow_provider.engine.documents import Json
    from airflow_workflow_provider.engine.machine import Machine
    from airflow_workflow_provider.instances.session import InstanceSession
    from airflow_workflow_provider.operators.outcomes import Outcome


_Begun = tuple[Call, datetime | None, datetime | None, "Json"]
"""The call, when its work is interrupted, when a wait ends for the instance's sake, and what its last wait left."""


@dataclass
class _Attempt:
    """The attempt between the preparation of a task and its end."""

    session: InstanceSession
    runner: str
    results: WorkerResults
    recovered: ActivationRef | None = None
    outcome: Outcome | None = None
    call: Call | None = None
    deadline: datetime | None = None
    limit: datetime | None = None
    parked: Json = field(default_factory=dict)
    failure: Failure | None = None
    cause: BaseException | None = None


class StepMixin:
    """Put in front of an operator class: begins the attempt before the operator runs, and reports its end after.

    Airflow renders templates before it runs a task, and shows what came out. So the attempt begins there, and the
    operator gets the values of the run. Its result is stored before Airflow hears of it (rule I2); then the decision
    of the machine becomes a branch, a retry or a failure.
    """

    inherits_from_skipmixin = True
    workflow_place: Place
    _workflow_attempt: _Attempt | None = None

    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:  # noqa: ARG002
        """Begin the attempt and set the operator's arguments to what they are in this run.

        An operator that renders its fields again while it runs finds them as they are.
        """
        if self._workflow_attempt is not None:
            return
        session = session_of(self.workflow_place, context)
        session.stop_if_abandoned()
        results = WorkerResults(session.instance_id)
        attempt = self._workflow_attempt = _Attempt(session, str(context["ti"].id), results)
        begun = move(self.workflow_place, session, context, lambda machine: self._begin(machine, context))
        if attempt.recovered is not None:
            results.drop(attempt.recovered)
        if not isinstance(begun, tuple):
            attempt.outcome = begun
            if isinstance(begun, Leave | Later | Hold):
                carry_out(self, context, session, begun)
            return
        attempt.call, attempt.deadline, attempt.limit, attempt.parked = begun
        call = attempt.call
        provide(context, call)
        try:
            self._set_arguments(context, call)
        except StepFailure as exc:
            attempt.failure, attempt.cause = Failure.from_exception(exc), exc

    def execute(self, context: Context) -> Any:
        """Run the operator as one attempt of the step, or wait on where the task of one that waits was lost."""
        note = self._running.parked.get("deferral")

        def run() -> Any:
            if note is not None:
                raise deferral_of(note)
            return super(StepMixin, self).execute(context)  # type: ignore[misc]

        return self._host(context, run)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Continue with the attempt after the operator has waited without a worker, or begin one that was suspended."""
        if next_method in (HELD, LATER):
            return self.execute(context)
        again = self._wait_on(next_method, next_kwargs or {})

        def run() -> Any:
            if again is not None:
                raise again
            return super(StepMixin, self).resume_execution(next_method, next_kwargs, context)  # type: ignore[misc]

        return self._host(context, run)

    def get_openlineage_facets_on_start(self) -> Any:
        """Return the lineage of the attempt, which Airflow's provider for OpenLineage asks for."""
        return self._lineage("start")

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Return the lineage of the attempt that has succeeded."""
        return self._lineage("complete", task_instance)

    def get_openlineage_facets_on_failure(self, task_instance: Any) -> Any:
        """Return the lineage of the attempt that has failed."""
        return self._lineage("failure", task_instance)

    def _lineage(self, moment: str, *task_instance: Any) -> Any:
        attempt = self._workflow_attempt
        operators = getattr(super(), f"get_openlineage_facets_on_{moment}", None)
        if operators is None and moment != "start":
            # As the provider itself does where an operator has no method for an end.
            operators, task_instance = getattr(super(), "get_openlineage_facets_on_start", None), ()
        found = None if operators is None else operators(*task_instance)
        return found if attempt is None or attempt.call is None else lineage(attempt.session, attempt.call, found)

    def _wait_on(self, next_method: str, next_kwargs: dict[str, Any]) -> TaskDeferred | None:
        """Return a wait that ended only because the instance's time would have been over, had it not been suspended."""
        parked = self._running.parked
        note = parked.get("deferral") if parked.get("limit", "instance") == "instance" else None
        if note is None or next_method != FAIL_METHOD or next_kwargs.get("error") != TRIGGER_TIMEOUT:
            return None
        own = note["deadline"]
        return None if own is not None and moment(own) <= datetime.now(UTC) else deferral_of(note)

    def _begin(self, machine: Machine, context: Context) -> Outcome | _Begun:
        ti, session = context["ti"], self._running.session
        now = session.clock()
        found = task_protocol.begin(machine, self.workflow_place.node, str(ti.id), now, ti.max_tries, self._result_of)
        if not isinstance(found, Call):
            return found
        parked = machine.scope(found.scope).activation.parked or {}
        state = machine.state
        return found, earliest(found.deadline, instance_deadline(state)), instance_limit(state, now), parked

    def _result_of(self, activation: ActivationRef) -> Kept | None:
        kept = self._running.results.find(activation)
        self._running.recovered = activation if kept is not None else None
        return kept

    def _set_arguments(self, context: Context, call: Call) -> None:
        task, arguments = prepared(self.workflow_place.workflow.graph, call, run_names(context))
        set_arguments(self, task, arguments, self.workflow_place.workflow.grants)  # type: ignore[arg-type]
        fields = cast("BaseOperator", self).template_fields
        self.template_fields = [name for name in fields if self._may_show(getattr(self, name, None))]

    def _may_show(self, value: Any) -> bool:
        """Return whether Airflow may keep a field for its page of rendered templates.

        It sends them in a protocol with integers of 64 bits, and fails beyond; and it knows no secret of the instance.
        """
        text = repr(value)
        return not has_long_integers(value) and self._running.session.masked(text) == text

    @property
    def _running(self) -> _Attempt:
        if self._workflow_attempt is None:
            message = "Airflow prepares a task before it runs it"
            raise AssertionError(message)
        return self._workflow_attempt

    def _host(self, context: Context, run: Callable[[], Any]) -> None:
        attempt = self._running
        if attempt.call is None:
            if attempt.outcome is not None:
                carry_out(self, context, attempt.session, attempt.outcome)
            return
        cause = attempt.cause
        with (
            noticed(self.workflow_place.node.task_id, attempt.session, context),
            observed(attempt.session, attempt.call) as seen,
        ):
            if attempt.failure is not None:
                ended = Ended(failure=attempt.failure)
            else:
                ended, cause = self._run(attempt, run)
            seen.ended(ended)
            outcome = self._store(attempt, attempt.call, ended)
        carry_out(self, context, attempt.session, outcome, cause)

    def _store(self, attempt: _Attempt, call: Call, ended: Ended) -> Outcome:
        """Report how the attempt has ended. Until that is stored, it is kept here and on this worker's disk."""
        kept, results = Kept(ended, attempt.session.clock()), attempt.results
        activation = ActivationRef(call.scope, call.step_id, call.visit, call.kind, call.attempt)
        failpoint("attempt.worked")
        results.keep(activation, kept)
        failpoint("attempt.kept")
        outcome = results.stored(
            lambda: attempt.session.change(
                lambda machine: task_protocol.end(machine, self.workflow_place.node, call, attempt.runner, kept)
            )
        )
        failpoint("attempt.stored")
        results.drop(activation)
        failpoint("attempt.reported")
        return outcome

    def _run(self, attempt: _Attempt, run: Callable[[], Any]) -> tuple[Ended, BaseException | None]:
        try:
            failpoint("attempt.begun")
            with bounded(self, attempt.deadline):
                return without_secrets(Ended(output=run_patiently(self, run))), None  # type: ignore[arg-type]
        except (TaskDeferred, TaskAwaitingInput) as deferral:
            self._park(attempt, deferral)
            raise
        except NO_RESULT:
            raise
        except BaseException as exc:
            return without_secrets(ended_by(exc)), exc

    def _park(self, attempt: _Attempt, deferral: TaskDeferred | TaskAwaitingInput) -> None:
        """Note that the attempt waits, and let the wait end when the attempt's time is over (rule F3)."""
        call, session = attempt.call, attempt.session
        if call is None:
            return
        limit = earliest(call.deadline, attempt.limit)
        # The instance's time may be paused before it is over, and the task may be lost: the wait is then taken up
        # again.
        note: Json = {"limit": "attempt" if limit == call.deadline else "instance"}
        if isinstance(deferral, TaskDeferred):
            note["deferral"] = self._note_of(deferral)
        if limit is not None:
            remaining = max(limit - datetime.now(UTC), timedelta())
            deferral.timeout = remaining if deferral.timeout is None else min(remaining, as_delta(deferral.timeout))
        question = deferral.question if isinstance(deferral, AwaitingAnswer) else None
        asked = None if question is None else str(question.id)
        failpoint("attempt.asked")
        activation = ActivationRef(call.scope, call.step_id, call.visit, call.kind, call.attempt)

        def park(machine: Machine) -> bool:
            machine.park(call.scope, call.step_id, attempt.runner, note, session.clock(), question=asked)
            return machine.is_live(activation)

        is_live = attempt.results.stored(lambda: session.change(park))
        failpoint("attempt.parked")
        if question is None:
            return
        if is_live:
            show_in_airflow(UUID(attempt.runner), question, session.masked)
        else:
            # The instance was cancelled, or goes another way, since the question was asked.
            withdraw(question)

    def _note_of(self, deferral: TaskDeferred) -> Json | None:
        """Return what takes the wait up again; None where that is nothing that can be kept."""
        try:
            return note_of(deferral)
        except Exception:  # a third-party trigger, whose arguments may be anything
            self.log.warning("What this task waits for cannot be kept; if the task is lost, it starts again")  # type: ignore[attr-defined]
            return None


@lru_cache(maxsize=256)
def step_class(operator: type[BaseOperator]) -> type[BaseOperator]:
    """Return the class of a step's task: the operator with :class:`StepMixin` in front."""
    attributes = {
        "__module__": __name__,
        "__doc__": operator.__doc__,
        "custom_operator_name": getattr(operator, "custom_operator_name", operator.__name__),
        "ui_color": operator.ui_color,
        "branches_itself": issubclass(operator, SkipMixin),
        "shallow_copy_attrs": (*operator.shallow_copy_attrs, "workflow_place"),
    }
    return type(f"{operator.__name__}Step", (StepMixin, UnrenderedMixin, operator, BranchMixIn), attributes)
