"""Failing a run that Airflow triggered with integers that it cannot pass to the run's tasks (rule E4).

No task of such a run could say so, because none can start: Airflow would try the first one again without end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow_workflow_provider.airflow_db.ending import fail_run
from airflow_workflow_provider.instances.session import Run
from airflow_workflow_provider.operations.run_sessions import session_of

if TYPE_CHECKING:
    from airflow_workflow_provider.operations.ended_run import UncarriedRun
    from airflow_workflow_provider.store.database import Database


def fail_uncarried(run: UncarriedRun, database: Database, *, end_run: Callable[[str, str], bool] = fail_run) -> bool:
    """Make the failed instance of a run that cannot begin, and end the run; one that is no workflow's is left alone.

    :param end_run: ends a DAG run by the ids of its DAG and its own
    :returns: whether the run was ended
    """
    session = session_of(Run(run.dag_id, run.run_id, run.conf, run.triggered_by), None, database)
    if session is None:
        return False
    # Its input is refused as it is made.
    session.change(lambda machine: machine.status)
    return end_run(run.dag_id, run.run_id)
