"""Every stored workflow as a DAG of one file, for a DAG folder without a bundle of its own."""

from __future__ import annotations

import json
import logging
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_parsing_context

from airflow_workflow_provider.dag.maintenance import MAINTENANCE_DAG, maintenance_dag
from airflow_workflow_provider.dag.source import dag_of
from airflow_workflow_provider.instances.graphs import resolve
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.tasks import Tasks

if TYPE_CHECKING:
    from airflow_workflow_provider.instances.graphs import Resolved

log = logging.getLogger(__name__)


def generate_dags(namespace: MutableMapping[str, Any]) -> None:
    """Put the DAG of every stored workflow into a DAG file's namespace.

    A task that runs needs its own DAG only. A definition that cannot be built is logged and left out; others load.

    The DAG ``workflow_maintenance`` comes with them, unless ``[workflows] maintenance_schedule`` is empty.

    :param namespace: the file's ``globals()``
    :raises StoreUnavailable: the workflow database cannot be reached; Airflow shows it as the file's import error
    """
    only = get_parsing_context().dag_id
    if only in (None, MAINTENANCE_DAG) and load_settings().maintenance_schedule:
        namespace[MAINTENANCE_DAG] = maintenance_dag()
    if only == MAINTENANCE_DAG:
        return
    for found in _stored(only):
        try:
            dag = dag_of(
                revision=found.revision,
                definition=json.dumps(found.document),
                tasks=json.dumps(found.tasks),
                grants=json.dumps(found.grants),
                dag_shape=found.dag_shape,
            )
        except Exception:  # whatever is wrong with one definition concerns that one only
            log.exception("Workflow %r cannot become a DAG", found.workflow_id)
        else:
            namespace[f"workflow_{found.workflow_id}"] = dag


def _stored(only: str | None) -> list[Resolved]:
    with Database.configured(retry_for=0) as database:
        revision = Definitions(database).highest_revision()
        definitions = Definitions(database).at_revision(revision, only)
        tasks = Tasks(database).at_revision(revision)
    return list(resolve(definitions, tasks))
