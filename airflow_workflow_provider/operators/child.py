"""A step that runs another workflow as a child instance, and waits for it without a worker (rule P5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

from airflow_workflow_provider.airflow_internals.task_process import conf_of_run
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.inputs import accepted_input
from airflow_workflow_provider.engine.manual_override import cancel
from airflow_workflow_provider.errors import NotFound, StepFailure
from airflow_workflow_provider.failpoints import failpoint
from airflow_workflow_provider.hosts.simulation import child_failure
from airflow_workflow_provider.instances.configured import configured_database
from airflow_workflow_provider.instances.graphs import Resolved, graph_at, resolve_version, resolved_at
from airflow_workflow_provider.instances.run_conf import START, conf_of
from airflow_workflow_provider.instances.session import PARENT, InstanceSession, Parent, Run
from airflow_workflow_provider.model.references import Reference, too_deep
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.operators.builtin import BuiltInOperator
from airflow_workflow_provider.operators.failures import FailedWith
from airflow_workflow_provider.operators.reach import refusal
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.instances import Instance, Instances, instance_id
from airflow_workflow_provider.store.run_requests import RunRequests
from airflow_workflow_provider.store.tasks import Tasks
from airflow_workflow_provider.tasks.calls import CORRELATION_ID
from airflow_workflow_provider.triggers.child import InstanceEndedTrigger
from airflow_workflow_provider.vocabulary import ErrorType, ProblemCode

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_workflow_provider.engine.failure import Failure
    from airflow_workflow_provider.store.starts import Announced

FAIL_METHOD: Final = "__fail__"
RUN_PREFIX: Final = "step__"
MAX_RUN_ID: Final = 240


class ChildWorkflowOperator(BuiltInOperator):
    """Starts a child instance and returns its output; a child that fails is the failure of a branch.

    The child's run has a name that the attempt determines, so a start that is repeated finds what it started. A child
    stops by itself before its next step when its parent does not wait for it any more.
    """

    uses_store = True
    name = "workflow"
    custom_operator_name = "Workflow"
    ui_color = "#f3eefb"

    def execute(self, context: Context) -> Any:
        """Start the child and wait for its end.

        :raises StepFailure: the child cannot be started
        """
        parent, workflow_id = self._parent(context), self._workflow_id
        problem = self.grants.child_problem(workflow_id) if self.grants is not None else None
        if problem is not None:
            raise refusal(problem)
        self._check(parent, workflow_id)
        about, version = self._about(context, parent), Reference.of(self.arguments["workflow"]).version
        user_name = context["dag_run"].triggering_user_name
        self._request(self._version(version), parent, about, user_name, at_least=version is None)
        child = str(instance_id(workflow_id, run_id_of(parent)))
        failpoint("child.requested")
        kwargs = {"child": child, "announced": True}
        self.defer(trigger=InstanceEndedTrigger(child), method_name="ended", kwargs=kwargs)

    def ended(self, context: Context, child: str, event: Any = None, *, announced: bool = False) -> Any:  # noqa: ARG002 - the store knows how
        """Return the child's output.

        :param announced: False for a child that was started before starts were announced
        :raises FailedWith: the child has failed
        :raises StepFailure: it is not the one that was started
        """
        found = _instances().get(UUID(child))
        if announced and not _names(found, self._parent(context)):
            raise _not_ours(self._workflow_id, found.run_id)
        if found.status == "completed":
            return found.output
        raise FailedWith(_failure_of(self._workflow_id, found))

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Continue after waiting; where the step's time is over, the child is cancelled."""
        if next_method == FAIL_METHOD:
            self._cancel(self._parent(context))
        return super().resume_execution(next_method, next_kwargs, context)

    def _cancel(self, parent: Parent) -> None:
        database = configured_database()
        run = Run(self._workflow_id, run_id_of(parent))
        try:
            child = Instances(database).get(run.instance_id)
            if not _names(child, parent):
                return
            graph = graph_at(Definitions(database), Tasks(database), child.workflow_id, child.revision)
        except NotFound:
            return
        session = InstanceSession(graph, child.revision, run)
        session.change(lambda machine: cancel(machine, "The step that started it no longer waits", session.clock()))

    @property
    def _workflow_id(self) -> str:
        return Reference.of(self.arguments["workflow"]).workflow_id

    def _check(self, parent: Parent, workflow_id: str) -> None:
        message = too_deep(workflow_id, parent.depth, load_settings().max_depth)
        if message is not None:
            raise StepFailure(message, type=ErrorType.TASK_NOT_FOUND, code=ProblemCode.MAX_DEPTH)
        try:
            Definitions(configured_database()).head(workflow_id)
        except NotFound as error:
            raise StepFailure(
                error.message, type=ErrorType.TASK_NOT_FOUND, code=ProblemCode.WORKFLOW_NOT_FOUND
            ) from error

    def _version(self, version: str | None) -> Resolved:
        """Return what the child runs: the version that is named, else what is published now."""
        database = configured_database()
        definitions, tasks = Definitions(database), Tasks(database)
        try:
            if version is None:
                return resolved_at(definitions, tasks, self._workflow_id, definitions.highest_revision())
            return resolve_version(definitions, tasks, self._workflow_id, version)
        except NotFound as error:
            message = f"{error.message}; {error.suggestion}"
            raise StepFailure(message, type=ErrorType.TASK_NOT_FOUND, code=ProblemCode.VERSION_NOT_FOUND) from error

    def _request(
        self,
        wanted: Resolved,
        parent: Parent,
        about: Mapping[str, Any],
        user_name: str | None,
        *,
        at_least: bool,
    ) -> None:
        """Have the child's run made: Airflow lets a worker start only what it has loaded, older or newer than that.

        :param at_least: a newer version than the wanted one will do
        """
        given, definition = self.arguments["input"], parse_definition(wanted.document, checked=False)
        try:
            accepted_input(definition.input_schema, given)
        except StepFailure as error:
            refused = {**_invalid(error.message), "details": error.details}
            raise FailedWith(child_failure(wanted.workflow_id, refused)) from error
        run = Run(wanted.workflow_id, run_id_of(parent))
        # Before the run is there: its conf could be anybody's.
        announced = _instances().starts.announce(run.instance_id, about)
        self._refuse_foreign(run, parent, announced)
        conf = conf_of(given, {START: announced.token})
        requests = RunRequests(configured_database())
        requests.add(run.dag_id, run.run_id, wanted.revision, conf, user_name, at_least=at_least)

    def _about(self, context: Context, parent: Parent) -> dict[str, Any]:
        """Return what the child's run gets besides its input."""
        started_by = cast("dict[str, Any]", context)["workflow"]["started_by"]
        about = {PARENT: parent.to_json(), "startedBy": started_by}
        correlation_id = self.arguments[CORRELATION_ID]
        return about if correlation_id is None else {**about, CORRELATION_ID: correlation_id}

    def _refuse_foreign(self, run: Run, parent: Parent, announced: Announced) -> None:
        """Continue with a run that exists already only if an earlier try of this attempt has created it."""
        conf = conf_of_run(run.dag_id, run.run_id)
        if conf is None or replace(run, conf=conf).is_of(announced):
            return
        try:
            # Runs that were made before starts were announced have no token; those that began name their parent.
            if _names(_instances().get(run.instance_id), parent):
                return
        except NotFound:
            pass
        raise _not_ours(run.dag_id, run.run_id)

    def _parent(self, context: Context) -> Parent:
        about = cast("dict[str, Any]", cast("dict[str, Any]", context)["workflow"])
        instance = UUID(about["instance_id"])
        depth = _instances().get(instance).state.instance.depth
        return Parent(
            instance_id=str(instance),
            scope=about["scope"],
            step_id=about["step_id"],
            visit=about["visit"],
            attempt=about["attempt"],
            depth=depth + 1,
        )


def run_id_of(parent: Parent) -> str:
    """Return the id of a child's DAG run: one an attempt."""
    # Airflow refuses a run id with two dots in a row.
    place = parent.scope.replace("/", "~").replace("[", "~").replace("]", "")
    full = f"{RUN_PREFIX}{parent.instance_id}~{place}~{parent.step_id}.{parent.visit}.{parent.attempt}"
    if len(full) <= MAX_RUN_ID:
        return full
    return f"{RUN_PREFIX}{parent.instance_id}.{sha256(full.encode()).hexdigest()}"


def _failure_of(workflow_id: str, child: Instance) -> Failure:
    """Return the step's failure; the child's own is its cause, with what it matches (rules F1, P2)."""
    stored = child.state.root.failure
    cause = None
    if stored is not None and child.error is not None and stored.failure.type == child.error["type"]:
        cause = stored.failure
    return child_failure(workflow_id, child.error or {}, cause)


def _names(child: Instance, parent: Parent) -> bool:
    """Return whether an instance was started by an attempt of a step."""
    kept = child.state.instance.parent
    if kept is not None:
        return Parent.from_json(kept) == parent
    return (str(child.parent_instance_id), child.parent_step_id) == (parent.instance_id, parent.step_id)


def _not_ours(workflow_id: str, run_id: str) -> StepFailure:
    message = f"Another user has created the DAG run {run_id!r} of workflow {workflow_id!r}; its result is ignored"
    return StepFailure(message, type=ErrorType.TASK_NOT_FOUND, code=ProblemCode.RUN_NOT_OURS)


def _invalid(message: str) -> dict[str, Any]:
    return {"type": ErrorType.VALIDATION_ERROR.value, "code": None, "message": message, "details": {}}


def _instances() -> Instances:
    return Instances(configured_database())
