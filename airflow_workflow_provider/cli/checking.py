"""``validate``, ``schema`` and ``graph``: what can be said of a document without running it."""

from __future__ import annotations

from argparse import Namespace

from airflow_workflow_provider.cli.console import note, print_diagnostics, print_json, print_line, progress
from airflow_workflow_provider.cli.main import FAILED, FINE
from airflow_workflow_provider.model.reach import Policy
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.tasks.documents import Checked, check, is_companion, load, load_tasks

MANY = 20
"""Files from which a progress bar is worth its place."""


def validate(options: Namespace) -> int:
    """Check files and print the findings; exit code 1 when one is invalid."""
    files = [file for file in dict.fromkeys(options.files) if not is_companion(file)]
    left_out = len(set(options.files)) - len(files)
    if left_out:
        note(f"{left_out} files are left out: named *.input.json or *.mocks.json they are no definitions")
    policy = Policy.of(load_settings())
    catalogue, broken = load_tasks(options.tasks, files, policy=policy)
    for problem in catalogue.problems:
        note(f"warning: {problem}")
    named = set(files)
    results = [each for each in broken if each.file not in named]
    with progress("Checking", len(files) if len(files) > MANY else None) as advance:
        for each in check(map(load, files), catalogue, policy):
            results.append(each)
            advance()
    for each in results:
        _print(each, options.output)
    valid = sum(each.valid for each in results)
    if options.output == "table" and len(results) > 1:
        print_line(f"{valid} of {len(results)} documents are valid.")
    return FINE if valid == len(results) else FAILED


def _print(checked: Checked, output: str) -> None:
    if output == "json":
        print_json(checked.as_json(), indent=None)
        return
    print_line(f"{checked.file}: {'valid' if checked.valid else 'invalid'}")
    print_diagnostics(checked.diagnostics)


def schema(options: Namespace) -> int:
    """Print the JSON Schema of workflow or task definitions."""
    from airflow_workflow_provider.model.schema import task_schema, workflow_schema

    print_json(task_schema() if options.kind == "task" else workflow_schema())
    return FINE


def graph(options: Namespace) -> int:
    """Draw a definition as Mermaid source or as an outline; an invalid one is not drawn."""
    from airflow_workflow_provider.model.diagram import mermaid, outline
    from airflow_workflow_provider.model.validate import parse_definition

    loaded = load(options.file)
    if not loaded.valid:
        print_diagnostics(loaded.diagnostics, stderr=True)
        return FAILED
    # Its tasks are no part of the picture, so they need not be known.
    definition = parse_definition(loaded.document)
    print_line(mermaid(definition) if options.format == "mermaid" else outline(definition))
    return FINE
