"""Steps that run inside one task: the steps of a loop, the items of a forEach, the workflow's compensations."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn
from uuid import UUID

from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk import BaseOperator, BranchMixIn
from airflow.sdk.exceptions import (
    AirflowTaskTerminated,
    TaskAwaitingInput,
    TaskDeferralError,
    TaskDeferralTimeout,
    TaskDeferred,
)

from airflow_workflow_provider.airflow_internals.nested_operators import executing
from airflow_workflow_provider.airflow_internals.serde import serialize
from airflow_workflow_provider.engine.calls import ActivationRef, Call
from airflow_workflow_provider.engine.failure import Failure, moment
from airflow_workflow_provider.engine.timing import instance_deadline
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.failpoints import failpoint
from airflow_workflow_provider.hosts.ending import Ended, Parked
from airflow_workflow_provider.hosts.inline import InlineHost, Left, Region, Superseded, Waiting
from airflow_workflow_provider.hosts.threads import Work
from airflow_workflow_provider.instances.configured import configured_database
from airflow_workflow_provider.model.plain import one_line
from airflow_workflow_provider.operators import task_protocol
from airflow_workflow_provider.operators.builtin import SHORT_WAIT, WaitOperator
from airflow_workflow_provider.operators.catalogue import prepared, runtime_operator
from airflow_workflow_provider.operators.concurrent import threads
from airflow_workflow_provider.operators.deferring import FAIL_METHOD, TRIGGER_TIMEOUT, kwargs_of, note_of, trigger_of
from airflow_workflow_provider.operators.observed import observed
from airflow_workflow_provider.operators.people import AwaitingAnswer, show_in_airflow, time_until
from airflow_workflow_provider.operators.restored import noticed
from airflow_workflow_provider.operators.results import RegionResults, run_patiently
from airflow_workflow_provider.operators.resumption import is_resumed, wait_for_resumption
from airflow_workflow_provider.operators.retry import StepRetried
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
from airflow_workflow_provider.store.questions import Question, Questions
from airflow_workflow_provider.tasks.builtins.wait import wait_until

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_workflow_provider.engine.documents import Json
    from airflow_workflow_provider.engine.machine import Machine
    from airflow_workflow_provider.instances.session import InstanceSession


_state: Final = threading.RLock()
"""Held by a turn, which changes the instance in memory, and by a call that reads it in a thread."""


class RegionOperator(BaseOperator, BranchMixIn):
    """Runs the steps of a region one after the other, each result stored before the next step starts.

    A try that follows a killed one continues where the last result was stored. What waits for long holds no worker: the
    task defers itself, with the trigger of the operator that waits or until something is due.
    """

    inherits_from_skipmixin = True
    custom_operator_name: ClassVar[str] = "Steps"
    ui_color = "#eaf5ee"
    shallow_copy_attrs = ("workflow_place",)
    workflow_place: Place

    def execute(self, context: Context) -> None:
        """Run the region from where it is."""
        session = session_of(self.workflow_place, context)
        session.stop_if_abandoned()
        generation = context["ti"].max_tries
        entered = move(
            self.workflow_place,
            session,
            context,
            lambda machine: task_protocol.enter_region(
                machine, self.workflow_place.node, self._deciders(), session.clock(), generation
            ),
        )
        if entered is not None:
            carry_out(self, context, session, entered)
            return
        self._continue(context, session, None)

    def resume(self, context: Context, waiting: Json, event: Any = None) -> None:
        """Give the event that a trigger brought to the call that waits for it, and continue."""
        session = session_of(self.workflow_place, context)
        if is_resumed(event):
            self._continue(context, session, None)
            return
        activation = ActivationRef(**waiting)
        self._continue(context, session, (activation, lambda: self._resumed(context, session, activation, event)))

    def go_on(self, context: Context, event: Any = None) -> None:  # noqa: ARG002
        """Continue when something is due."""
        self._continue(context, session_of(self.workflow_place, context), None)

    def later(self, context: Context, event: Any = None) -> None:  # noqa: ARG002
        """Look again whether a decision leads here."""
        self.execute(context)

    held = later

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Continue after waiting, also when a trigger has failed or timed out: the state knows what was waited for."""
        if next_method != FAIL_METHOD:
            return super().resume_execution(next_method, next_kwargs, context)
        reason = str((next_kwargs or {}).get("error", ""))
        session = session_of(self.workflow_place, context)
        found = session.look(self._first_parked)
        if found is None:
            return self._continue(context, session, None)
        activation, note = found
        until = note.get("deadline")
        if reason == TRIGGER_TIMEOUT and (until is None or moment(until) > datetime.now(UTC)):
            # Something else in the region was due before this call was.
            return self._continue(context, session, None)
        kind = TaskDeferralTimeout if reason == TRIGGER_TIMEOUT else TaskDeferralError
        return self._continue(context, session, (activation, lambda: ended_by(kind(reason))))

    def _deciders(self) -> Any:
        return self.workflow_place.workflow.plan.deciders(self.workflow_place.node.task_id)

    def _continue(self, context: Context, session: InstanceSession, event: Any) -> None:
        node, limit = self.workflow_place.node, _Limit(session)
        host = InlineHost(
            Region(node.path, frozenset(node.nodes), node.task_id),
            str(context["ti"].id),
            limit.transaction,
            lambda call: self._run(context, session, call, earliest(call.deadline, limit.instance)),
            session.clock,
            generation=context["ti"].max_tries,
            results=RegionResults(session.instance_id),
            # A call in a thread cannot be interrupted; when its time is over, the machine ends the attempt.
            beside=threads(
                session.graph,
                lambda call: self._prepared(copy(context), session, call, None),
                older=self.workflow_place.workflow.grants.older,
            ),
        )
        ended = None if event is None else (event[0], event[1]())
        while True:
            try:
                with noticed(node.task_id, session, context):
                    result = host.run(ended)
            except Superseded as error:
                message = "Another process runs these steps, because this one counted as dead"
                raise AirflowTaskTerminated(message) from error
            if isinstance(result, Left):
                break
            questions = self._questions(result)
            ended = self._answered(context, session, result, questions)
            if ended is None:
                self._wait(context, session, result, questions)
        outcome = session.change(lambda machine: task_protocol.region_left(machine, node, session.clock()))
        carry_out(self, context, session, outcome)

    def _answered(
        self, context: Context, session: InstanceSession, waiting: Waiting, questions: Mapping[str, Question]
    ) -> tuple[ActivationRef, Ended | Parked | None] | None:
        """Return the end of a call that has waited for people and need not any more, if there is one."""
        for activation, parked in waiting.calls:
            if parked.question is not None and not questions[parked.question].is_waited_for:
                return activation, self._resumed(context, session, activation, None)
        return None

    @staticmethod
    def _questions(waiting: Waiting) -> dict[str, Question]:
        """Return the questions that calls wait for, those that were asked first in front."""
        asked = [UUID(parked.question) for _, parked in waiting.calls if parked.question is not None]
        if not asked:
            return {}
        found = Questions(configured_database()).find(asked)
        return {str(each): found[each] for each in asked}

    def _wait(
        self, context: Context, session: InstanceSession, waiting: Waiting, questions: Mapping[str, Question]
    ) -> None:
        """Wait until something is due: a moment in the worker, longer without one."""
        remaining = None
        if waiting.until is not None:
            remaining = (waiting.until - datetime.now(UTC)).total_seconds()
            if remaining <= SHORT_WAIT:
                time.sleep(max(remaining, 0))
                return
        due = earliest(waiting.until, *(question.due_at for question in questions.values()))
        triggers = [call for call in waiting.calls if call[1].question is None]
        if triggers:
            # An answer to a question wakes the task here too.
            self._defer_to(*triggers[0], due)
        if questions:
            self._await_people(context, session, next(iter(questions.values())), due)
        if waiting.until is None and waiting.held:
            wait_for_resumption()
        if waiting.until is None:
            message = "A region that has not ended runs something or waits for something"
            raise AssertionError(message)
        self.defer(trigger=DateTimeTrigger(moment=waiting.until), method_name="go_on")

    def _await_people(
        self, context: Context, session: InstanceSession, first: Question, due: datetime | None
    ) -> NoReturn:
        """Wait for the answer to any of some questions; Airflow shows the one that has been open for longest.

        One try of a task can show only one question for all its time, so the next one takes another try.

        :param first: that question
        :param due: when something happens without an answer
        """
        wanted, ti_id = str(first.id), str(context["ti"].id)
        shown = session.change(lambda machine: machine.state.shown.setdefault(ti_id, wanted))
        if shown != wanted:
            session.change(lambda machine: machine.state.shown.pop(ti_id, None))
            raise StepRetried({"type": "Waiting", "message": "The next question is shown by another try"}, timedelta())
        show_in_airflow(UUID(ti_id), first, session.masked)
        raise TaskAwaitingInput(method_name="go_on", timeout=time_until(due))

    def _defer_to(self, activation: ActivationRef, parked: Parked, due: datetime | None) -> NoReturn:
        note = parked.note
        limit = earliest(due, moment(note["deadline"]) if note["deadline"] is not None else None)
        trigger = trigger_of(note)
        self.defer(
            trigger=trigger,
            method_name="resume",
            kwargs={"waiting": vars(activation)},
            timeout=max(limit - datetime.now(UTC), timedelta()) if limit is not None else None,
        )
        raise AssertionError("unreachable")  # noqa: EM101 - for the type checker: defer never returns

    # One call

    def _run(self, context: Context, session: InstanceSession, call: Call, deadline: datetime | None) -> Ended | Parked:
        found = self._prepared(context, session, call, deadline)
        return found.run() if isinstance(found, Work) else found

    def _prepared(
        self, context: Context, session: InstanceSession, call: Call, deadline: datetime | None
    ) -> Work | Ended | Parked:
        """Make a call ready to run, or return its end where there is nothing to run.

        :param context: for this call
        :param deadline: when to interrupt it, which is possible in the main thread
        """
        try:
            operator = self._operator(context, call)
            if isinstance(operator, WaitOperator):
                return Parked(until=wait_until(operator.arguments, session.clock()))
        except StepFailure as exc:
            return Ended(failure=Failure.from_exception(exc))

        def run() -> Ended | Parked:
            with observed(session, call) as seen:
                failpoint("call.begun")
                found = self._guarded(session, operator, deadline, lambda: self._execute(operator, context))
                failpoint("call.worked")
                if isinstance(found, Ended):
                    seen.ended(found)
                return found

        return Work(run, operator.on_kill)

    def _operator(self, context: Context, call: Call) -> BaseOperator:
        provide(context, call)
        task, arguments = prepared(self.workflow_place.workflow.graph, call, run_names(context))
        name = f"{self.task_id}.{call.step_id}"
        return runtime_operator(task, arguments, name, self.workflow_place.workflow.grants)

    def _execute(self, operator: BaseOperator, context: Context) -> Any:
        with executing(operator):
            return run_patiently(operator, lambda: operator.execute(context))

    def _resumed(
        self, context: Context, session: InstanceSession, activation: ActivationRef, event: Any
    ) -> Ended | Parked | None:
        """Let the operator that waited continue with the event; None where nothing waits for it any more."""

        def waiting_call(machine: Machine) -> tuple[Call, Json, datetime | None] | None:
            if not machine.waits(activation):
                return None
            call = machine.call_of(activation.scope, session.clock())
            parked = machine.scope(activation.scope).activation.parked or {}
            return call, parked["note"], earliest(call.deadline, instance_deadline(machine.state))

        found = session.look(waiting_call)
        if found is None:
            return None
        call, note, deadline = found
        try:
            operator = self._operator(context, call)
        except StepFailure as exc:
            return Ended(failure=Failure.from_exception(exc))
        kwargs = {**kwargs_of(note), "event": event}
        return self._guarded(
            session,
            operator,
            deadline,
            lambda: run_patiently(operator, lambda: operator.resume_execution(note["method"], kwargs, context)),
        )

    def _guarded(
        self, session: InstanceSession, operator: BaseOperator, deadline: datetime | None, work: Any
    ) -> Ended | Parked:
        try:
            with bounded(operator, deadline):
                return without_secrets(Ended(output=work()))
        except TaskDeferred as deferral:
            return Parked(note=note_of(deferral))
        except AwaitingAnswer as awaiting:
            note = {"trigger": None, "method": awaiting.method_name, "kwargs": serialize({}), "deadline": None}
            return Parked(note=note, question=str(awaiting.question.id))
        except NO_RESULT:
            raise
        except BaseException as exc:
            # Its message may contain secrets of the instance, which Airflow's own masker does not know (rule L4).
            with _state:
                words = one_line(str(session.masked(str(exc))))
            self.log.warning("The task of a step failed: %s: %s", type(exc).__name__, words)
            return without_secrets(ended_by(exc))

    def _first_parked(self, machine: Machine) -> tuple[ActivationRef, Json] | None:
        """Return the call whose trigger this task waits for."""
        node = self.workflow_place.node
        region = Region(node.path, frozenset(node.nodes))
        parked = machine.parked(region.holds)
        return next(
            ((activation, note["note"]) for activation, note in parked if note["note"].get("trigger") is not None),
            None,
        )


class _Limit:
    """Remembers from each turn when the instance must have ended, so that it need not be asked for again."""

    def __init__(self, session: InstanceSession) -> None:
        self._turn = session.turns()
        self.instance: datetime | None = None

    @contextmanager
    def transaction(self) -> Iterator[Machine]:
        """Give the machine within one transaction."""
        with _state, self._turn() as machine:
            yield machine
            self.instance = instance_deadline(machine.state)
        failpoint("turn.stored")
