"""The instance of a DAG run as a listener finds it: by the run alone, which may have no instance yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_workflow_provider.errors import NotFound
from airflow_workflow_provider.instances.graphs import graph_at
from airflow_workflow_provider.instances.session import InstanceSession
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.instances import Instances
from airflow_workflow_provider.store.tasks import Tasks

if TYPE_CHECKING:
    from airflow_workflow_provider.instances.session import Run
    from airflow_workflow_provider.store.database import Database
    from airflow_workflow_provider.store.instances import Instance


def session_of(run: Run, stored: Instance | None, database: Database) -> InstanceSession | None:
    """Return the session of a run's instance; None if the run is no workflow's.

    :param stored: the instance; None where there is none, which then is made with the newest definition
    """
    definitions = Definitions(database)
    try:
        workflow_id = run.dag_id if stored is None else stored.workflow_id
        revision = definitions.highest_revision() if stored is None else stored.revision
        graph = graph_at(definitions, Tasks(database), workflow_id, revision)
    except NotFound:
        return None
    return InstanceSession(graph, revision, run, instances=Instances(database))
