"""Creates the DAG runs of sub-workflows, in the api-server (rule P5).

The step that waits for one cannot make it; see :mod:`airflow_workflow_provider.store.run_requests`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.airflow_db.dag_runs import StartedRun, find_run, start_run
from airflow_workflow_provider.airflow_db.dag_versions import UNVERSIONED
from airflow_workflow_provider.dag.pinned import pinned_dag
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.manual_override import agree_failed
from airflow_workflow_provider.errors import Conflict, InvalidDefinition, Misuse, NotFound
from airflow_workflow_provider.failpoints import failpoint
from airflow_workflow_provider.instances.graphs import graph_at, resolved_at
from airflow_workflow_provider.instances.session import InstanceSession, Run
from airflow_workflow_provider.operations.loading import Loading
from airflow_workflow_provider.operations.start_instance import open_instance
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.instances import Instances
from airflow_workflow_provider.store.named import named_run
from airflow_workflow_provider.store.outbox import Backoff
from airflow_workflow_provider.store.run_requests import RunRequest, RunRequests
from airflow_workflow_provider.store.tasks import Tasks
from airflow_workflow_provider.vocabulary import ErrorType

if TYPE_CHECKING:
    from airflow_workflow_provider.settings import Settings
    from airflow_workflow_provider.store.database import Database

log = logging.getLogger(__name__)

PATIENCE: Final = timedelta(minutes=10)
"""How long Airflow may take to load a workflow; after this time the instance that was to run fails.

It counts from the first time that Airflow could be asked: after an outage nothing is loaded yet, and that is no reason.
"""

FORGOTTEN: Final = timedelta(hours=1)
"""After this time and :data:`PATIENCE` a run that is not heard of any more is forgotten: somebody else has made it."""

BACKOFF: Final = Backoff(timedelta(seconds=1), timedelta(seconds=30))


class PinnedStarter:
    """Makes the DAG runs that are asked for; any number of processes may do so at once.

    :param mask: masks more than definitions ask for, such as Airflow's secrets masker
    :param patience: see :data:`PATIENCE`
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        mask: Callable[[Any], Any] = lambda value: value,
        *,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._patience = patience
        self._refused: dict[int, datetime] = {}
        self._database = database
        self._settings = settings
        self._mask = mask
        self._requests = RunRequests(database)
        self._definitions, self._tasks = Definitions(database), Tasks(database)

    def next_due(self) -> timedelta | None:
        """Return how long it takes until a run is to be made; None where there is none."""
        return self._requests.next_due()

    def work(self) -> int:
        """Make the runs of one batch; return how many were claimed."""
        claimed = self._requests.claim()
        for request in claimed:
            with named_run(request.dag_id, request.run_id):
                self._make(request)
        return len(claimed)

    def _make(self, request: RunRequest) -> None:
        try:
            run = self._start(request)
            failpoint("child.run-made")
            open_instance(self._database, run, self._settings, self._mask)
            failpoint("child.stored")
        except (InvalidDefinition, Misuse, NotFound) as error:
            self._give_up(request, error)
        except Conflict as error:
            if error.code == UNVERSIONED or self._refused_for(request) > self._patience:
                self._give_up(request, error)
            else:
                self._requests.later(request.id, BACKOFF.delay(request.attempts) or BACKOFF.longest)
        else:
            self._requests.done(request.id)

    def _refused_for(self, request: RunRequest) -> timedelta:
        """Return for how long Airflow has refused a run, as far as this process has seen it."""
        now = datetime.now(UTC)
        kept = {each: since for each, since in self._refused.items() if now - since <= self._patience + FORGOTTEN}
        self._refused = kept
        return now - kept.setdefault(request.id, now)

    def _start(self, request: RunRequest) -> StartedRun:
        found = find_run(request.dag_id, request.run_id)
        if found is not None:
            return found
        if request.at_least:
            return self._start_newest(request)
        pinned = resolved_at(self._definitions, self._tasks, request.dag_id, request.revision)
        try:
            return start_run(
                request.dag_id,
                request.run_id,
                request.conf,
                user_name=request.user_name,
                pinned=pinned_dag(pinned),
                by_step=True,
            )
        except Conflict as error:
            newest = self._definitions.highest_revision()
            current = resolved_at(self._definitions, self._tasks, request.dag_id, newest)
            if error.code != UNVERSIONED or current.revision != pinned.revision:
                raise
            return self._start_newest(request)

    def _start_newest(self, request: RunRequest) -> StartedRun:
        """Make a run of what Airflow has loaded, once that is what the step has seen, or newer."""
        loading = Loading(self._definitions, self._tasks)
        wanted = loading.wanted(request.dag_id, request.revision)
        if wanted is None:
            message = f"There is no workflow {request.dag_id!r} at revision {request.revision}"
            raise NotFound(message, pointer=request.dag_id)
        version = loading.ready(wanted, paused_too=True).dag
        return start_run(
            request.dag_id, request.run_id, request.conf, user_name=request.user_name, version=version, by_step=True
        )

    def _give_up(self, request: RunRequest, error: Conflict | InvalidDefinition | Misuse | NotFound) -> None:
        """End the instance that was to run; the step that waits for it fails with that."""
        log.warning("No run of workflow %r at revision %s: %s", request.dag_id, request.revision, error)
        try:
            graph = graph_at(self._definitions, self._tasks, request.dag_id, request.revision)
        except (NotFound, Conflict):
            # Rows that were changed manually: there is no instance that could record it.
            log.exception("Workflow %r cannot be read at revision %s", request.dag_id, request.revision)
        else:
            session = InstanceSession(
                graph,
                request.revision,
                Run(request.dag_id, request.run_id, request.conf, request.user_name),
                instances=Instances(self._database),
                settings=self._settings,
                mask=self._mask,
            )
            failure = Failure(ErrorType.TASK_NOT_FOUND, error.message, code=error.code)
            session.change(lambda machine: machine.is_over or agree_failed(machine, failure, session.clock()))
        self._requests.done(request.id)
