"""``validate``, ``schema`` and ``graph``: commands on documents that run nothing."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from airflow_workflow_provider.cli.console import note, print_diagnostics, print_json, print_line, progress
from airflow_workflow_provider.cli.documents import environment, read_json_file
from airflow_workflow_provider.cli.main import FAILED, FINE
from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.model.reach import Policy
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.tasks.documents import COMPANIONS, Checked, check, is_companion, load, load_tasks
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.model.definition import WorkflowDefinition
    from airflow_workflow_provider.model.diagram import Counts

MANY = 20
"""Files from which a progress bar is worth its place."""


def validate(options: Namespace) -> int:
    """Check files and print the findings; exit code 1 when one is invalid."""
    files = [file for file in dict.fromkeys(options.files) if not is_companion(file)]
    left_out = len(set(options.files)) - len(files)
    if left_out:
        names = ", ".join(f"*{ending}" for ending in COMPANIONS)
        note(f"{left_out} files are left out: files named {names} are not definitions")
    values = environment(options.env)
    if options.fix and values is not None:
        message = "--fix would write the values of the environment into the files"
        raise Misuse(message, code=ProblemCode.BAD_ARGUMENTS, suggestion="use --fix without --env")
    policy = Policy.of(load_settings())
    catalogue, broken = load_tasks(options.tasks, files, policy=policy, values=values)
    if options.fix:
        from airflow_workflow_provider.cli.formatting import fix

        fix(files, catalogue, policy)
    for problem in catalogue.problems:
        note(f"warning: {problem}")
    named = set(files)
    results = [each for each in broken if each.file not in named]
    with progress("Checking", len(files) if len(files) > MANY else None) as advance:
        for each in check((load(file, values) for file in files), catalogue, policy):
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
    from airflow_workflow_provider.model.schema import SCHEMAS

    print_json(SCHEMAS[options.kind]())
    return FINE


def read_definition(file: str) -> WorkflowDefinition | None:
    """Return the definition in a file, whose tasks need not be known; None for broken JSON, with its findings printed.

    :raises InvalidDefinition: it is not a valid definition; with every finding
    """
    from airflow_workflow_provider.model.validate import parse_definition

    loaded = load(file)
    if loaded.valid:
        return parse_definition(loaded.document)
    print_diagnostics(loaded.diagnostics, stderr=True)
    return None


def graph(options: Namespace) -> int:
    """Draw a definition as Mermaid source or as an outline; an invalid one is not drawn."""
    from airflow_workflow_provider.model.diagram import mermaid, outline

    definition = read_definition(options.file)
    if definition is None:
        return FAILED
    counts = None if options.coverage is None else _counts(options.coverage, definition)
    print_line(mermaid(definition, counts) if options.format == "mermaid" else outline(definition, counts))
    return FINE


def _counts(file: str, definition: WorkflowDefinition) -> Counts:
    """Return what a file that ``test --coverage`` wrote has of a definition.

    :raises Misuse: it is no such file, or has nothing of the definition
    """
    from airflow_workflow_provider.model.diagram import Counts

    found = read_json_file(file)
    workflows = found.get("workflows") if isinstance(found, dict) else None
    for each in workflows if isinstance(workflows, list) else ():
        if not isinstance(each, dict):
            continue
        same = (each.get("workflowId"), each.get("version")) == (definition.workflow_id, definition.version)
        steps, ways = each.get("steps"), each.get("ways")
        if same and isinstance(steps, dict) and isinstance(ways, dict):
            return Counts(steps, ways)
    message = f"{file!r} has no coverage of {definition.workflow_id}@{definition.version}"
    hint = "write it with: airflow-workflows test FOLDER --coverage FILE"
    raise Misuse(message, code=ProblemCode.BAD_OPTION, suggestion=hint)
