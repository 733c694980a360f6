"""``list``, ``show``, ``versions`` and ``diff``: stored workflows."""

from __future__ import annotations

import difflib
import json
from argparse import Namespace
from typing import Any

from airflow_workflow_provider.cli.access import open_database
from airflow_workflow_provider.cli.console import console, print_json, print_line, print_rows
from airflow_workflow_provider.cli.main import FAILED, FINE
from airflow_workflow_provider.model.comparison import changes
from airflow_workflow_provider.model.reach import Policy
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.tasks.stored import stored_findings

DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def list_definitions(options: Namespace) -> int:
    """List the current definition of every workflow, or what is wrong with them."""
    if options.findings:
        return _list_findings(options.output)
    with open_database() as database:
        heads = Definitions(database).list()
    rows = [
        {
            "workflowId": head.workflow_id,
            "name": head.name,
            "version": head.version,
            "revision": head.revision,
            "active": head.active,
            "updatedAt": head.updated_at.isoformat(),
        }
        for head in heads
    ]
    columns = {"workflowId": "id", "name": "name", "version": "version", "revision": "revision", "updatedAt": "updated"}
    print_rows(options.output, columns, rows)
    return FINE


def _list_findings(output: str) -> int:
    """List what today's rules find in the stored definitions and tasks; exit code 1 when there is an error."""
    with open_database() as database:
        found = list(stored_findings(database, Policy.of(load_settings())))
    rows = [{"kind": each.kind, "id": each.name, **each.diagnostic.as_json()} for each in found]
    if output == "json":
        print_json(rows)
    elif rows:
        columns = {"kind": "kind", "id": "id", "code": "code", "pointer": "place", "message": "message"}
        print_rows(output, {**columns, "suggestion": "suggestion"}, rows)
    else:
        print_line("No findings.")
    return FAILED if any(each.diagnostic.severity == "error" for each in found) else FINE


def show(options: Namespace) -> int:
    """Print a definition; as a table its outline, as JSON the document."""
    with open_database() as database:
        stored = Definitions(database).get(options.workflow_id, version=options.version)
    if options.output == "json":
        print_json(stored.document)
        return FINE
    from airflow_workflow_provider.instances.graphs import stored_definition
    from airflow_workflow_provider.model.diagram import outline

    definition = stored_definition(stored.document, stored.workflow_id, stored.revision)
    print_line(outline(definition))
    if definition.description:
        print_line(f"\n{definition.description}")
    print_line(f"\nrevision {stored.revision}, published {stored.created_at.isoformat()} by {stored.created_by or '-'}")
    return FINE


def versions(options: Namespace) -> int:
    """List all publications of a workflow, newest first."""
    with open_database() as database:
        published = Definitions(database).versions(options.workflow_id)
    rows = [
        {
            "version": each.version,
            "revision": each.revision,
            "publishedAt": each.created_at.isoformat(),
            "publishedBy": each.created_by,
            "digest": each.digest,
        }
        for each in published
    ]
    columns = {"version": "version", "revision": "revision", "publishedAt": "published", "publishedBy": "by"}
    print_rows(options.output, columns, rows)
    return FINE


def diff(options: Namespace) -> int:
    """Print how two versions differ; as JSON one object a changed place."""
    with open_database() as database:
        definitions = Definitions(database)
        old = definitions.get(options.workflow_id, version=options.old)
        new = definitions.get(options.workflow_id, version=options.new)
    if options.output == "json":
        print_json(list(changes(old.document, new.document)))
        return FINE
    from rich.text import Text

    before, after = (_lines(document) for document in (old.document, new.document))
    out = console()
    for line in difflib.unified_diff(before, after, options.old, options.new, lineterm=""):
        out.print(Text(line, style=DIFF_STYLES.get(line[:1], "")), soft_wrap=True)
    if before == after:
        print_line("No difference.")
    return FINE


def _lines(document: dict[str, Any]) -> list[str]:
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True).splitlines()
