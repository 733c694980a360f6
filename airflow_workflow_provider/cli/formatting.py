"""``fmt``, and the fixes of ``validate --fix``: files that are written again."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from airflow_workflow_provider.cli.console import note, print_diagnostics, print_json_text, print_line
from airflow_workflow_provider.cli.files import write_text
from airflow_workflow_provider.cli.main import FAILED, FINE
from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.model.fixing import fixed
from airflow_workflow_provider.model.formatting import formatted
from airflow_workflow_provider.model.json_text import value_findings
from airflow_workflow_provider.tasks.documents import STANDARD_INPUT, Checked, check, expand, load
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.model.reach import Policy
    from airflow_workflow_provider.tasks.catalogue import Catalogue

MAX_ROUNDS = 5
"""A fix may make another finding visible."""


def fmt(options: Namespace) -> int:
    """Write documents in one layout; with ``--check`` only say which are in another one, with exit code 1."""
    changed, broken = 0, 0
    files = list(expand(options.paths))
    if not files:
        message = f"There is no JSON file in {', '.join(options.paths)}"
        raise Misuse(message, code=ProblemCode.NOTHING_TO_APPLY)
    for each in map(load, files):
        text = _formatted(each)
        if text is None:
            broken += 1
        elif each.file == STANDARD_INPUT:
            print_json_text(text)
        elif text != each.source:
            changed += 1
            print_line(f"{'would change' if options.check else 'changed'} {each.file}")
            if not options.check:
                write_text(each.file, text)
    return FAILED if broken or (changed and options.check) else FINE


def _formatted(checked: Checked) -> str | None:
    """Return the text of a file in our layout, or nothing where it is no document, which is reported."""
    if not checked.diagnostics:
        checked.diagnostics = tuple(value_findings(checked.document))
    if checked.diagnostics:
        note(f"{checked.file} is not changed:")
        print_diagnostics(checked.diagnostics, stderr=True)
        return None
    if checked.name is None:
        note(f"{checked.file} is not changed: it is not a definition of a workflow or a task")
        return None
    return formatted(checked.document)


def fix(files: list[str], catalogue: Catalogue, policy: Policy) -> None:
    """Fix what has exactly one fix in files, and report each fix.

    :raises Misuse: standard input is among the files, or a file cannot be written
    """
    if STANDARD_INPUT in files:
        message = "Standard input cannot be fixed; name files"
        raise Misuse(message, code=ProblemCode.BAD_ARGUMENTS)
    for _ in range(MAX_ROUNDS):
        fixes = [_fix(each) for each in check(map(load, files), catalogue, policy)]
        if not any(fixes):
            return


def _fix(checked: Checked) -> bool:
    if checked.name is None or value_findings(checked.document):
        return False
    document, done = fixed(checked.document, checked.diagnostics)
    for found in done:
        note(f"fixed {checked.file}: {found.code} at {found.pointer}: {found.message} ({found.suggestion})")
    if done:
        write_text(checked.file, formatted(document))
    return bool(done)
