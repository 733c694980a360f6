"""``import``: convert definitions of other systems, with a report of each construct."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_workflow_provider.cli.console import note, print_json, print_line
from airflow_workflow_provider.cli.files import write_text
from airflow_workflow_provider.cli.main import FAILED, FINE
from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.model.json_text import dumps
from airflow_workflow_provider.model.plain import one_line
from airflow_workflow_provider.tasks.documents import STANDARD_INPUT, TASK_FOLDER, read_bytes
from airflow_workflow_provider.tasks.imported import Imported, Source, import_all, stem_of
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.importing.report import Entry


def import_files(options: Namespace) -> int:
    """Import files, print the report, and write the definitions unless something is left to do."""
    files = list(dict.fromkeys(options.files))
    found = import_all(options.dialect, [Source(file, read_bytes(file), _stem(file)) for file in files])
    written: list[str] = []
    accepted = all(each.valid and (each.complete or _only_todo(each, options)) for each in found)
    if accepted:
        written = _write(Path(options.output), found, replace=options.force)
    if options.format == "json":
        print_json({"files": [each.as_json() for each in found], "written": written})
    else:
        for each in found:
            _print(each, verbose=options.all)
        _print_end(found, written)
    return FINE if accepted else FAILED


def _only_todo(imported: Imported, options: Namespace) -> bool:
    return bool(options.incomplete) and not imported.conversion.counts["refused"]


def _stem(file: str) -> str:
    return "imported" if file == STANDARD_INPUT else stem_of(file)


def _write(folder: Path, found: list[Imported], *, replace: bool) -> list[str]:
    documents: dict[Path, str] = {}
    for each in found:
        for task_id, task in each.conversion.tasks.items():
            documents[folder / TASK_FOLDER / f"{task_id}.json"] = _text(task)
        for workflow in each.conversion.workflows:
            documents[folder / f"{workflow['workflowId']}.json"] = _text(workflow)
    _refuse_others(folder, documents, replace=replace)
    try:
        for parent in {path.parent for path in documents}:
            parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"Cannot write to {str(folder)!r}: {error.strerror}"
        raise Misuse(message, code=ProblemCode.CANNOT_WRITE) from error
    for path, text in documents.items():
        write_text(path, text)
    return [str(path) for path in documents]


def _text(document: dict[str, Any]) -> str:
    return dumps(document, indent=2) + "\n"


def _refuse_others(folder: Path, documents: dict[Path, str], *, replace: bool) -> None:
    """Refuse to leave the folder through a link, and to replace what somebody else has written."""
    for path in (folder / TASK_FOLDER, *documents):
        if path.is_symlink():
            message = f"{str(path)!r} is a link, which may lead out of {str(folder)!r}"
            raise Misuse(message, code=ProblemCode.CANNOT_WRITE, suggestion="remove the link")
    for path, text in documents.items():
        if replace or not path.exists():
            continue
        if not path.is_file() or path.read_text("utf-8", errors="replace") != text:
            message = f"{str(path)!r} exists with other content"
            raise Misuse(message, code=ProblemCode.CANNOT_WRITE, suggestion="--force replaces it")


def _print(imported: Imported, *, verbose: bool) -> None:
    from airflow_workflow_provider.cli.console import print_diagnostics

    counts = imported.conversion.counts
    state = "imported" if imported.complete else "needs work" if imported.valid else "not imported"
    print_line(
        f"{imported.source}: {state}: {counts['exact']} kept exactly, {counts['detour']} by a detour, "
        f"{counts['todo']} to do, {counts['refused']} refused"
    )
    for each in imported.conversion.entries:
        if verbose or each.result != "exact":
            print_line(_line(each))
    print_diagnostics(found for _, found in imported.diagnostics if verbose or found.severity == "error")


def _line(entry: Entry) -> str:
    place = one_line(entry.source) or "/"
    target = f" -> {one_line(entry.target)}" if entry.target else ""
    return f"  {entry.result:<8}{one_line(entry.construct)}  {place}{target}\n          {one_line(entry.message)}"


def _print_end(found: list[Imported], written: list[str]) -> None:
    for path in written:
        print_line(f"written: {path}")
    tasks = sorted({task for each in found for task in each.conversion.tasks})
    if written and tasks:
        note(f"{len(tasks)} tasks fail until they have an operator: {', '.join(tasks)}")
    if not written:
        note("Nothing was written. --incomplete writes definitions in which something is left to do.")
