"""Files with workflow and task definitions: found, read, classified and checked together."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_workflow_provider.errors import InvalidDefinition, Misuse
from airflow_workflow_provider.model.reach import Policy
from airflow_workflow_provider.tasks.catalogue import Catalogue
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.model.diagnostics import Diagnostic
    from airflow_workflow_provider.model.environment import Values
    from airflow_workflow_provider.model.task import TaskDefinition

STANDARD_INPUT = "-"
COMPANIONS = (".input.json", ".mocks.json", ".scenario.json", ".env.json")
"""Files beside a definition that belong to it and are none."""

TASK_FOLDER = "tasks"


@dataclass
class Checked:
    """A file and what the checks found in it.

    :param file: its name, as the user gave it
    :param document: the JSON document, if it is one
    :param source: the text of the document
    :param diagnostics: all findings
    :param model: the workflow or task definition, if it is valid
    """

    file: str
    document: Any = None
    source: str | None = field(default=None, repr=False)
    diagnostics: tuple[Diagnostic, ...] = ()
    model: Any = field(default=None, repr=False)

    @property
    def valid(self) -> bool:
        """Whether there is no error among the findings."""
        return all(found.severity != "error" for found in self.diagnostics)

    @property
    def is_task(self) -> bool:
        """Whether the document is a task definition; what is neither is treated as a workflow definition."""
        return isinstance(self.document, dict) and "taskId" in self.document and "workflowId" not in self.document

    @property
    def name(self) -> str | None:
        """The workflow's or task's id, if it has one."""
        found = (
            self.document.get("taskId" if self.is_task else "workflowId") if isinstance(self.document, dict) else None
        )
        return found if isinstance(found, str) else None

    def as_json(self) -> dict[str, Any]:
        """What ``validate --output json`` prints."""
        return {
            "file": self.file,
            "valid": self.valid,
            "diagnostics": [found.as_json() for found in self.diagnostics],
        }


def read_bytes(file: str) -> bytes:
    """Return what is in a file, or in standard input for ``-``.

    :raises Misuse: it cannot be read
    """
    try:
        return sys.stdin.buffer.read() if file == STANDARD_INPUT else Path(file).read_bytes()
    except (OSError, ValueError) as error:
        message = f"Cannot read {file!r}: {getattr(error, 'strerror', None) or error}"
        raise Misuse(message, code=ProblemCode.CANNOT_READ) from error


def is_companion(file: str) -> bool:
    """Return whether a file is an input or mocks by its name."""
    return file.endswith(COMPANIONS)


def expand(paths: Iterable[str]) -> Iterator[str]:
    """Yield files, and the JSON files of folders and the folders in them, each once, without inputs and mocks.

    :raises Misuse: a path does not exist
    """
    seen: set[str] = set()
    for path in paths:
        place = Path(path)
        if path != STANDARD_INPUT and not place.exists():
            message = f"There is no file or folder {path!r}"
            raise Misuse(message, code=ProblemCode.CANNOT_READ)
        inside = (str(file) for file in sorted(place.rglob("*.json")) if not is_companion(file.name))
        for file in inside if place.is_dir() else (path,):
            if file not in seen:
                seen.add(file)
                yield file


def load(file: str, values: Values | None = None) -> Checked:
    """Read a document; what is wrong with its text is among the findings.

    :param values: of the environment; None: placeholders stay
    """
    from airflow_workflow_provider.model.environment import resolved
    from airflow_workflow_provider.model.json_text import decoded, loads_document

    try:
        content = read_bytes(file)
        document, text = loads_document(content), decoded(content)
        changed = text if values is None else resolved(text, values)
        return Checked(file, document if changed is text else loads_document(changed), changed)
    except InvalidDefinition as error:
        return Checked(file, diagnostics=error.diagnostics)


def check(
    files: Iterable[Checked],
    catalogue: Catalogue,
    policy: Policy,
    *,
    versions: Callable[[str], Collection[str]] | None = None,
    knows: Callable[[str, str], bool | None] | None = None,
) -> Iterator[Checked]:
    """Check loaded documents, task definitions first, so that the workflows of the same call may use them.

    :param versions: gives the versions of a workflow that are stored; those of the files count too
    :param knows: returns whether there is a ``user``, ``role`` or ``group``; None: people are not checked
    """
    from airflow_workflow_provider.model.validate import validate_document, validate_task

    loaded = list(files)
    tasks: dict[str, TaskDefinition] = {}
    for each in loaded:
        if each.is_task and not each.diagnostics:
            result = validate_task(each.document, policy=policy, catalogue=catalogue)
            each.diagnostics, each.model = result.diagnostics, result.definition
            if each.valid and each.model is not None:
                tasks[each.model.task_id] = each.model
    catalogue = catalogue.with_tasks(tasks)
    given = {(each.name, each.document.get("version")) for each in loaded if each.name is not None and not each.is_task}
    known = None if versions is None else lambda name: {*versions(name), *(v for n, v in given if n == name)}
    for each in loaded:
        if not each.is_task and not each.diagnostics:
            checked = validate_document(each.document, catalogue, policy=policy, versions=known, knows=knows)
            each.diagnostics, each.model = checked.diagnostics, checked.definition
        yield each


def load_tasks(
    paths: Sequence[str],
    files: Iterable[str] = (),
    *,
    policy: Policy | None = None,
    values: Values | None = None,
) -> tuple[Catalogue, list[Checked]]:
    """Return the catalogue of the task definitions in files and folders, and those documents that are invalid.

    :param paths: files or folders; without any, the folders ``tasks`` beside ``files`` are taken
    :param files: definitions that will use the tasks
    :param policy: what authors may reach
    :param values: of the environment
    :raises Misuse: a path does not exist or cannot be read
    """

    if not paths:
        beside = (Path(file).parent / TASK_FOLDER for file in files if file != STANDARD_INPUT)
        paths = [str(folder) for folder in dict.fromkeys(beside) if folder.is_dir()]
    loaded = [each for each in (load(file, values) for file in expand(paths)) if each.is_task or each.diagnostics]
    checked = list(check(loaded, Catalogue(), policy or Policy()))
    tasks = {each.model.task_id: each.model for each in checked if each.valid and each.model is not None}
    return Catalogue(tasks), [each for each in checked if not each.valid]
