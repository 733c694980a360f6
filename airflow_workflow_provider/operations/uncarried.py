"""Failing a run that Airflow triggered with integers that it cannot hand to the run's tasks (rule E4).

No task of such a run could say so, because none can start: Airflow would try the first one again without end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow_workflow_provider.airflow_db.ending import fail_run
from airflow_workflow_provider.errors import NotFound
from airflow_workflow_provider.instances.graphs import graph_at
from airflow_workflow_provider.instances.session import InstanceSession, Run
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.instances import Instances
from airflow_workflow_provider.store.tasks import Tasks

if TYPE_CHECKING:
    from airflow_workflow_provider.operations.ended_run import UncarriedRun
    from airflow_workflow_provider.store.database import Database


def fail_uncarried(run: UncarriedRun, database: Database, *, end_run: Callable[[str, str], bool] = fail_run) -> bool:
    """Make the failed instance of a run that cannot begin, and end the run; one that is no workflow's is left alone.

    :param end_run: ends a DAG run by the ids of its DAG and its own
    :returns: whether the run was ended
    """
    definitions, tasks, instances = Definitions(database), Tasks(database), Instances(database)
    revision = definitions.highest_revision()
    try:
        graph = graph_at(definitions, tasks, run.dag_id, revision)
    except NotFound:
        return False
    session = InstanceSession(
        graph, revision, Run(run.dag_id, run.run_id, run.conf, triggered_by=run.triggered_by), instances=instances
    )
    # Its input is refused as it is made.
    session.change(lambda machine: machine.status)
    return end_run(run.dag_id, run.run_id)
