"""``apply``: publish workflow and task definitions; invalid ones are reported and skipped."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from airflow_workflow_provider.cli.access import open_database
from airflow_workflow_provider.cli.airflow_side import AirflowSide, airflow_is_configured
from airflow_workflow_provider.cli.console import note, print_diagnostics, print_json, print_table, progress
from airflow_workflow_provider.cli.documents import environment
from airflow_workflow_provider.cli.main import FAILED, FINE
from airflow_workflow_provider.cli.pruning import prune, refuse_hasty_prune
from airflow_workflow_provider.cli.user import user_name
from airflow_workflow_provider.errors import Conflict, InvalidDefinition, Misuse
from airflow_workflow_provider.model.diagnostics import Diagnostic
from airflow_workflow_provider.model.reach import Policy
from airflow_workflow_provider.operations.planning import Action, Item, Plan, diagnostic_of, plan_of
from airflow_workflow_provider.operations.publishing import Publishing
from airflow_workflow_provider.people.directory import Directory
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.inventory import read_inventory
from airflow_workflow_provider.store.tasks import Tasks
from airflow_workflow_provider.tasks.documents import Checked, check, expand, load
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.model.environment import Values
    from airflow_workflow_provider.store.database import Database
    from airflow_workflow_provider.tasks.catalogue import Catalogue

MESSAGES = {"created": "new", "updated": "changed", "unchanged": "as it was", "rejected": "rejected"}


@dataclass(frozen=True)
class Planned:
    """A plan, with what carries it out.

    :param catalogue: the tasks that are stored
    :param results: the documents, checked
    :param force: allow versions lower than the current one
    """

    plan: Plan
    catalogue: Catalogue
    results: list[Checked]
    force: bool = False


@dataclass
class Applied:
    """The outcome of one document.

    :param outcome: ``created``, ``updated``, ``unchanged`` or ``rejected``
    :param revision: the head's revision afterwards, null where it was rejected
    """

    checked: Checked
    outcome: str
    revision: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Its form in ``--output json``."""
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
    with open_database() as database:
        planned = make_plan(
            database, options.paths, force=options.force, only=options.only, values=environment(options.env)
        )
        if options.plan_revision is not None and planned.plan.revision != options.plan_revision:
            message = f"The newest revision is {planned.plan.revision}, the plan is of {options.plan_revision}"
            hint = "somebody else has published in the meantime; run plan again"
            raise Conflict(message, code=ProblemCode.REVISION_CHANGED, suggestion=hint)
        refuse_hasty_prune(planned.plan, options)
        with progress("Storing", len(planned.plan.items)) as advance:
            applied = []
            for each in _apply_all(database, planned):
                applied.append(each)
                advance()
        rejected = any(each.outcome == "rejected" for each in applied)
        pruned, refused = ([], []) if rejected or not options.prune else prune(database, planned.plan, options)
    _report(applied, pruned, refused, options)
    if rejected and options.prune:
        note("Nothing was removed, because a document was rejected")
    return FAILED if rejected or refused else FINE


def make_plan(
    database: Database,
    paths: list[str],
    *,
    force: bool = False,
    only: str | None = None,
    values: Values | None = None,
) -> Planned:
    """Compare files and folders with what is stored.

    :param force: allow versions lower than the current one
    :param only: pattern of the ids that are compared, with ``*`` and ``?``
    :param values: of the environment
    :raises Misuse: there is no document
    """
    files = list(expand(paths))
    if not files:
        message = f"There is no JSON file in {', '.join(paths)}"
        raise Misuse(message, code=ProblemCode.NOTHING_TO_APPLY)
    catalogue = _stored_catalogue(database)
    for problem in catalogue.problems:
        note(f"warning: {problem}")
    # Before the documents are checked, which takes time: what changes meanwhile is noticed when it is published.
    inventory = read_inventory(database)
    loaded = [load(file, values) for file in files]
    _refuse_duplicates(loaded)
    settings = load_settings()
    # Only on a machine with Airflow is the configuration of its users meaningful.
    knows = Directory.configured(settings).knows if airflow_is_configured() else None

    def versions(workflow_id: str) -> Collection[str]:
        known = inventory.workflows.get(workflow_id)
        return known.versions if known is not None else ()

    results = list(check(loaded, catalogue, Policy.of(settings), versions=versions, knows=knows))
    plan = plan_of(results, inventory, force=force, wanted=lambda name: only is None or fnmatchcase(name, only))
    return Planned(plan, catalogue, results, force=force)


def _stored_catalogue(database: Database) -> Catalogue:
    from airflow_workflow_provider.model.validate import parse_task
    from airflow_workflow_provider.tasks.catalogue import Catalogue

    tasks = {}
    for stored in Tasks(database).list():
        try:
            tasks[stored.task_id] = parse_task(stored.document)
        except InvalidDefinition:
            # Someone changed the table manually; a definition that uses this task gets a finding that it is unknown.
            note(f"warning: the stored task {stored.task_id!r} is broken and is ignored")
    return Catalogue(tasks)


def _apply_all(database: Database, planned: Planned) -> Iterator[Applied]:
    publishing = _publishing(database, planned.catalogue, planned.results)
    # What this command itself has published is no change by somebody else.
    latest: dict[str, int] = {}
    for item in planned.plan.items:
        if item.checked is None:
            continue
        item.checked.diagnostics = item.findings
        if item.action in (Action.UNCHANGED, Action.ACTIVATE):
            yield Applied(item.checked, "unchanged", item.revision)
        elif item.action is Action.REJECT:
            yield Applied(item.checked, "rejected")
        else:
            key = f"{item.kind}:{item.id}"
            done = _store(publishing, item.checked, latest.get(key, item.revision), force=planned.force)
            if done.revision is not None:
                latest[key] = done.revision
            yield done


def _publishing(database: Database, catalogue: Catalogue, results: Iterable[Checked]) -> Publishing:
    given = {each.model.task_id: each.model for each in results if each.is_task and each.valid and each.model}
    known = catalogue.with_tasks(given)

    def operator_of(task_id: str) -> str | None:
        task = known.get(task_id)
        return None if task is None else task.operator

    actor = user_name()
    return Publishing(Definitions(database), Tasks(database), AirflowSide(actor), operator_of, actor)


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


def _store(publishing: Publishing, checked: Checked, expected: int, *, force: bool) -> Applied:
    try:
        if checked.is_task:
            published = publishing.publish_task(checked.model, checked.document, expected=expected)
        else:
            published = publishing.publish(
                checked.model, checked.document, force=force, expected=expected, source=checked.source
            )
    except InvalidDefinition as error:
        checked.diagnostics += error.diagnostics
        return Applied(checked, "rejected")
    except Conflict as error:
        checked.diagnostics += (diagnostic_of(error),)
        return Applied(checked, "rejected")
    return Applied(checked, published.outcome, published.revision)


def _report(applied: list[Applied], pruned: list[Item], refused: list[Diagnostic], options: Namespace) -> None:
    removed = [
        {**item.to_json(), "outcome": "removed" if item.action is Action.REMOVE else "activated"} for item in pruned
    ]
    if options.output == "json":
        print_json([*(each.as_json() for each in applied), *removed])
    else:
        rows = [each.row for each in applied]
        rows += [("", "workflow", each["id"], each["storedVersion"], each["outcome"], None) for each in removed]
        print_table(("file", "kind", "id", "version", "result", "revision"), rows)
        for each in applied:
            if each.checked.diagnostics:
                note(each.checked.file)
                print_diagnostics(each.checked.diagnostics, stderr=True)
    if refused:
        note("Not removed:")
        print_diagnostics(refused, stderr=True)
