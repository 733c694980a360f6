"""Which file each workflow is in, in the folder of the newest definitions."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.dag.grouped import (
    ENTRIES,
    GROUP_PREFIX,
    GROUP_SOURCE,
    IGNORED,
    entry_path,
    entry_text,
    group_file,
    locked,
)
from airflow_workflow_provider.dag.source import PREFIX, dag_source, file_name, write_if_changed

if TYPE_CHECKING:
    from airflow_workflow_provider.instances.graphs import Resolved

log = logging.getLogger(__name__)

OWN_FILES: Final = 256
"""So many workflows, the oldest ones, have a file each; those after them are in the files of groups."""

AHEAD: Final = 1.0
"""Seconds by which a changed file is newer than now. Airflow does not see a change of a file while it reads it."""


def write_version(folder: Path, found: Iterable[Resolved]) -> None:
    """Write the files of an older version.

    Airflow asks for a file by the name that it has in the newest version, so both are there.
    """
    for each in found:
        entry = entry_path(folder, each.workflow_id)
        entry.parent.mkdir(parents=True, exist_ok=True)
        write_if_changed(entry, entry_text(each))
        write_if_changed(folder / group_file(each.workflow_id), GROUP_SOURCE)
        write_if_changed(folder / file_name(each.workflow_id), _source(each))


def has_version_of(folder: Path, workflow_id: str) -> bool:
    """Return whether :func:`write_version` has written a workflow."""
    names = (folder / file_name(workflow_id), folder / group_file(workflow_id), entry_path(folder, workflow_id))
    return all(path.exists() for path in names)


class NewestFiles:
    """The files of the newest definitions.

    Which file a workflow is in follows from what is stored, so that all dag-processors agree. It hardly ever changes:
    Airflow considers a DAG deleted if its file no longer exists, until it has read the other one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def own(self) -> frozenset[str]:
        """Return the names of the files that hold one workflow."""
        return frozenset(self._named(PREFIX))

    def write(self, found: Iterable[Resolved], oldest: Collection[str], *, everything: bool) -> list[str]:
        """Write workflows where they are, or are to be, and return the names of the DAG files that changed.

        :param oldest: ids of the workflows that have a file each
        :param everything: these are all; files of others are removed
        """
        with locked(self._folder):
            # A file of an earlier release is no sign that its workflow could not be built in a group.
            isolated = self.own() if (self._folder / ENTRIES).exists() else frozenset()
            write_if_changed(self._folder / ".airflowignore", IGNORED)
            kept: set[Path] = set()
            rewritten: set[str] = set()
            for each in found:
                path, changed = self._written(each, has_own=each.workflow_id in oldest, isolated=isolated)
                kept.add(path)
                if changed:
                    log.info("Workflow %r is now revision %s", each.workflow_id, each.revision)
                    rewritten.add(_dag_file(path))
            for name in rewritten:
                if name.startswith(GROUP_PREFIX):
                    _write(self._folder / name, GROUP_SOURCE, always=True)
            if everything:
                self._remove_all_but(kept)
        return sorted(rewritten)

    def _written(self, found: Resolved, *, has_own: bool, isolated: Collection[str]) -> tuple[Path, bool]:
        """Write a workflow; return where it is now, and whether it was changed or moved there."""
        own, entry = self._folder / file_name(found.workflow_id), entry_path(self._folder, found.workflow_id)
        # What could not be built stays alone until it is published again.
        if has_own or (own.name in isolated and own.read_text(encoding="utf-8") == _source(found)):
            changed = _write(own, _source(found))
            entry.unlink(missing_ok=True)
            return own, changed
        entry.parent.mkdir(parents=True, exist_ok=True)
        changed = write_if_changed(entry, entry_text(found))
        own.unlink(missing_ok=True)
        return entry, changed or not (self._folder / group_file(found.workflow_id)).exists()

    def _remove_all_but(self, kept: set[Path]) -> None:
        used = {_dag_file(path) for path in kept}
        for name in self._named(PREFIX):
            if self._folder / name not in kept:
                (self._folder / name).unlink(missing_ok=True)
        for entry in (self._folder / ENTRIES).glob("*/*.json"):
            if entry not in kept:
                entry.unlink(missing_ok=True)
        for name in self._named(GROUP_PREFIX):
            if name not in used:
                (self._folder / name).unlink(missing_ok=True)

    def _named(self, prefix: str) -> Iterator[str]:
        with os.scandir(self._folder) as listed:
            yield from (each.name for each in listed if each.name.startswith(prefix) and each.name.endswith(".py"))


def _dag_file(path: Path) -> str:
    """Return the name of the DAG file that a workflow written to a path is read with."""
    return f"{GROUP_PREFIX}{path.parent.name}.py" if path.suffix == ".json" else path.name


def _source(found: Resolved) -> str:
    return dag_source(
        found.document, found.tasks, found.revision, found.grants, dag_shape=found.dag_shape, since=found.since
    )


def _write(path: Path, text: str, *, always: bool = False) -> bool:
    """Write a DAG file, so that Airflow reads it even if it is reading it now; return whether it was written."""
    existed = path.exists()
    changed = write_if_changed(path, text)
    if existed and (changed or always):
        later = time.time() + AHEAD
        os.utime(path, (later, later))
    return changed or always
