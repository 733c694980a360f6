"""Which version of a workflow a start runs: what was published before it, never an older one (rule I6).

Airflow loads a version some seconds after its publication. Until then it would run the one before, and say nothing.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.airflow_db.dag_runs import LoadedVersion, failed_to_load, import_error, loaded_version
from airflow_workflow_provider.airflow_db.dag_versions import NOT_LOADED, not_loaded
from airflow_workflow_provider.dag.builder import VERSION_TAG
from airflow_workflow_provider.dag.source import file_name
from airflow_workflow_provider.errors import Conflict, NotFound
from airflow_workflow_provider.instances.graphs import resolve, resolve_version, stored_at
from airflow_workflow_provider.model.bundle_versions import revision_in
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.store.definitions import Definitions
    from airflow_workflow_provider.store.tasks import Tasks

UNPUBLISHED: Final = ProblemCode.REVISION_NOT_PUBLISHED
"""Code of the conflict that a revision was asked for which nobody has published."""

POLL: Final = 0.25
"""Seconds between two looks at what Airflow has loaded."""

MAX_WAITING: Final = 8
"""Starts of one process that wait at a time: each occupies a thread that answers requests. Others are refused."""

_waiting: Final = threading.BoundedSemaphore(MAX_WAITING)


@dataclass(frozen=True)
class Wanted:
    """The version that a start asks for; a newer one will do.

    :param revision: the newest revision among the definition and the tasks that it names
    :param version: the definition's
    :param published_at: when that revision was published
    """

    workflow_id: str
    revision: int
    version: str
    published_at: datetime


@dataclass(frozen=True)
class Loaded:
    """The version that Airflow would run now.

    :param revision: as of :class:`Wanted`
    :param dag: what it is in Airflow
    """

    revision: int
    dag: LoadedVersion


@dataclass(frozen=True)
class Loading:
    """Compares what is published with what Airflow has loaded."""

    definitions: Definitions
    tasks: Tasks

    def wanted(self, workflow_id: str, at: int | None = None) -> Wanted | None:
        """Return a workflow as it was at a revision of the database, by default now; null where it was not there.

        :raises Conflict: ``revision-not-published``: nothing was published as that revision yet
        """
        newest = self.definitions.highest_revision()
        if at is not None and at > newest:
            message = f"Revision {at} is not published; the newest one is {newest}"
            raise Conflict(message, code=UNPUBLISHED, suggestion="publish first, or ask for a lower revision")
        revision = newest if at is None else at
        definitions, tasks = stored_at(self.definitions, self.tasks, workflow_id, revision)
        for found in resolve(definitions, tasks):
            times = {each.revision: each.created_at for each in definitions}
            times |= {each.revision: each.created_at for each in tasks}
            return Wanted(workflow_id, found.revision, definitions[0].version, times[found.revision])
        return None

    def loaded(self, workflow_id: str, *, paused_too: bool = False) -> Loaded:
        """Return the version of a workflow that Airflow would run now.

        :raises Conflict: Airflow cannot start it: it does not know the DAG yet, could not read it, or it is paused
        """
        return self._of(workflow_id, loaded_version(workflow_id, paused_too=paused_too))

    def ready(self, wanted: Wanted, *, paused_too: bool = False) -> Loaded:
        """Return the version that Airflow would run now, where that is the wanted one or a newer one.

        :raises Conflict: ``workflow-not-loaded``: it is an older one; else as :meth:`loaded`
        """
        try:
            found = self.loaded(wanted.workflow_id, paused_too=paused_too)
        except Conflict as error:
            if error.code == NOT_LOADED:
                self._refuse_broken(wanted)
            raise
        if found.revision < wanted.revision:
            self._refuse_broken(wanted)
            message = f"Airflow has not loaded version {wanted.version} of workflow {wanted.workflow_id!r} yet"
            suggestion = "it takes some seconds after publishing; try again, or accept an older one with minRevision"
            raise Conflict(message, code=NOT_LOADED, suggestion=suggestion)
        return found

    def wait(self, wanted: Wanted, patience: timedelta) -> Loaded:
        """Wait until Airflow has loaded the wanted version or a newer one, and return what it would run then.

        :param patience: how long at most
        :raises Conflict: as :meth:`ready`, after that time; at once where waiting does not help
        """
        try:
            return self.ready(wanted)
        except Conflict as error:
            if error.code != NOT_LOADED or not _waiting.acquire(blocking=False):
                raise
        try:
            return self._wait(wanted, time.monotonic() + patience.total_seconds())
        finally:
            _waiting.release()

    def _wait(self, wanted: Wanted, until: float) -> Loaded:
        while True:
            try:
                return self.ready(wanted)
            except Conflict as error:
                if error.code != NOT_LOADED or time.monotonic() + POLL > until:
                    raise
            time.sleep(POLL)

    def _of(self, workflow_id: str, dag: LoadedVersion) -> Loaded:
        if dag.bundle_version is not None:
            return Loaded(revision_of(self.definitions, self.tasks, workflow_id, dag.bundle_version), dag)
        version = next((tag.removeprefix(VERSION_TAG) for tag in dag.tags if tag.startswith(VERSION_TAG)), "")
        try:
            found = resolve_version(self.definitions, self.tasks, workflow_id, version)
        except NotFound:
            raise not_loaded(workflow_id) from None
        return Loaded(found.revision, dag)

    @staticmethod
    def _refuse_broken(wanted: Wanted) -> None:
        if failed_to_load(wanted.workflow_id, file_name(wanted.workflow_id), wanted.revision, wanted.published_at):
            raise import_error(wanted.workflow_id)


def revision_of(definitions: Definitions, tasks: Tasks, workflow_id: str, bundle_version: str | None) -> int:
    """Return the revision of a workflow that a DAG of a bundle version has; without a versioned bundle the newest."""
    known = revision_in(bundle_version)
    newest = definitions.highest_revision() if known is None else known
    found = resolve(*stored_at(definitions, tasks, workflow_id, newest))
    for resolved in found:
        return resolved.revision
    return definitions.head(workflow_id).revision
