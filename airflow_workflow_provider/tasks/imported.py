"""Checks the result of an import in the same way as ``validate``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from airflow_workflow_provider.importing.dialects import convert
from airflow_workflow_provider.importing.report import Conversion, Entry
from airflow_workflow_provider.model.reach import Policy
from airflow_workflow_provider.tasks.catalogue import Catalogue
from airflow_workflow_provider.tasks.documents import Checked, check

if TYPE_CHECKING:
    from airflow_workflow_provider.model.diagnostics import Diagnostic


SUFFIXES = (".json", ".yaml", ".yml", ".asl", ".sw")
"""Endings of files that are not part of a workflow's name."""


@dataclass(frozen=True)
class Source:
    """One file to import.

    :param name: what it is called in the report
    :param content: JSON or YAML
    :param stem: what its definition is named after
    """

    name: str
    content: bytes
    stem: str


@dataclass
class Imported:
    """What became of one source.

    :param source: its name
    :param conversion: the definitions, the tasks and the entries of the report
    :param diagnostics: what ``validate`` finds in them, by workflow or task id
    """

    source: str
    conversion: Conversion
    diagnostics: list[tuple[str, Diagnostic]]

    @property
    def valid(self) -> bool:
        """Whether there is a definition, and no error in it."""
        return bool(self.conversion.workflows) and all(found.severity != "error" for _, found in self.diagnostics)

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do."""
        counts = self.conversion.counts
        return self.valid and not counts["todo"] and not counts["refused"]

    def as_json(self) -> dict[str, Any]:
        """Its form in ``--format json`` and in the API."""
        return {
            "source": self.source,
            "valid": self.valid,
            "complete": self.complete,
            "workflows": [each["workflowId"] for each in self.conversion.workflows],
            "tasks": sorted(self.conversion.tasks),
            "counts": self.conversion.counts,
            "entries": [each.as_json() for each in self.conversion.entries],
            "diagnostics": [{"document": name, **found.as_json()} for name, found in self.diagnostics],
        }


def stem_of(file: str) -> str:
    """Return what the definition of a file is named after: its name without folders and endings."""
    name = PurePath(file).name or file
    while name.lower().endswith(SUFFIXES) and PurePath(name).stem:
        name = PurePath(name).stem
    return name


def import_all(dialect: str, sources: Iterable[Source]) -> list[Imported]:
    """Convert sources and check what they become, each with the tasks and workflows of all.

    :param dialect: a key of :data:`~airflow_workflow_provider.importing.dialects.DIALECTS`
    """
    given = list(sources)
    found = [Imported(each.name, convert(dialect, each.content, each.stem), []) for each in given]
    _refuse_repeated(found)
    for each in found:
        _check(each)
    return found


def _refuse_repeated(found: list[Imported]) -> None:
    """Two sources must not become one definition: the later one would replace the earlier."""
    first: dict[str, str] = {}
    for each in found:
        for document in each.conversion.workflows:
            # Names that differ in case only are one file on some systems.
            known = first.setdefault(document["workflowId"].casefold(), each.source)
            if known is not each.source or each.conversion.workflows.count(document) > 1:
                message = f"{known} becomes the workflow {document['workflowId']!r} too: rename one of them"
                each.conversion.entries.append(Entry("refused", "Document", "", None, message))


def _check(imported: Imported) -> None:
    conversion = imported.conversion
    tasks = [Checked(task_id, document) for task_id, document in conversion.tasks.items()]
    workflows = [Checked(document["workflowId"], document) for document in conversion.workflows]
    for each in check([*tasks, *workflows], Catalogue(), Policy()):
        imported.diagnostics += ((each.file, found) for found in each.diagnostics)
    for task in tasks:
        imported.diagnostics += ((task.file, found) for found in task.diagnostics)
