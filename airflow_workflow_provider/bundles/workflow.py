"""The bundle that gives Airflow a DAG for each published definition."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from airflow.dag_processing.bundles.base import BaseDagBundle, BundleVersion
from airflow.sdk import get_parsing_context

from airflow_workflow_provider.bundles.files import file_name, file_text, write_file
from airflow_workflow_provider.errors import StoreUnavailable, WorkflowsError
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions, StoredDefinition
from airflow_workflow_provider.store.tasks import StoredTask, Tasks

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

VERSION_FILE: Final = ".revision"


class WorkflowDagBundle(BaseDagBundle):
    """One small DAG file a workflow, written from the workflow database.

    The version is the newest revision of definitions and tasks. A run keeps the version it was started with: workers
    write the file of that version, and only the one of the DAG that they run.

    :param name: the bundle's name
    :param refresh_interval: seconds between two looks for changes; default ``[workflows] refresh_interval``
    """

    supports_versioning = True

    def __init__(self, *, refresh_interval: int | None = None, **kwargs: Any) -> None:
        settings = load_settings()
        super().__init__(refresh_interval=refresh_interval or settings.refresh_interval, **kwargs)
        folder = settings.bundle_folder
        self._head = (folder / self.name if folder is not None else self.base_dir) / "head"
        self._revision: int | None = None

    @property
    def path(self) -> Path:
        """Where the files are: those of a version, or the newest."""
        return self._head if self.version is None else self.versions_dir / self.version

    def initialize(self) -> None:
        """Write the files.

        :raises StoreUnavailable: the files of a version are not here and the database is not reached
        """
        with self.lock():
            if self.version is None:
                self.refresh()
            else:
                self._write_version(int(self.version))
        super().initialize()

    def get_current_version(self) -> BundleVersion | None:
        """Return the revision that the files show; asks no database."""
        if self.version is not None:
            return BundleVersion(version=self.version)
        if self._revision is None:
            self._revision = self._read_revision()
        return None if self._revision is None else BundleVersion(version=str(self._revision))

    def refresh(self) -> None:
        """Write the files of what was published since the last look; keep the last files when that fails."""
        if self.version is not None:
            return
        with self.lock():
            self._head.mkdir(parents=True, exist_ok=True)
            try:
                self._write_head()
            except StoreUnavailable as error:
                log.warning("Workflows keep their last DAG files: %s", error.message)

    def _write_head(self) -> None:
        known = self._read_revision()
        with Database.configured(retry_for=0) as database:
            newest = Definitions(database).highest_revision()
            if newest == known:
                self._revision = newest
                return
            tasks = Tasks(database).at_revision(newest)
            # A task stands in the files of all workflows that use it.
            tasks_changed = known is None or any(task.revision > known for task in tasks)
            definitions = Definitions(database)
            changed = definitions.at_revision(newest) if tasks_changed else definitions.changed_since(known or 0)
        written = self._write(self._head, [found for found in changed if found.revision <= newest], tasks)
        write_file(self._head / VERSION_FILE, str(newest))
        self._revision = newest
        log.info("Workflows are at revision %s; %s DAG files changed", newest, written)

    def _write_version(self, revision: int) -> None:
        wanted = get_parsing_context().dag_id
        if wanted is not None and (self.path / file_name(wanted)).exists():
            return
        with Database.configured() as database:
            found = Definitions(database).at_revision(revision, wanted)
            tasks = Tasks(database).at_revision(revision)
        self.path.mkdir(parents=True, exist_ok=True)
        self._write(self.path, found, tasks)

    def _write(self, folder: Path, definitions: Iterable[StoredDefinition], tasks: Sequence[StoredTask]) -> int:
        by_id = {task.task_id: task.document for task in tasks}
        written = 0
        for stored in definitions:
            try:
                text = _text(stored, by_id)
                written += write_file(folder / file_name(stored.workflow_id), text)
            except (OSError, WorkflowsError, TypeError, ValueError):
                # One document that somebody broke in the database must not keep the others from being written.
                log.exception("The DAG file of workflow %r cannot be written", stored.workflow_id)
        return written

    def _read_revision(self) -> int | None:
        try:
            return int((self._head / VERSION_FILE).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None


def _text(stored: StoredDefinition, tasks: Mapping[str, dict[str, Any]]) -> str:
    named = [tasks[task_id] for task_id in sorted(_task_ids(stored.document)) if task_id in tasks]
    return file_text(stored.workflow_id, stored.revision, stored.document, named)


def _task_ids(value: Any) -> set[str]:
    """Return every ``taskId`` in a document, however broken the document is."""
    if isinstance(value, dict):
        own = {value["taskId"]} if isinstance(value.get("taskId"), str) else set()
        return own.union(*(_task_ids(item) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(_task_ids(item) for item in value))
    return set()
