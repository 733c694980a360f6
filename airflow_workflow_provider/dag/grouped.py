"""DAG files with several workflows each, for a bundle of many.

Airflow starts a process and a transaction for each file, so thousands of files take long. A group is the workflows
whose ids have the same hash: the file ``workflows-1f0.py`` builds the definitions in ``@definitions/1f0``, one JSON
file a workflow. A task reads only its own. The file itself contains no definition, because Airflow shows it to every
user who may see one of its workflows.

What is wrong with one definition concerns that one only: it gets a file of its own, which fails under its own name.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

from airflow.sdk import get_parsing_context

from airflow_workflow_provider.airflow_internals.loading import check_loadable
from airflow_workflow_provider.bounded.inside import Inside
from airflow_workflow_provider.bounded.limits import Limits
from airflow_workflow_provider.dag.source import dag_from, dag_source, file_name, write_if_changed
from airflow_workflow_provider.settings import load_settings

if TYPE_CHECKING:
    from airflow.sdk import DAG

    from airflow_workflow_provider.instances.graphs import Resolved
    from airflow_workflow_provider.settings import Settings

log = logging.getLogger(__name__)

GROUPS: Final = 512
"""Into how many files workflows are divided; with 10,000 a file has 20, and a changed one is read with 19 others."""

GROUP_PREFIX: Final = "workflows-"
ENTRIES: Final = "@definitions"
"""The folder of the definitions. No workflow's file can have an ``@`` in its name."""

IGNORED: Final = f"{ENTRIES}\n"
"""What ``.airflowignore`` says, in either of its syntaxes: Airflow would look into each file there."""

_BUILDING: Final = "building"
_LOCK: Final = ".lock"
_LONGEST_NAME: Final = 300
"""Bytes of a note: a file name has 255 at most."""

GROUP_SOURCE: Final = """\
# Airflow DAGs, generated from workflow definitions. Do not change this file: publish definitions instead.
# A workflow's definition is on the tab "Workflow" of its DAG.
from airflow_workflow_provider.dag.grouped import dags_in

globals().update(dags_in(__file__))
"""


def group_of(workflow_id: str) -> str:
    """Return the name of a workflow's group."""
    return f"{int.from_bytes(sha256(workflow_id.encode()).digest()[:4], 'big') % GROUPS:03x}"


def group_file(workflow_id: str) -> str:
    """Return the name of the file of a workflow's group."""
    return f"{GROUP_PREFIX}{group_of(workflow_id)}.py"


def entry_path(folder: Path, workflow_id: str) -> Path:
    """Return the path of a workflow's definition."""
    return folder / ENTRIES / group_of(workflow_id) / f"{quote(workflow_id, safe='')}.json"


def entry_text(found: Resolved) -> str:
    """Return the text of that file; the same for the same content."""
    entry = {
        "revision": found.revision,
        "definition": found.document,
        "tasks": list(found.tasks),
        "grants": found.grants,
        "dagShape": found.dag_shape,
        "since": found.since,
    }
    return json.dumps(entry, separators=(",", ":"))


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one process at a time decide which file a workflow is in."""
    with (folder / _LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def dags_in(file: str) -> dict[str, DAG]:
    """Return the DAGs of a group, by the names that they have in its file; in the process of a task only its own.

    :param file: ``__file__`` of the group
    """
    folder, only = Path(file).parent, get_parsing_context().dag_id
    if only is not None:
        entry = entry_path(folder, only)
        return {"dag": _built(entry.read_text(encoding="utf-8"), load_settings())} if entry.exists() else {}
    return _Group(folder, Path(file).stem.removeprefix(GROUP_PREFIX)).dags()


class _Group:
    """All workflows of a group, as the dag-processor reads them."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._entries = folder / ENTRIES / name
        self._building = self._entries / _BUILDING
        self._settings = load_settings()
        self._inside = Inside(Limits.configured(self._settings))

    def dags(self) -> dict[str, DAG]:
        self._settle()
        found: dict[str, DAG] = {}
        with self._notes() as note:
            for entry in sorted(self._entries.glob("*.json")):
                try:
                    text = entry.read_text(encoding="utf-8")
                except FileNotFoundError:
                    continue
                note(entry)
                try:
                    found[f"dag_{len(found)}"] = self._built(text)
                except Exception:  # whatever is wrong with one definition concerns that one only
                    log.exception("Workflow %r gets a file of its own, which fails", _id_of(entry))
                    _isolate(self._folder, entry, text)
        return found

    def _built(self, text: str) -> DAG:
        return self._inside.within(lambda: _checked(text, self._settings))

    @contextmanager
    def _notes(self) -> Iterator[Callable[[Path], None]]:
        """Give a function that writes down what is built now, for the process after this one."""
        try:
            descriptor = os.open(self._building, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        except OSError:
            # Nothing can be written here, so nothing can be moved into a file of its own either.
            yield lambda _: None
            return

        def note(entry: Path) -> None:
            with suppress(OSError):
                os.pwrite(descriptor, f"{os.getpid()} {entry.name}\n{' ' * _LONGEST_NAME}"[:_LONGEST_NAME].encode(), 0)

        try:
            yield note
        finally:
            os.close(descriptor)
            self._building.unlink(missing_ok=True)

    def _settle(self) -> None:
        """Give a file of its own to the workflow at which the process before this one died."""
        try:
            pid, _, name = self._building.read_text(encoding="utf-8").partition("\n")[0].partition(" ")
            entry = self._entries / Path(name).name
            text = entry.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return
        if not (pid.isdecimal() and Path(f"/proc/{pid}").exists()):
            log.warning("A process ended while it built workflow %r, which gets a file of its own", _id_of(entry))
            _isolate(self._folder, entry, text)


def _isolate(folder: Path, entry: Path, text: str) -> None:
    """Move a workflow into a file of its own, unless it has been published again meanwhile."""
    try:
        with locked(folder):
            if entry.read_text(encoding="utf-8") != text:
                return
            given = _read(text)
            source = dag_source(
                given["definition"],
                given["tasks"],
                given["revision"],
                given["grants"],
                dag_shape=given["dagShape"],
                since=given["since"],
            )
            write_if_changed(folder / file_name(_id_of(entry)), source)
            entry.unlink()
    except OSError:
        log.exception("Workflow %r has no file of its own", _id_of(entry))


def _checked(text: str, settings: Settings) -> DAG:
    dag = _built(text, settings)
    check_loadable(dag, lambda: _built(text, settings))
    return dag


def _built(text: str, settings: Settings) -> DAG:
    given = _read(text)
    return dag_from(
        given["definition"],
        given["tasks"],
        revision=given["revision"],
        grants=given["grants"],
        shape=given["dagShape"],
        settings=settings,
        since=given["since"],
    )


def _read(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def _id_of(entry: Path) -> str:
    return unquote(entry.stem)
