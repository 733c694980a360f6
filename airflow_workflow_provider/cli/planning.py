"""``plan``, ``drift`` and ``export``: a folder compared with what is stored, and the way back."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.cli.access import open_database
from airflow_workflow_provider.cli.applying import make_plan
from airflow_workflow_provider.cli.console import note, print_diagnostics, print_json, print_line, print_table
from airflow_workflow_provider.cli.documents import environment
from airflow_workflow_provider.cli.files import write_text
from airflow_workflow_provider.cli.main import CHANGES, FAILED, FINE
from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.model.json_text import dumps
from airflow_workflow_provider.operations.planning import Action, Item, Plan
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.tasks import Tasks
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database

COLUMNS: Final = ("", "kind", "id", "stored", "folder", "live instances", "file")
SIGNS: Final = {Action.CREATE: "+", Action.UPDATE: "~", Action.ACTIVATE: "^", Action.REMOVE: "-", Action.REJECT: "!"}
TASK_FOLDER: Final = "tasks"


def plan(options: Namespace) -> int:
    """Show what publishing a folder would change; exit code 0 for nothing, 3 for changes, 1 for an error."""
    with open_database() as database:
        values = environment(options.env)
        found = make_plan(database, options.paths, force=options.force, only=options.only, values=values).plan
    if options.output == "json":
        print_json(found.to_json())
    else:
        _print(found)
    if found.of(Action.REJECT):
        return FAILED
    return CHANGES if found.changes else FINE


def drift(options: Namespace) -> int:
    """Show where what is stored is not what a folder says; exit code 0 where they agree, 3 where not."""
    with open_database() as database:
        values = environment(options.env)
        found = make_plan(database, options.paths, force=True, only=options.only, values=values).plan
    rows = [{**item.to_json(), "difference": _difference(item)} for item in (*found.changes, *found.of(Action.REJECT))]
    if options.output == "json":
        print_json({"revision": found.revision, "differences": rows})
    elif rows:
        shown = [(row["kind"], row["id"], row["storedVersion"], row["version"], row["difference"]) for row in rows]
        print_table(("kind", "id", "stored", "folder", "difference"), shown)
    else:
        print_line("The stored definitions and the folder agree.")
    return CHANGES if rows else FINE


def _difference(item: Item) -> str:
    """Return in words how what is stored differs from the folder."""
    if item.action is Action.REJECT:
        return f"{item.findings[0].code}: {item.findings[0].message}" if item.findings else "invalid"
    if item.action is Action.UPDATE and item.kind == "workflow":
        from semver import Version

        newer = Version.parse(item.stored or "0.0.0") > Version.parse(item.version or "0.0.0")
        return "a newer version is stored" if newer else "an older version is stored"
    return {
        Action.CREATE: "not stored",
        Action.UPDATE: "other content is stored",
        Action.ACTIVATE: "stored, but not active",
        Action.REMOVE: "stored, but not in the folder",
    }[item.action]


def _print(found: Plan) -> None:
    shown = [item for item in found.items if item.action is not Action.UNCHANGED]
    if shown:
        print_table(COLUMNS, (_row(item) for item in shown))
    for item in found.items:
        if item.findings and item.checked is not None:
            note(item.checked.file)
            print_diagnostics(item.findings, stderr=True)
    counts = {action: len(found.of(action)) for action in Action}
    print_line(
        f"{counts[Action.CREATE]} to create, {counts[Action.UPDATE]} to change, {counts[Action.UNCHANGED]} unchanged, "
        f"{counts[Action.REJECT]} rejected; with --prune {counts[Action.REMOVE]} to remove and "
        f"{counts[Action.ACTIVATE]} to activate. Revision {found.revision}."
    )


def _row(item: Item) -> tuple[object, ...]:
    live = ", ".join(f"{count} of {version}" for version, count in sorted(item.live.items()))
    file = item.checked.file if item.checked is not None else None
    return (SIGNS[item.action], item.kind, item.id, item.stored, item.version, live, file)


def export(options: Namespace) -> int:
    """Write what is stored into a folder: definitions as they were published, and tasks in a folder of their own."""
    folder = Path(options.folder)
    if folder.exists() and not folder.is_dir():
        message = f"{options.folder!r} is a file, not a folder"
        raise Misuse(message, code=ProblemCode.CANNOT_WRITE)
    with open_database() as database:
        files = dict(_exported(database, options.only))
    outcomes = {name: _outcome(folder / name, text) for name, text in sorted(files.items())}
    different = [name for name, outcome in outcomes.items() if outcome == "changed"]
    if different and not options.force:
        message = f"{len(different)} files in {options.folder!r} have other content, such as {different[0]!r}"
        raise Misuse(message, code=ProblemCode.FILE_EXISTS, suggestion="commit them first, then use --force")
    for name, outcome in outcomes.items():
        if outcome != "unchanged":
            place = folder / name
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                message = f"Cannot create the folder {str(place.parent)!r}: {error.strerror}"
                raise Misuse(message, code=ProblemCode.CANNOT_WRITE) from error
            write_text(place, files[name])
    rows = [{"file": str(folder / name), "result": outcome} for name, outcome in outcomes.items()]
    if options.output == "json":
        print_json(rows)
    else:
        print_table(("file", "result"), ((row["file"], row["result"]) for row in rows))
    return FINE


def _exported(database: Database, only: str | None) -> Iterator[tuple[str, str]]:
    """Yield the name and text of each file: the current definitions of active workflows, and all tasks."""
    definitions = Definitions(database)
    for head in definitions.list():
        if head.active and (only is None or fnmatchcase(head.workflow_id, only)):
            stored = definitions.get(head.workflow_id)
            source = definitions.source(stored)
            yield f"{head.workflow_id}.json", _ended(source[0] if source is not None else _json(stored.document))
    for task in Tasks(database).list():
        if only is None or fnmatchcase(task.task_id, only):
            yield f"{TASK_FOLDER}/{task.task_id}.json", _json(task.document)


def _json(document: dict[str, Any]) -> str:
    return dumps(document, indent=2) + "\n"


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"


def _outcome(file: Path, text: str) -> str:
    try:
        if not file.exists():
            return "new"
        return "unchanged" if file.read_bytes() == text.encode() else "changed"
    except OSError as error:
        message = f"Cannot read {str(file)!r}: {error.strerror}"
        raise Misuse(message, code=ProblemCode.CANNOT_READ) from error
