"""``simulate --like``: replay an ended instance in another version."""

from __future__ import annotations

import json
from argparse import Namespace
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.cli.access import open_database
from airflow_workflow_provider.cli.console import note, print_json, print_line
from airflow_workflow_provider.cli.documents import environment, read_json_file
from airflow_workflow_provider.cli.instances import parse_instance_id
from airflow_workflow_provider.cli.main import FAILED, FINE
from airflow_workflow_provider.cli.recording import Recording, read_recording
from airflow_workflow_provider.cli.simulators import make_simulator, print_invalid, read_definition
from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.instances.graphs import graph_at
from airflow_workflow_provider.model.reach import Policy
from airflow_workflow_provider.model.validate import parse_task
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.tasks import Tasks
from airflow_workflow_provider.tasks.calls import tasks_of
from airflow_workflow_provider.tasks.catalogue import Catalogue
from airflow_workflow_provider.tasks.documents import load, load_tasks

if TYPE_CHECKING:
    from airflow_workflow_provider.scenarios.comparing import Comparison
    from airflow_workflow_provider.store.database import Database

MARKS: Final = {"same": " ", "added": "+", "removed": "-", "unknown": "?"}


@dataclass(frozen=True)
class _Other:
    """The version to compare with.

    :param graph: None where the file was refused, which has been printed
    :param file: where it is; None for a stored version
    """

    graph: Graph | None
    file: str | None = None


def replay(options: Namespace) -> int:
    """Play an instance again in another version; exit code 0 if it leads to the same, 1 if not or nobody knows."""
    from airflow_workflow_provider.scenarios.comparing import compared
    from airflow_workflow_provider.scenarios.recording import path_lines
    from airflow_workflow_provider.scenarios.replaying import Record, given_by, play

    mocks = read_json_file(options.mocks) if options.mocks is not None else {}
    wanted = parse_instance_id(options.like)
    with open_database() as database:
        recording = read_recording(database, wanted, name=str(wanted))
        other = _other(database, recording, options)
    if other.graph is None:
        return FAILED
    ended, own = recording.ended, recording.graph
    record = Record(own, given_by(own, recording.rows, ended.state))
    # The own version first: its calls are what those of the other one are compared with.
    old, _ = play(_simulator(own), record, own, ended, given=ended.input, mocks={})
    new, notes = play(_simulator(other.graph), record, other.graph, ended, given=ended.input, mocks=mocks)
    maskers = [recording.masker(own, ended.state), recording.masker(other.graph, new.final or ended.state)]

    def mask(document: dict[str, Any]) -> dict[str, Any]:
        for masker in maskers:
            document = masker.mask(document)
        return document

    found = compared(old, new, ended, path_lines(own, ended, recording.rows), mask)
    _print(options.output, recording, other, found, notes)
    return FINE if found.outcome == "same" else FAILED


def _simulator(graph: Graph) -> Any:
    return make_simulator(load_settings(), Catalogue(dict(graph.tasks)))


def _other(database: Database, recording: Recording, options: Namespace) -> _Other:
    definitions, tasks = Definitions(database), Tasks(database)
    workflow_id = recording.graph.definition.workflow_id
    if options.file is None:
        version = options.version or definitions.get(workflow_id).version
        revision = definitions.last_revision(workflow_id, version)
        return _Other(graph_at(definitions, tasks, workflow_id, revision))
    policy = Policy.of(load_settings())
    values = environment(options.env)
    catalogue, broken = load_tasks(options.tasks, [options.file], policy=policy, values=values)
    # Files win over what is stored.
    stored = [parse_task(each.document, checked=False) for each in tasks.list() if catalogue.get(each.task_id) is None]
    catalogue = catalogue.with_tasks(stored)
    checked = load(options.file, values)
    definition = None if broken else read_definition(checked, catalogue)
    if definition is None:
        for each in broken or [checked]:
            print_invalid(each, options.output)
        return _Other(None, options.file)
    if definition.workflow_id != workflow_id:
        note(f"warning: {options.file} is workflow {definition.workflow_id!r}; the instance is one of {workflow_id!r}")
    return _Other(Graph.of(definition, tasks_of(definition, catalogue)), options.file)


def _print(output: str, recording: Recording, other: _Other, found: Comparison, notes: list[str]) -> None:
    own, against = recording.graph.definition, other.graph.definition if other.graph is not None else None
    version = against.version if against is not None else None
    if output == "json":
        print_json({
            "instanceId": recording.ended.name,
            "workflowId": own.workflow_id,
            "version": own.version,
            "against": {"version": version, "file": other.file},
            **found.to_json(),
            "notes": notes,
        })  # fmt: skip
        return
    print_line(f"{own.workflow_id} {own.version} -> {version}{f' in {other.file}' if other.file else ''}")
    for line in found.path:
        if line["change"] == "changed":
            print_line(f"- {line['old']}\n+ {line['new']}")
        else:
            print_line(f"{MARKS[line['change']]} {line['new'] or line['old']}")
    if found.stopped is None and found.status["old"] != found.status["new"]:
        print_line(f"status: {found.status['old']} -> {found.status['new']}")
    for title, places in (("output", found.output), ("error", found.error)):
        for each in places:
            print_line(f"{title}{each['pointer']}: {_shown(each, 'old')} -> {_shown(each, 'new')}")
    if found.stopped is not None:
        print_line(f"stopped at {found.stopped}; --mocks can give it")
    for text in found.unlike:
        note(f"warning: in memory, version {own.version} itself differs from the instance: {text}")
    for text in notes:
        note(f"warning: {text}")
    print_line(found.outcome)


def _shown(change: dict[str, Any], key: str) -> str:
    return json.dumps(change[key], ensure_ascii=False) if key in change else "absent"
