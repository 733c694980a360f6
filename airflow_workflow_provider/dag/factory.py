"""Every stored workflow as a DAG of one file, for a DAG folder without a separate bundle."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_parsing_context

from airflow_workflow_provider.dag.maintenance import maintenance_dag
from airflow_workflow_provider.dag.source import dag_from
from airflow_workflow_provider.instances.graphs import resolve
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.tasks import Tasks
from airflow_workflow_provider.vocabulary import MAINTENANCE_DAG

if TYPE_CHECKING:
    from airflow_workflow_provider.instances.graphs import Resolved

log = logging.getLogger(__name__)


def generate_dags(namespace: MutableMapping[str, Any]) -> None:
    """Put the DAG of every stored workflow into a DAG file's namespace.

    A running task loads its own DAG only. A definition that cannot be built is logged and skipped; others load.

    The DAG ``workflow_maintenance`` comes with them, unless ``[workflows] maintenance_schedule`` is empty.

    :param namespace: the file's ``globals()``
    :raises StoreUnavailable: the workflow database cannot be reached; Airflow shows it as the file's import error
    """
    only, settings = get_parsing_context().dag_id, load_settings()
    if only in (None, MAINTENANCE_DAG) and settings.maintenance_schedule:
        namespace[MAINTENANCE_DAG] = maintenance_dag()
    if only == MAINTENANCE_DAG:
        return
    for found in _stored(only):
        try:
            dag = dag_from(
                found.document,
                found.tasks,
                revision=found.revision,
                grants=found.grants,
                shape=found.dag_shape,
                settings=settings,
                since=found.since,
            )
        except Exception:  # an error in one definition affects that one only
            log.exception("Workflow %r cannot become a DAG", found.workflow_id)
        else:
            namespace[f"workflow_{found.workflow_id}"] = dag


def _stored(only: str | None) -> list[Resolved]:
    with Database.configured(retry_for=0) as database:
        revision = Definitions(database).highest_revision()
        definitions = Definitions(database).at_revision(revision, only)
        schedules = Definitions(database).schedules(revision)
        tasks = Tasks(database).at_revision(revision)
    return list(resolve(definitions, tasks, schedules))
