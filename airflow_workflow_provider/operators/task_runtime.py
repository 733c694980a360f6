"""What every task of a workflow's DAG does: reach the instance, and carry out what the machine decided."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from airflow.sdk.bases.skipmixin import XCOM_SKIPMIXIN_KEY, XCOM_SKIPMIXIN_SKIPPED
from airflow.sdk.exceptions import (
    AirflowRescheduleException,
    AirflowSkipException,
    AirflowTaskTerminated,
    AirflowTaskTimeout,
    DownstreamTasksSkipped,
    TaskDeferralTimeout,
)

from airflow_workflow_provider.airflow_internals.secrets_masker import masked_text, task_mask
from airflow_workflow_provider.airflow_internals.task_process import skip_tasks, time_limit
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.graph import DAG_SHAPE_OF_CATCHES
from airflow_workflow_provider.hosts.ending import Ended
from airflow_workflow_provider.instances.run_conf import transportable
from airflow_workflow_provider.instances.session import InstanceSession, Run, own_limits
from airflow_workflow_provider.model.json_text import DATA_DEPTH
from airflow_workflow_provider.operators import restored, suspects, unexpected
from airflow_workflow_provider.operators.builtin import STEP_CONTEXT
from airflow_workflow_provider.operators.catalogue import step_context_of
from airflow_workflow_provider.operators.failures import FailedWith
from airflow_workflow_provider.operators.outcomes import Again, Failed, Follow, Hold, Later, Leave, Outcome, Stop
from airflow_workflow_provider.operators.resumption import ask_later, wait_for_resumption
from airflow_workflow_provider.operators.retry import StepRetried, StepStopped
from airflow_workflow_provider.operators.task_states import states_of
from airflow_workflow_provider.plan.positions import POSITION
from airflow_workflow_provider.tasks.templates import RunNames, template_values
from airflow_workflow_provider.vocabulary import ErrorType

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_workflow_provider.engine.calls import Call
    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.engine.machine import Machine
    from airflow_workflow_provider.model.grants import Grants
    from airflow_workflow_provider.plan.nodes import Node, Plan

log = logging.getLogger(__name__)

RESULT: Final = "return_value"
SKIPS: Final = (AirflowSkipException, DownstreamTasksSkipped)
NO_RESULT: Final = (AirflowRescheduleException, AirflowTaskTerminated, KeyboardInterrupt, GeneratorExit)
"""The exceptions that end a process without ending the attempt."""


@dataclass(frozen=True)
class Workflow:
    """The data that all tasks of one DAG share.

    :param revision: the definition's revision
    :param grants: what the publisher of the version was allowed
    """

    graph: Graph
    plan: Plan
    revision: int
    grants: Grants


@dataclass(frozen=True)
class Place:
    """A task's place in its workflow."""

    workflow: Workflow
    node: Node


def session_of(place: Place, context: Context) -> InstanceSession:
    """Return the instance of the run that a task belongs to."""
    run = context["dag_run"]
    return InstanceSession(
        place.workflow.graph,
        place.workflow.revision,
        Run(run.dag_id, run.run_id, run.conf or {}, run.triggering_user_name),
        mask=task_mask,
        door=own_limits(),
    )


def without_secrets(ended: Ended) -> Ended:
    """Return an end without the secrets that Airflow knows in this process, such as passwords of connections (rule L4).

    They are masked wherever their text occurs, before the end is part of the instance: no log, page or later step can
    describe what is missing. A key that sounds secret is no reason; what a step passes on under it is its business.
    """

    def masked(value: Any, depth: int = 0) -> Any:
        if isinstance(value, str):
            return masked_text(value)
        if depth > DATA_DEPTH:
            return value  # refused for its depth later
        if type(value) is dict:
            return {masked(key, depth): masked(item, depth + 1) for key, item in value.items()}
        if type(value) in (list, tuple):
            return type(value)(masked(item, depth + 1) for item in value)
        return value

    def cleared(failure: Failure) -> Failure:
        return replace(
            failure,
            message=masked(failure.message),
            details=masked(failure.details),
            causes=tuple(cleared(cause) for cause in failure.causes),
        )

    failure = None if ended.failure is None else cleared(ended.failure)
    return replace(ended, output=masked(ended.output), failure=failure)


def move(place: Place, session: InstanceSession, context: Context, work: Callable[[Machine], Any]) -> Any:
    """Do a move; do it again if Airflow knows better than the state what became of a task before this one.

    A person may have marked it as success; or it was lost, see :mod:`airflow_workflow_provider.operators.unexpected`.
    Where the state itself is older than that task, this one waits: :mod:`airflow_workflow_provider.operators.restored`.

    :param work: gives an outcome, or something else where the task continues
    """
    done = session.change(work)
    if not isinstance(done, Leave | Stop):
        return done
    plan, node = place.workflow.plan, place.node
    restored.check(plan, node.task_id, session, context)
    has_catches = plan.shape == DAG_SHAPE_OF_CATCHES
    deciders = plan.deciders(node.task_id)
    found = session.look(lambda machine: suspects.suspects(machine, deciders))
    more = [] if has_catches else session.look(lambda machine: unexpected.asked(machine, plan, node))
    if not found and not more:
        return done
    states = states_of(context, sorted({*more, *(suspect.task_id for suspect in found)}))
    marked = [suspect for suspect in found if states.get(suspect.task_id) == "success"]

    def again(machine: Machine) -> Any:
        suspects.complete_marked(machine, marked, session.clock())
        settled = not has_catches and unexpected.settle(machine, plan, node, states, session.clock())
        return work(machine) if marked or settled else done

    done = session.change(again)
    if has_catches or not isinstance(done, Leave):
        return done
    later = session.look(lambda machine: unexpected.may_come(machine, plan, node, states))
    return Later() if later else done


def carry_out(
    task: Any, context: Context, session: InstanceSession, outcome: Outcome, cause: BaseException | None = None
) -> None:
    """Carry out in Airflow what an outcome means: branch, fail, retry or skip.

    :param task: the operator, with Airflow's ``BranchMixIn``
    :param session: of the instance, whose secrets no log of the task may show
    :param cause: the exception behind a failure, for the task's log
    """
    if isinstance(outcome, Follow | Failed) or (isinstance(outcome, Stop) and session.stored.is_over):
        # Before Airflow knows how the task has ended, and after that was stored.
        context["ti"].xcom_push(key=POSITION, value=session.stored.position)
    if isinstance(outcome, Follow):
        if task.do_xcom_push and outcome.output is not None:
            context["ti"].xcom_push(key=RESULT, value=transportable(session.masked(outcome.output)))
        _skip_others(task, context, outcome.tasks)
        return
    if isinstance(outcome, Leave):
        raise AirflowSkipException(outcome.reason)
    if isinstance(outcome, Later):
        ask_later()
    if isinstance(outcome, Hold):
        wait_for_resumption()
    if isinstance(outcome, Failed) or (isinstance(outcome, Stop) and outcome.is_over):
        chosen = outcome.task if isinstance(outcome, Failed) else None
        try:
            _skip_others(task, context, () if chosen is None else (chosen,), failed=True)
        except DownstreamTasksSkipped as skipping:
            skip_tasks(skipping.tasks)
    _fail(outcome, session, cause)


def _skip_others(task: Any, context: Context, chosen: Sequence[str], *, failed: bool = False) -> None:
    """Skip what no decision can lead to any more.

    :raises DownstreamTasksSkipped: Airflow is to skip something; it does that where a task succeeds
    """
    place: Place = task.workflow_place
    if place.workflow.plan.shape == DAG_SHAPE_OF_CATCHES:
        if chosen and not failed:
            task.do_branch(context, list(chosen))
        return
    skipped = place.workflow.plan.skipped(place.node.task_id, chosen, failed=failed)
    if not skipped and getattr(task, "branches_itself", False):
        # Airflow's clearing ignores what the task itself has skipped.
        context["ti"].xcom_push(key=XCOM_SKIPMIXIN_KEY, value={XCOM_SKIPMIXIN_SKIPPED: []})
    task.skip(context["ti"], [task.dag.get_task(each) for each in skipped])


def _fail(outcome: Again | Failed | Stop, session: InstanceSession, cause: BaseException | None) -> NoReturn:
    trace = None if cause is None else "".join(traceback.format_exception(cause))
    error, shown = cast("list[Any]", session.masked([outcome.error, trace]))
    if shown != trace:
        # Airflow would log the exception as it is.
        log.error("The step failed:\n%s", shown)
        cause = None
    if isinstance(outcome, Again):
        raise StepRetried(error, outcome.delay) from cause
    raise StepStopped(error) from cause


def provide(context: Context, call: Call) -> None:
    """Let operators and callables find the workflow in Airflow's context, as templates do."""
    context.update({**template_values(call), STEP_CONTEXT: step_context_of(call)})  # type: ignore[typeddict-item]


def run_names(context: Context) -> RunNames:
    """Return what templates know of the DAG run: it is for its logical date, or else for when it was due."""
    run = context["dag_run"]
    return RunNames.of(run.run_id, run.logical_date or run.run_after)


def earliest(*limits: datetime | None) -> datetime | None:
    """Return the first of several moments; None stands for never."""
    return min((limit for limit in limits if limit is not None), default=None)


@contextmanager
def bounded(task: Any, deadline: datetime | None) -> Iterator[None]:
    """Interrupt what runs inside at a deadline.

    :raises AirflowTaskTimeout: the deadline has passed
    """
    if deadline is None:
        yield
        return
    remaining = (deadline - datetime.now(UTC)).total_seconds()
    if remaining <= 0:
        message = "The time for this attempt is over"
        raise AirflowTaskTimeout(message)
    try:
        with time_limit(remaining, "The time for this attempt is over"):
            yield
    except AirflowTaskTimeout:
        task.on_kill()
        raise


def ended_by(exc: BaseException) -> Ended:
    """Return what an exception of a task means: skipping is an empty result, everything else a failure."""
    if isinstance(exc, SKIPS):
        return Ended(output={})
    if isinstance(exc, FailedWith):
        return Ended(failure=exc.failure)
    if isinstance(exc, AirflowTaskTimeout | TaskDeferralTimeout):
        return Ended(failure=Failure(ErrorType.TIMEOUT_ERROR, "The attempt did not end within its time"))
    return Ended(failure=Failure.from_exception(exc))
