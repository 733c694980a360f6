"""From the text of a generated DAG file to its DAG, and from the database to DAGs for those without the bundle."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_parsing_context

from airflow_workflow_provider.dag.builder import build_dag
from airflow_workflow_provider.errors import StoreUnavailable
from airflow_workflow_provider.model.validate import loads_document, parse_task, validate_document
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.tasks import Tasks
from airflow_workflow_provider.tasks.calls import tasks_of
from airflow_workflow_provider.tasks.catalogue import Catalogue

if TYPE_CHECKING:
    from airflow.sdk import DAG

log = logging.getLogger(__name__)


def load_dag(definition: str, tasks: str, *, revision: int) -> DAG:
    """Return the DAG of a definition.

    :param definition: the definition, JSON text
    :param tasks: the stored task definitions that it names, a JSON array as text
    :param revision: the revision under which it was published
    :raises InvalidDefinition: the definition or a task is refused; Airflow shows it as this file's import error
    """
    return make_dag(loads_document(definition), loads_document(tasks), revision=revision)


def make_dag(document: Any, tasks: Sequence[Any], *, revision: int) -> DAG:
    """Return the DAG of a definition whose documents are at hand; see :func:`load_dag`."""
    allowed = load_settings().allowed_operators
    given = [parse_task(task, allowed_operators=allowed) for task in tasks]
    catalogue = Catalogue({task.task_id: task for task in given})
    definition = validate_document(document, catalogue, allowed_operators=allowed).accepted("The definition")
    return build_dag(definition, tasks_of(definition, catalogue), revision=revision)


def generate_dags(namespace: MutableMapping[str, Any]) -> None:
    """Put a DAG for each published definition into a DAG file's namespace; for Airflows without the bundle.

    A task parses the one DAG that it runs. A definition that cannot be loaded is logged and stops no other. Runs
    follow the newest version here: only the bundle keeps a run on the version that it was started with.

    :param namespace: ``globals()`` of the DAG file
    """
    wanted = get_parsing_context().dag_id
    try:
        with Database.configured() as database:
            newest = Definitions(database).highest_revision()
            found = Definitions(database).at_revision(newest, wanted)
            tasks = [task.document for task in Tasks(database).at_revision(newest)]
    except StoreUnavailable:
        log.exception("The workflow definitions cannot be read")
        raise
    for stored in found:
        try:
            dag = make_dag(stored.document, tasks, revision=stored.revision)
        except Exception:  # whatever is wrong with one definition concerns that one alone
            log.exception("Workflow %r has no DAG", stored.workflow_id)
        else:
            namespace[f"workflow_{stored.workflow_id}"] = dag
