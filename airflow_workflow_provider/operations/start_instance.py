"""Starting an instance: input checked, DAG run made, row written (rules I2, X6, E4)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from airflow_workflow_provider.airflow_db.dag_runs import MOVED, StartedRun, find_run, start_run
from airflow_workflow_provider.airflow_db.dag_versions import not_loaded
from airflow_workflow_provider.bounded.doors import renewed
from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.engine.inputs import accepted_input
from airflow_workflow_provider.errors import Conflict, NotFound, StepFailure, StoreUnavailable, Unprocessable
from airflow_workflow_provider.failpoints import failpoint
from airflow_workflow_provider.instances.graphs import graph_at
from airflow_workflow_provider.instances.run_conf import START, conf_of
from airflow_workflow_provider.instances.session import API_RUN_PREFIX, InstanceSession, Run
from airflow_workflow_provider.operations.loading import Loaded, Loading, revision_of
from airflow_workflow_provider.operations.permission import Permission, Right
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.instances import Instances, instance_id
from airflow_workflow_provider.store.tasks import Tasks
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.model.definition import WorkflowDefinition
    from airflow_workflow_provider.settings import Settings
    from airflow_workflow_provider.store.database import Database
    from airflow_workflow_provider.store.definitions import Head
    from airflow_workflow_provider.store.instances import Instance

log = logging.getLogger(__name__)

VERSION_CHANGED: Final = ProblemCode.VERSION_CHANGED
"""Code of the conflict that another version would run than the one that was named."""

_MAX_FINDINGS: Final = 1000
_MAX_RETRIES: Final = 5
"""How often a start looks again because Airflow has loaded yet another version while the run was made."""


class InputRefused(Unprocessable):
    """The input of an instance does not fit the workflow's ``inputSchema``.

    :param findings: every way in which it does not, as ``{"pointer", "message"}``
    """

    default_code = ProblemCode.INVALID_INPUT

    def __init__(self, message: str, findings: list[dict[str, str]]) -> None:
        super().__init__(message)
        self.findings = [{**each, "pointer": f"/input{each['pointer']}"} for each in findings]


@dataclass(frozen=True)
class Which:
    """Which version of a workflow is to run; by default what was published before the start, or newer.

    :param version: that version, and no other one
    :param at_least: what was published up to this revision is enough; 0: whatever Airflow has loaded
    """

    version: str | None = None
    at_least: int | None = None


ANY_PUBLISHED: Final = Which()


@dataclass(frozen=True)
class Opened:
    """An instance that was started.

    :param created: False where the same start was made before
    :param instance: as it is stored, or will be where the workflow database has become unavailable meanwhile
    """

    id: UUID
    dag_id: str
    run_id: str
    created: bool
    instance: Instance


@dataclass(frozen=True)
class Starter:
    """Starts instances.

    :param permission: checked before anything else
    :param definition_of: gives the definition of a workflow's revision
    :param mask: masks more than definitions ask for, such as Airflow's secrets masker
    """

    definitions: Definitions
    tasks: Tasks
    instances: Instances
    settings: Settings
    permission: Permission
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
        which: Which = ANY_PUBLISHED,
    ) -> Opened:
        """Start an instance; with a key at most once.

        Where Airflow has not loaded the version that is to run, it is waited for ``[workflows] start_wait`` at most.

        :param input_data: as it was given, without defaults
        :param about: what is known about the start beside the input, see ``run_conf.ABOUT``; null ones are left out
        :param key: names this start: the same key gives the same instance
        :param user_name: who starts it, as Airflow shows it
        :raises NotFound: there is no such workflow, or the caller may not read it
        :raises Forbidden: the caller may not start it
        :raises InputRefused: the input does not fit; with every finding
        :raises Conflict: the workflow is not active, Airflow cannot run it now, or the key was used for another
            start; ``workflow-not-loaded``: Airflow has not loaded the version in time; ``version-changed``: another
            version would run than the one that was named; ``revision-not-published``
        :raises StoreUnavailable: the workflow database is not reachable, and nothing was started. Once the run is
            made, the instance is started: if its row cannot be written, its first step does that
        """
        known = {name: value for name, value in (about or {}).items() if value is not None}
        self.permission.require(Right.START, workflow_id)
        self.permission.record("workflow.start", workflow_id=workflow_id, correlation_id=known.get("correlationId"))
        run_id = _run_id(key)
        earlier = None if key is None else self._earlier(workflow_id, run_id, input_data, known)
        if earlier is not None:
            return earlier
        head = self._active_head(workflow_id)
        _check_version(workflow_id, which, head.version)
        for _ in range(_MAX_RETRIES):
            loaded = self._loaded(workflow_id, input_data, which)
            made = self._make_run(loaded, workflow_id, run_id, input_data, known, user_name)
            if made is None:
                continue
            if not made.created:
                return self._again(made, input_data, known)
            failpoint("start.run-made")
            opened = self._opened(made, loaded.revision, head.id, known)
            failpoint("start.stored")
            return opened
        raise not_loaded(workflow_id)

    def _active_head(self, workflow_id: str) -> Head:
        head = self.definitions.head(workflow_id)
        if not head.active:
            message = f"Workflow {workflow_id!r} is not active: it does not accept new instances"
            raise Conflict(message, code=ProblemCode.WORKFLOW_INACTIVE, suggestion="activate it")
        return head

    def _earlier(
        self, workflow_id: str, run_id: str, input_data: dict[str, Any], known: Mapping[str, Any]
    ) -> Opened | None:
        """Return the instance that was started with the same key before, if there is one."""
        found = find_run(workflow_id, run_id)
        if found is not None:
            return self._again(found, input_data, known)
        return self._kept(workflow_id, run_id, input_data, known)

    def _make_run(
        self,
        loaded: Loaded,
        workflow_id: str,
        run_id: str,
        input_data: dict[str, Any],
        known: dict[str, Any],
        user_name: str | None,
    ) -> StartedRun | None:
        """Make the DAG run of the version that was checked; None where Airflow has loaded another one meanwhile."""
        about = {}
        self.instances.starts.refuse_read_only()
        if known:
            announced = self.instances.starts.announce(instance_id(workflow_id, run_id), known)
            about = {START: announced.token}
        failpoint("start.announced")
        conf = conf_of(input_data, about)
        try:
            return start_run(workflow_id, run_id, conf, user_name=user_name, version=loaded.dag)
        except Conflict as error:
            if error.code != MOVED:
                raise
            return None

    def _loaded(self, workflow_id: str, input_data: dict[str, Any], which: Which) -> Loaded:
        """Return what will run, once Airflow has it, after the input was checked against it."""
        loading = Loading(self.definitions, self.tasks)
        wanted = loading.wanted(workflow_id, which.at_least)
        if wanted is None:
            found = loading.loaded(workflow_id)
        else:
            # Before the wait: what is wrong with the input will still be wrong after it.
            check_input(self.definition_of(workflow_id, wanted.revision), input_data)
            found = loading.wait(wanted, self.settings.start_wait)
        definition = self.definition_of(workflow_id, found.revision)
        _check_version(workflow_id, which, definition.version)
        if wanted is None or found.revision != wanted.revision:
            with renewed():
                check_input(definition, input_data)
        return found

    def _again(self, run: StartedRun, input_data: Mapping[str, Any], known: Mapping[str, Any]) -> Opened:
        made = Run(run.dag_id, run.run_id, run.conf)
        if made.input != input_data or self._correlation_id(made) != known.get("correlationId"):
            raise _reused()
        revision = revision_of(self.definitions, self.tasks, run.dag_id, run.bundle_version)
        return Opened(made.instance_id, run.dag_id, run.run_id, created=False, instance=self._row(run, revision).open())

    def _kept(
        self, workflow_id: str, run_id: str, input_data: dict[str, Any], known: Mapping[str, Any]
    ) -> Opened | None:
        """Return the instance of an earlier start whose run Airflow does not have any more, if there is one."""
        try:
            found = self.instances.get(instance_id(workflow_id, run_id))
        except NotFound:
            return None
        given = check_input(self.definition_of(workflow_id, found.revision), input_data)
        if given != found.input or found.correlation_id != known.get("correlationId"):
            raise _reused()
        return Opened(found.id, found.dag_id, found.run_id, created=False, instance=found)

    def _correlation_id(self, run: Run) -> str | None:
        """Return what a run was started with, from its instance, or as it was announced where that is not there yet."""
        try:
            return self.instances.get(run.instance_id).correlation_id
        except NotFound:
            announced = self.instances.starts.find(run.instance_id)
        return announced.about.get("correlationId") if announced is not None and run.is_of(announced) else None

    def _opened(self, run: StartedRun, revision: int, definition: UUID, known: dict[str, Any]) -> Opened:
        """Write the row of an instance that was started; to refuse the start now would have it made twice."""
        session = self._row(run, revision)
        try:
            instance = session.open()
        except StoreUnavailable as error:
            log.warning("The row of instance %s is written by its first step: %s", session.instance_id, error.message)
            instance = session.unsaved(definition, known)
        return Opened(instance.id, run.dag_id, run.run_id, created=True, instance=instance)

    def _row(self, run: StartedRun, revision: int) -> InstanceSession:
        graph = Graph.of(self.definition_of(run.dag_id, revision))
        return _session(run, graph, revision, self.instances, self.settings, self.mask)


def open_instance(
    database: Database, run: StartedRun, settings: Settings, mask: Callable[[Any], Any] = lambda value: value
) -> None:
    """Write the row of the instance of a run that was just made for an event or a step.

    The first step would do it too; but a run that is deleted before that would leave nothing that could be continued.
    """
    definitions, tasks = Definitions(database), Tasks(database)
    revision = revision_of(definitions, tasks, run.dag_id, run.bundle_version)
    graph = graph_at(definitions, tasks, run.dag_id, revision)
    _session(run, graph, revision, Instances(database), settings, mask).open()


def _session(
    run: StartedRun,
    graph: Graph,
    revision: int,
    instances: Instances,
    settings: Settings,
    mask: Callable[[Any], Any],
) -> InstanceSession:
    made = Run(run.dag_id, run.run_id, run.conf, run.triggered_by)
    return InstanceSession(graph, revision, made, instances=instances, settings=settings, mask=mask)


def _check_version(workflow_id: str, which: Which, version: str) -> None:
    if which.version is not None and which.version != version:
        message = f"Version {version} of workflow {workflow_id!r} would run, not version {which.version}"
        raise Conflict(message, code=VERSION_CHANGED, suggestion="look at what has changed and start again")


def check_input(definition: WorkflowDefinition, input_data: dict[str, Any]) -> dict[str, Any]:
    """Return an input with the schema's defaults applied.

    :raises InputRefused: it does not fit; with every finding
    """
    try:
        return accepted_input(definition.input_schema, input_data, listed=_MAX_FINDINGS)
    except StepFailure as error:
        details = error.details or {}
        findings = details.get("errors") or [{"pointer": "", "message": error.message}]
        first = f"{findings[0]['pointer'] or '/'}: {findings[0]['message']}"
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        message = f"The input of workflow {definition.workflow_id!r} is invalid: {first}{more}"
        raise InputRefused(message, findings) from error


def _reused() -> Conflict:
    message = "This idempotency key was used to start an instance with another input or correlation id"
    return Conflict(message, code=ProblemCode.IDEMPOTENCY_KEY_REUSED, suggestion="use a new key for another start")


def _run_id(key: str | None) -> str:
    if key is None:
        return f"{API_RUN_PREFIX}{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}__{uuid4().hex[:8]}"
    return f"{API_RUN_PREFIX}{sha256(key.encode()).hexdigest()[:40]}"
