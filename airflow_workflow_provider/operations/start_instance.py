"""Starting an instance: input checked, DAG run made, row written (rules I2, X6, E4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from airflow_workflow_provider.airflow_db.dag_runs import StartedRun, find_run, loaded_bundle_version, start_run
from airflow_workflow_provider.bounded.doors import renewed
from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.engine.schemas import schema_findings, with_defaults
from airflow_workflow_provider.errors import Conflict, NotFound, StepFailure, WorkflowsError
from airflow_workflow_provider.instances.graphs import resolve
from airflow_workflow_provider.instances.session import ABOUT, API_RUN_PREFIX, START, InstanceSession, Run
from airflow_workflow_provider.store.instances import Instances, instance_id

if TYPE_CHECKING:
    from airflow_workflow_provider.model.definition import WorkflowDefinition
    from airflow_workflow_provider.settings import Settings
    from airflow_workflow_provider.store.definitions import Definitions
    from airflow_workflow_provider.store.tasks import Tasks

_MAX_FINDINGS: Final = 1000


class InputRefused(WorkflowsError):
    """The input of an instance does not fit the workflow's ``inputSchema``.

    :param findings: every way in which it does not, as ``{"pointer", "message"}``
    """

    default_code = "invalid-input"

    def __init__(self, message: str, findings: list[dict[str, str]]) -> None:
        super().__init__(message)
        self.findings = findings


@dataclass(frozen=True)
class Opened:
    """An instance that was started.

    :param created: False where the same start was made before
    """

    id: UUID
    dag_id: str
    run_id: str
    created: bool


@dataclass(frozen=True)
class Starter:
    """Starts instances.

    :param definition_of: gives the definition of a workflow's revision
    :param mask: masks more than definitions ask for, such as Airflow's secrets masker
    """

    definitions: Definitions
    tasks: Tasks
    instances: Instances
    settings: Settings
    definition_of: Callable[[str, int], WorkflowDefinition]
    mask: Callable[[Any], Any] = lambda value: value

    def start(
        self,
        workflow_id: str,
        input_data: dict[str, Any],
        *,
        about: Mapping[str, Any] | None = None,
        key: str | None = None,
        user_name: str | None = None,
    ) -> Opened:
        """Start an instance; with a key at most once.

        :param input_data: as it was given, without defaults
        :param about: what is known about the start beside the input, see :data:`ABOUT`; null values are left out
        :param key: names this start: the same key gives the same instance
        :param user_name: who starts it, as Airflow shows it
        :raises NotFound: there is no such workflow
        :raises InputRefused: the input does not fit; with every finding
        :raises Conflict: the workflow is not active, Airflow cannot run it now, or the key was used for another start
        :raises StoreUnavailable: the workflow database is not reachable; where the run was made already, its first
            step writes the row, and starting again with the same key gives that instance
        """
        known = {name: value for name, value in (about or {}).items() if value is not None}
        run_id = _run_id(key)
        if key is not None:
            found = find_run(workflow_id, run_id)
            if found is not None:
                return self._again(found, input_data, known)
        if not self.definitions.head(workflow_id).active:
            message = f"Workflow {workflow_id!r} is not active: it takes no new instances"
            raise Conflict(message, code="workflow-inactive", suggestion="activate it")
        revision = revision_of(self.definitions, self.tasks, workflow_id, loaded_bundle_version(workflow_id))
        check_input(self.definition_of(workflow_id, revision), input_data)
        conf = input_data
        if known:
            announced = self.instances.starts.announce(instance_id(workflow_id, run_id), known)
            conf = {**input_data, ABOUT: {START: announced.token}}
        run = start_run(workflow_id, run_id, conf, user_name=user_name)
        if not run.created:
            return self._again(run, input_data, known)
        self._open(run, revision_of(self.definitions, self.tasks, workflow_id, run.bundle_version))
        return _opened(run)

    def _again(self, run: StartedRun, input_data: Mapping[str, Any], known: Mapping[str, Any]) -> Opened:
        made = Run(run.dag_id, run.run_id, run.conf)
        if made.input != input_data or self._correlation_id(made) != known.get("correlationId"):
            message = "This idempotency key was used to start an instance with another input or correlation id"
            raise Conflict(message, code="idempotency-key-reused", suggestion="use a new key for another start")
        self._open(run, revision_of(self.definitions, self.tasks, run.dag_id, run.bundle_version))
        return _opened(run)

    def _correlation_id(self, run: Run) -> str | None:
        """Return what a run was started with, from its instance, or as it was announced where that is not there yet."""
        try:
            return self.instances.get(run.instance_id).correlation_id
        except NotFound:
            announced = self.instances.starts.find(run.instance_id)
        return announced.about.get("correlationId") if announced is not None and run.is_of(announced) else None

    def _open(self, run: StartedRun, revision: int) -> None:
        """Write the instance's row, so that it can be read at once; its first step does it too, and does no harm."""
        graph = Graph.of(self.definition_of(run.dag_id, revision))
        session = InstanceSession(
            graph,
            revision,
            Run(run.dag_id, run.run_id, run.conf, run.triggered_by),
            instances=self.instances,
            settings=self.settings,
            mask=self.mask,
        )
        # What was accepted must not be refused because its first check has taken most of the request's time.
        with renewed():
            session.change(lambda _: None)


def revision_of(definitions: Definitions, tasks: Tasks, workflow_id: str, bundle_version: str | None) -> int:
    """Return the revision of a workflow that a DAG of a bundle version has; without a versioned bundle the newest."""
    is_revision = bundle_version is not None and bundle_version.isdecimal()
    newest = int(bundle_version or 0) if is_revision else definitions.highest_revision()
    found = resolve(definitions.at_revision(newest, workflow_id), tasks.at_revision(newest))
    for resolved in found:
        return resolved.revision
    return definitions.head(workflow_id).revision


def check_input(definition: WorkflowDefinition, input_data: dict[str, Any]) -> dict[str, Any]:
    """Return an input with the schema's defaults applied.

    :raises InputRefused: it does not fit; with every finding
    """
    if ABOUT in input_data:
        message = f"{ABOUT!r} is a reserved name"
        raise InputRefused(message, [{"pointer": f"/{ABOUT}", "message": message}])
    schema = definition.input_schema
    try:
        given = with_defaults(schema, input_data)
        findings = schema_findings(schema, given)[:_MAX_FINDINGS]
    except StepFailure as error:
        raise InputRefused(error.message, [{"pointer": "", "message": error.message}]) from error
    if findings:
        first = f"{findings[0]['pointer'] or '/'}: {findings[0]['message']}"
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        message = f"The input of workflow {definition.workflow_id!r} is invalid: {first}{more}"
        raise InputRefused(message, findings)
    return dict(given)


def _opened(run: StartedRun) -> Opened:
    return Opened(instance_id(run.dag_id, run.run_id), run.dag_id, run.run_id, run.created)


def _run_id(key: str | None) -> str:
    if key is None:
        return f"{API_RUN_PREFIX}{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}__{uuid4().hex[:8]}"
    return f"{API_RUN_PREFIX}{sha256(key.encode()).hexdigest()[:40]}"
