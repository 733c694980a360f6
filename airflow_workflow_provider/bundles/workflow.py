"""The DAG bundle of the stored workflows; its versions are the revisions of the workflow database."""

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
from airflow_workflow_provider.bundles.files import OWN_FILES, NewestFiles, has_version_of, write_version
from airflow_workflow_provider.dag.maintenance import MAINTENANCE_FILE, MAINTENANCE_SOURCE
from airflow_workflow_provider.dag.source import write_if_changed
from airflow_workflow_provider.errors import Misuse, StoreUnavailable
from airflow_workflow_provider.instances.graphs import Resolved, resolve
from airflow_workflow_provider.model.bundle_versions import respelled
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.tasks import Tasks
from airflow_workflow_provider.vocabulary import MAINTENANCE_DAG

log = logging.getLogger(__name__)

REVISION: Final = "revision"
"""Name of the file that keeps the version of the files."""

READ_FIRST: Final = 50
"""Changed files that Airflow is asked to read before all others; more are read in its own order."""


class WorkflowDagBundle(BaseDagBundle):
    """Writes the DAG files of the stored workflows, and rewrites those that change.

    The oldest 256 workflows have a file each; more are divided into files of several (see
    :mod:`airflow_workflow_provider.dag.grouped`). The bundle's version is the highest revision of the database. A run
    keeps the version that it started with; on a worker only the DAG that is run is written. While the database cannot
    be reached the last files stay.

    :param conn_id: Airflow connection of the workflow database; default ``[workflows] conn_id``
    :param refresh_interval: seconds between two checks for changes; default ``[workflows] refresh_interval``
    """

    supports_versioning = True

    def __init__(self, *, conn_id: str | None = None, refresh_interval: int | None = None, **kwargs: Any) -> None:
        # Constructed in many processes, so nothing is read or written here.
        settings = load_settings()
        super().__init__(refresh_interval=refresh_interval or settings.refresh_interval, **kwargs)
        self._settings = settings
        self._conn_id = conn_id
        self._head = settings.bundle_folder or self.base_dir / "head"
        self._files = NewestFiles(self._head)
        self._version: str | None = None
        self._listed: frozenset[str] = frozenset()
        self._unreachable = False
        self._opened: Database | None = None

    @property
    def path(self) -> Path:
        """The folder of the DAG files."""
        return self.versions_dir / self.version if self.version else self._head

    def initialize(self) -> None:
        """Write the needed files: for a version those of the DAG being parsed, else the current ones of all DAGs.

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
                write_version(self.path, found)
        else:
            with self.lock():
                self.path.mkdir(parents=True, exist_ok=True)
                self._write_maintenance()
                self._refresh(whole=True)
                self._listed = self._files.own()
        super().initialize()

    def get_current_version(self) -> BundleVersion:
        """Return the revision that the files are of, see :mod:`airflow_workflow_provider.model.bundle_versions`."""
        return BundleVersion(self.version or self._known_version() or "0", None)

    def refresh(self) -> None:
        """Rewrite the files of workflows that have changed since the last refresh."""
        if self.version:
            return
        began = time.monotonic()
        with self.lock():
            version = self._known_version()
            self._refresh(whole=False)
            self._list_again(version)
        metrics.timing(metrics.BUNDLE_REFRESH, timedelta(seconds=time.monotonic() - began))

    def view_url_template(self) -> str | None:
        """Return no URL: Airflow's own pages show the definitions."""
        return self._view_url_template

    def _refresh(self, *, whole: bool) -> None:
        version = self._known_version()
        known = None if version is None else int(version)
        try:
            database = self._kept_open()
            newest = Definitions(database).highest_revision()
            if known == newest and not whole:
                return
            # Older than the files after the restore of a backup: what was published since is not known any more.
            whole = whole or (known or 0) > newest
            found = self._changed(database, None if whole or known is None else known, newest)
            oldest = Definitions(database).names(OWN_FILES)
        except (StoreUnavailable, Misuse) as error:
            if not self._unreachable:
                log.warning("Workflows stay as they were at revision %s: %s", known, error.message)
            self._unreachable = True
            return
        self._unreachable = False
        changed = self._files.write(found, oldest, everything=whole)
        if changed and not whole and len(changed) <= READ_FIRST:
            # Not where a task imports this: it reads one DAG, and has no access to Airflow's database.
            from airflow_workflow_provider.airflow_db.parsing import read_first

            # Airflow looks for changed files only when it has read all that it has begun with.
            read_first(self.name, changed)
        if known != newest:
            self._set_version(str(newest))

    def _list_again(self, before: str | None) -> None:
        """Have Airflow look for files where a workflow got one of its own, because it could not be built in a group.

        :param before: the version before this look; where it is another one now, Airflow looks for files anyway
        """
        own = self._files.own()
        if own != self._listed and before is not None and self._known_version() == before:
            self._set_version(respelled(before))
        self._listed = own

    def _changed(self, database: Database, known: int | None, newest: int) -> Iterable[Resolved]:
        """Return what was published after a revision; all of it where a task was, which any workflow may name."""
        tasks, definitions = Tasks(database).at_revision(newest), Definitions(database)
        if known is None or any(task.revision > known for task in tasks):
            return resolve(definitions.at_revision(newest), tasks, definitions.schedules(newest))
        # What is published between these reads belongs to the next refresh: a run keeps the bundle's version, and a
        # worker would not find in that version what was published after it.
        changed = [found for found in definitions.changed_since(known) if found.revision <= newest]
        return resolve(changed, tasks, definitions.schedules(newest) if changed else None)

    def _write_maintenance(self) -> None:
        """Write the DAG that goes with the workflows, or take it away; it needs no database."""
        file = self.path / MAINTENANCE_FILE
        if self._settings.maintenance_schedule:
            write_if_changed(file, MAINTENANCE_SOURCE)
        else:
            file.unlink(missing_ok=True)

    def _missing(self, revision: int, dag_id: str | None) -> Iterable[Resolved]:
        """Return what a version holds, of one DAG or all; nothing where its file is here already."""
        if dag_id == MAINTENANCE_DAG or (dag_id is not None and has_version_of(self.path, dag_id)):
            # What a revision holds never changes.
            return ()
        with self._database(retry_for=self._settings.retry_for) as database:
            tasks = Tasks(database).at_revision(revision)
            definitions = Definitions(database).at_revision(revision, dag_id)
        return resolve(definitions, tasks)

    def _known_version(self) -> str | None:
        """Return the version of the files; a process that starts reads what the one before it left."""
        if self._version is None:
            try:
                text = (self._head / REVISION).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                return None
            self._version = text if text.isdecimal() else None
        return self._version

    def _set_version(self, version: str) -> None:
        write_if_changed(self._head / REVISION, version)
        self._version = version

    def _kept_open(self) -> Database:
        """Return the database with the connection of the look before, unless it is to be reached otherwise now."""
        database = self._database()
        if self._opened is not None and self._opened.url == database.url:
            return self._opened
        if self._opened is not None:
            self._opened.close()
        self._opened = database
        return database

    def _database(self, *, retry_for: float = 0) -> Database:
        settings = self._settings
        if self._conn_id is not None:
            from dataclasses import replace

            settings = replace(settings, conn_id=self._conn_id)
        return Database.configured(settings, retry_for=retry_for)
