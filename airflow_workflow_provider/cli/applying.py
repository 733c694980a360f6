"""``apply``: store workflow and task definitions, the good ones of many."""

from __future__ import annotations

import getpass
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from semver import Version

from airflow_workflow_provider.cli.access import open_database
from airflow_workflow_provider.cli.airflow_side import AirflowSide, airflow_is_configured
from airflow_workflow_provider.cli.console import note, print_diagnostics, print_json, print_table, progress
from airflow_workflow_provider.cli.main import FAILED, FINE
from airflow_workflow_provider.errors import Conflict, InvalidDefinition, Misuse, WorkflowsError
from airflow_workflow_provider.model.diagnostics import Diagnostic
from airflow_workflow_provider.model.reach import Policy
from airflow_workflow_provider.operations.publishing import Publishing
from airflow_workflow_provider.people.directory import Directory
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.tasks import Tasks
from airflow_workflow_provider.tasks.documents import Checked, check, expand, load
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database
    from airflow_workflow_provider.tasks.catalogue import Catalogue

MESSAGES = {"created": "new", "updated": "changed", "unchanged": "as it was", "rejected": "rejected"}


@dataclass
class Applied:
    """What became of one document.

    :param outcome: ``created``, ``updated``, ``unchanged`` or ``rejected``
    :param revision: the head's revision afterwards, null where it was rejected
    """

    checked: Checked
    outcome: str
    revision: int | None = None

    def as_json(self) -> dict[str, Any]:
        """What ``--output json`` prints of it."""
        return {
            "file": self.checked.file,
            "kind": "task" if self.checked.is_task else "workflow",
            "id": self.checked.name,
            "version": self._version,
            "outcome": self.outcome,
            "revision": self.revision,
            "diagnostics": [found.as_json() for found in self.checked.diagnostics],
        }

    @property
    def row(self) -> tuple[object, ...]:
        """Its line of the summary."""
        kind = "task" if self.checked.is_task else "workflow"
        return (self.checked.file, kind, self.checked.name, self._version, MESSAGES[self.outcome], self.revision)

    @property
    def _version(self) -> str | None:
        document = self.checked.document
        return document.get("version") if isinstance(document, dict) and not self.checked.is_task else None


def apply(options: Namespace) -> int:
    """Store every valid document, report every other; exit code 1 when one was rejected."""
    files = list(expand(options.paths))
    if not files:
        message = f"There is no JSON file in {', '.join(options.paths)}"
        raise Misuse(message, code=ProblemCode.NOTHING_TO_APPLY)
    with open_database() as database:
        catalogue = _stored_catalogue(database)
        for problem in catalogue.problems:
            note(f"warning: {problem}")
        with progress("Storing", len(files)) as advance:
            applied = []
            for each in _apply_all(database, files, catalogue, force=options.force):
                applied.append(each)
                advance()
    _report(applied, options.output)
    return FAILED if any(each.outcome == "rejected" for each in applied) else FINE


def _stored_catalogue(database: Database) -> Catalogue:
    from airflow_workflow_provider.model.validate import parse_task
    from airflow_workflow_provider.tasks.catalogue import Catalogue

    tasks = {}
    for stored in Tasks(database).list():
        try:
            tasks[stored.task_id] = parse_task(stored.document)
        except InvalidDefinition:
            # Someone changed the table by hand; who uses this task is told that it is unknown.
            note(f"warning: the stored task {stored.task_id!r} is broken and is left out")
    return Catalogue(tasks)


def _apply_all(database: Database, files: list[str], catalogue: Catalogue, *, force: bool) -> Iterator[Applied]:
    loaded = [load(file) for file in files]
    _refuse_duplicates(loaded)
    versions = Definitions(database).version_names
    settings = load_settings()
    # Elsewhere than on a machine of Airflow's, what is configured of its users says nothing.
    knows = Directory.configured(settings).knows if airflow_is_configured() else None
    results = list(check(loaded, catalogue, Policy.of(settings), versions=versions, knows=knows))
    publishing = _publishing(database, catalogue, results)
    for each in sorted(results, key=_order):
        yield _store(publishing, each, force=force)


def _publishing(database: Database, catalogue: Catalogue, results: list[Checked]) -> Publishing:
    given = {each.model.task_id: each.model for each in results if each.is_task and each.valid and each.model}
    known = catalogue.with_tasks(given)

    def operator_of(task_id: str) -> str | None:
        task = known.get(task_id)
        return None if task is None else task.operator

    actor = _user()
    return Publishing(Definitions(database), Tasks(database), AirflowSide(actor), operator_of, actor)


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # a container may run under a number that has no name
        return None


def _order(checked: Checked) -> tuple[bool, Version]:
    """Tasks first, then older versions before newer ones."""
    model = checked.model
    return not checked.is_task, Version.parse(model.version if model and not checked.is_task else "0.0.0")


def _refuse_duplicates(loaded: list[Checked]) -> None:
    first: dict[tuple[bool, str, object], str] = {}
    for each in loaded:
        if each.name is None:
            continue
        version = None if each.is_task else each.document.get("version")
        known = first.setdefault((each.is_task, each.name, str(version)), each.file)
        if known != each.file:
            pointer = "/taskId" if each.is_task else "/workflowId"
            message = f"{each.name!r} is defined in {known} too"
            each.diagnostics = (Diagnostic("duplicate-document", "error", pointer, message, "keep one of the two"),)


def _store(publishing: Publishing, checked: Checked, *, force: bool) -> Applied:
    if not checked.valid or checked.model is None:
        return Applied(checked, "rejected")
    try:
        if checked.is_task:
            published = publishing.publish_task(checked.model, checked.document)
        else:
            published = publishing.publish(checked.model, checked.document, force=force, source=checked.source)
    except InvalidDefinition as error:
        checked.diagnostics += error.diagnostics
        return Applied(checked, "rejected")
    except Conflict as error:
        checked.diagnostics += (_as_diagnostic(error),)
        return Applied(checked, "rejected")
    return Applied(checked, published.outcome, published.revision)


def _as_diagnostic(error: WorkflowsError) -> Diagnostic:
    return Diagnostic(error.code, "error", error.pointer or "", error.message, error.suggestion)


def _report(applied: list[Applied], output: str) -> None:
    if output == "json":
        print_json([each.as_json() for each in applied])
        return
    print_table(("file", "kind", "id", "version", "result", "revision"), (each.row for each in applied))
    for each in applied:
        if each.checked.diagnostics:
            note(each.checked.file)
            print_diagnostics(each.checked.diagnostics, stderr=True)
