"""Called by Airflow when a DAG run has begun or ended.

Airflow calls listeners in the scheduler and the api-server, where they must be fast, never fail, and keep away from
Airflow's database session. So a call only notes what happened; a separate thread does the rest. What is lost on
this way, with a process that dies or a database that is unavailable, reconciliation finds soon after.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from airflow.listeners import hookimpl

from airflow_workflow_provider.failpoints import failpoint
from airflow_workflow_provider.listeners.noted import Noted
from airflow_workflow_provider.operations.ended_run import EndedRun, NotedRun, UncarriedRun

log = logging.getLogger(__name__)


@hookimpl
def on_dag_run_running(dag_run: NotedRun, msg: str) -> None:  # noqa: ARG001
    """Note that a run has begun with what Airflow cannot hand to its tasks."""
    # Imported here: most processes never see a run begin.
    from airflow_workflow_provider.instances.run_conf import is_carried

    try:
        conf = dag_run.conf
        if isinstance(conf, dict) and not is_carried(conf):
            REFUSER.add(UncarriedRun(dag_run.dag_id, dag_run.run_id, conf, dag_run.triggering_user_name))
    except Exception:
        log.exception("The start of a DAG run could not be recorded")


@hookimpl
def on_dag_run_success(dag_run: NotedRun, msg: str) -> None:
    """Note that a run has succeeded."""
    _note(dag_run, msg, succeeded=True)


@hookimpl
def on_dag_run_failed(dag_run: NotedRun, msg: str) -> None:
    """Note that a run has failed."""
    _note(dag_run, msg, succeeded=False)


def _settle(ended: EndedRun) -> None:
    # Imported here: processes that never see a run end need none of it.
    from airflow_workflow_provider.listeners.settling import settle_configured

    failpoint("end.noted")

    with _about(ended), _logged("The instance of %s %s could not be settled", ended.dag_id, ended.run_id):
        if settle_configured(ended):
            log.info("The instance of %s %s agrees with its DAG run now", ended.dag_id, ended.run_id)


def _refuse(run: UncarriedRun) -> None:
    from airflow_workflow_provider.listeners.settling import refuse_configured

    with _about(run), _logged("The run %s %s, whose tasks cannot start, could not be ended", run.dag_id, run.run_id):
        if refuse_configured(run):
            log.info("The run %s %s was ended: its conf has integers of more than 64 bits", run.dag_id, run.run_id)


def _about(run: EndedRun | UncarriedRun) -> AbstractContextManager[None]:
    from airflow_workflow_provider.store.named import named_run

    return named_run(run.dag_id, run.run_id)


@contextmanager
def _logged(failure: str, *places: str) -> Iterator[None]:
    """Log what goes wrong, in one line where its reason is known."""
    from airflow_workflow_provider.errors import WorkflowsError

    try:
        yield
    except WorkflowsError as error:
        log.warning("%s: %s", failure % places, error)
    except Exception:
        log.exception(failure, *places)


REFUSER: Final = Noted("workflow-starts", _refuse)
SETTLER: Final = Noted("workflow-runs", _settle)


def _note(dag_run: NotedRun, msg: str, *, succeeded: bool) -> None:
    try:
        conf = dag_run.conf if isinstance(dag_run.conf, dict) else {}
        SETTLER.add(EndedRun(dag_run.dag_id, dag_run.run_id, conf, succeeded, str(msg)))
    except Exception:
        log.exception("The end of a DAG run could not be recorded")
