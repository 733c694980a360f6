"""The DAG bundle of the stored workflows: one small file each, versions by revision of the workflow database."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from airflow.dag_processing.bundles.base import BaseDagBundle, BundleVersion
from airflow.sdk import get_parsing_context

from airflow_workflow_provider import metrics
from airflow_workflow_provider.dag.maintenance import MAINTENANCE_DAG, MAINTENANCE_FILE, MAINTENANCE_SOURCE
from airflow_workflow_provider.dag.source import PREFIX, dag_source, file_name, write_if_changed
from airflow_workflow_provider.errors import Misuse, StoreUnavailable
from airflow_workflow_provider.instances.graphs import Resolved, resolve
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.tasks import Tasks

log = logging.getLogger(__name__)

REVISION: Final = "revision"
"""Name of the file that keeps which revision the files are of."""


class WorkflowDagBundle(BaseDagBundle):
    """Writes the DAG file of every stored workflow, and rewrites those that change.

    The bundle's version is the highest revision of the database. A run keeps the version that it started with; on a
    worker only the file of the DAG that is run is written. While the database cannot be reached the last files stay.

    :param conn_id: Airflow connection of the workflow database; default ``[workflows] conn_id``
    :param refresh_interval: seconds between two looks; default ``[workflows] refresh_interval``
    """

    supports_versioning = True

    def __init__(self, *, conn_id: str | None = None, refresh_interval: int | None = None, **kwargs: Any) -> None:
        # Constructed in many processes, so nothing is read or written here.
        settings = load_settings()
        super().__init__(refresh_interval=refresh_interval or settings.refresh_interval, **kwargs)
        self._settings = settings
        self._conn_id = conn_id
        self._head = settings.bundle_folder or self.base_dir / "head"
        self._revision: int | None = None
        self._unreachable = False

    @property
    def path(self) -> Path:
        """The folder of the DAG files."""
        return self.versions_dir / self.version if self.version else self._head

    def initialize(self) -> None:
        """Write the files that are needed: of a version those of the DAG being parsed, else all as they are now.

        A task whose version is not here yet waits for the database for a while, and is then tried again by Airflow.

        :raises StoreUnavailable: the database cannot be reached, and the files of a version are not there yet
        """
        if self.version:
            # Waiting here must not keep the other tasks of this worker waiting, so it is not under the lock.
            dag_id = get_parsing_context().dag_id
            found = self._missing(int(self.version), dag_id)
            with self.lock():
                self.path.mkdir(parents=True, exist_ok=True)
                if dag_id in (None, MAINTENANCE_DAG):
                    # A run that has begun needs it, whatever is configured since.
                    write_if_changed(self.path / MAINTENANCE_FILE, MAINTENANCE_SOURCE)
                self._write(self.path, found)
        else:
            with self.lock():
                self.path.mkdir(parents=True, exist_ok=True)
                self._write_maintenance()
                self._refresh(whole=True)
        super().initialize()

    def get_current_version(self) -> BundleVersion:
        """Return the revision that the files are of."""
        if self.version:
            return BundleVersion(self.version, None)
        return BundleVersion(str(self._known_revision() or 0), None)

    def refresh(self) -> None:
        """Rewrite the files of workflows that have changed since the last look."""
        if self.version:
            return
        began = time.monotonic()
        with self.lock():
            self._refresh(whole=False)
        metrics.timing(metrics.BUNDLE_REFRESH, timedelta(seconds=time.monotonic() - began))

    def view_url_template(self) -> str | None:
        """Return no address: definitions are shown by Airflow itself."""
        return self._view_url_template

    def _refresh(self, *, whole: bool) -> None:
        known = self._known_revision()
        try:
            with self._database() as database:
                newest = Definitions(database).highest_revision()
                if known == newest and not whole:
                    return
                found = self._changed(database, None if whole or known is None else known, newest)
        except (StoreUnavailable, Misuse) as error:
            if not self._unreachable:
                log.warning("Workflows stay as they were at revision %s: %s", known, error.message)
            self._unreachable = True
            return
        self._unreachable = False
        names = self._write(self._head, found)
        if whole:
            self._remove_others(names)
        write_if_changed(self._head / REVISION, str(newest))
        self._revision = newest

    def _changed(self, database: Database, known: int | None, newest: int) -> Iterable[Resolved]:
        """Return what was published after a revision; all of it where a task was, which any workflow may name."""
        tasks = Tasks(database).at_revision(newest)
        if known is None or any(task.revision > known for task in tasks):
            return resolve(Definitions(database).at_revision(newest), tasks)
        # What is published between these reads belongs to the next look: a run keeps the bundle's version, and a worker
        # would not find in that version what was published after it.
        changed = Definitions(database).changed_since(known)
        return resolve([found for found in changed if found.revision <= newest], tasks)

    def _write_maintenance(self) -> None:
        """Write the DAG that goes with the workflows, or take it away; it needs no database."""
        file = self.path / MAINTENANCE_FILE
        if self._settings.maintenance_schedule:
            write_if_changed(file, MAINTENANCE_SOURCE)
        else:
            file.unlink(missing_ok=True)

    def _missing(self, revision: int, dag_id: str | None) -> Iterable[Resolved]:
        """Return what a version holds, of one DAG or all; nothing where its file is here already."""
        if dag_id == MAINTENANCE_DAG or (dag_id is not None and (self.path / file_name(dag_id)).exists()):
            # What a revision holds never changes.
            return ()
        with self._database(retry_for=self._settings.retry_for) as database:
            tasks = Tasks(database).at_revision(revision)
            definitions = Definitions(database).at_revision(revision, dag_id)
        return resolve(definitions, tasks)

    def _write(self, folder: Path, found: Iterable[Resolved]) -> set[str]:
        names = set()
        for each in found:
            names.add(file_name(each.workflow_id))
            text = dag_source(each.document, each.tasks, each.revision, each.grants, dag_shape=each.dag_shape)
            if write_if_changed(folder / file_name(each.workflow_id), text):
                log.info("Workflow %r is now revision %s", each.workflow_id, each.revision)
        return names

    def _remove_others(self, names: set[str]) -> None:
        for file in self._head.glob(f"{PREFIX}*.py"):
            if file.name not in names:
                file.unlink(missing_ok=True)

    def _known_revision(self) -> int | None:
        """Return the revision of the files; a process that starts reads what the one before it left."""
        if self._revision is None:
            try:
                self._revision = int((self._head / REVISION).read_text(encoding="utf-8"))
            except (OSError, ValueError):
                return None
        return self._revision

    def _database(self, *, retry_for: float = 0) -> Database:
        settings = self._settings
        if self._conn_id is not None:
            from dataclasses import replace

            settings = replace(settings, conn_id=self._conn_id)
        return Database.configured(settings, retry_for=retry_for)
