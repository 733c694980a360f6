"""Making the DAG run of an instance, as Airflow's own API does it (rule E4).

Needs Airflow's metadata database, so it works in the api-server and the scheduler, not in workers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow.api_fastapi.common.dagbag import create_dag_bag
from airflow.exceptions import ParamValidationError
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from pendulum import now
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from airflow_workflow_provider.airflow_db.dag_versions import (
    NOT_LOADED,
    PinnedDag,
    loaded_model,
    not_loaded,
    version_of,
)
from airflow_workflow_provider.errors import Conflict, Misuse

if TYPE_CHECKING:
    from airflow.models.dagbag import DBDagBag
    from airflow.serialization.definitions.dag import SerializedDAG
    from sqlalchemy.orm import Session

__all__ = ["NOT_LOADED"]


@dataclass(frozen=True)
class StartedRun:
    """The DAG run of an instance.

    :param created: False where a run of this id was there before
    :param conf: what it was made with
    :param triggered_by: the user, as Airflow shows them
    :param bundle_version: of the DAG that it runs, null where the DAG's bundle has no versions
    """

    dag_id: str
    run_id: str
    created: bool
    conf: Mapping[str, Any]
    bundle_version: str | None
    triggered_by: str | None = None


def loaded_bundle_version(dag_id: str) -> str | None:
    """Return the bundle version of which Airflow would run a DAG now; null where its bundle has no versions.

    :raises Conflict: Airflow cannot start it: it does not know the DAG yet, could not read it, or it is paused
    """
    with create_session() as session:
        return _startable(session, dag_id).bundle_version


def dag_exists(dag_id: str) -> bool:
    """Tell whether Airflow has a DAG of this id that is not gone."""
    with create_session() as session:
        query = select(DagModel.dag_id).where(DagModel.dag_id == dag_id, ~DagModel.is_stale)
        return session.scalar(query) is not None


def refuse_paused(dag_id: str) -> None:
    """Go on only with a DAG whose runs Airflow runs.

    :raises Conflict: ``workflow-paused``
    """
    with create_session() as session:
        if session.scalar(select(DagModel.is_paused).where(DagModel.dag_id == dag_id)):
            raise _paused(dag_id)


def find_run(dag_id: str, run_id: str) -> StartedRun | None:
    """Return the run of an id, if there is one."""
    with create_session() as session:
        return _find(session, dag_id, run_id)


def start_run(
    dag_id: str,
    run_id: str,
    conf: Mapping[str, Any],
    *,
    user_name: str | None = None,
    pinned: PinnedDag | None = None,
) -> StartedRun:
    """Make a queued DAG run, once: where one of this id is there already, that one is returned.

    :param conf: the input of the instance, and what is known about its start
    :param user_name: who starts it, as Airflow shows it
    :param pinned: what it is to run instead of the newest version; a step of another workflow waits for it then
    :raises Conflict: see :func:`loaded_bundle_version`
    :raises Misuse: Airflow itself does not accept the run
    """
    try:
        with create_session() as session:
            found = _find(session, dag_id, run_id)
            if found is not None:
                return found
            if pinned is not None:
                return _create_pinned(session, pinned, run_id, conf, user_name)
            return _create(session, dag_id, run_id, conf, user_name)
    except IntegrityError:
        # Somebody else made it in the same moment.
        found = find_run(dag_id, run_id)
        if found is None:
            raise
        return found


def _create(session: Session, dag_id: str, run_id: str, conf: Mapping[str, Any], user_name: str | None) -> StartedRun:
    _startable(session, dag_id)
    dag = _dag_bag().get_latest_version_of_dag(dag_id, session=session)
    if dag is None:
        raise not_loaded(dag_id)
    run = _queued(session, dag, run_id, conf, user_name, (DagRunType.MANUAL, DagRunTriggeredByType.REST_API))
    return StartedRun(
        dag_id, run_id, created=True, conf=conf, bundle_version=run.bundle_version, triggered_by=user_name
    )


def _create_pinned(
    session: Session, pinned: PinnedDag, run_id: str, conf: Mapping[str, Any], user_name: str | None
) -> StartedRun:
    """Make a run of an older version, as it would have been made when that was the newest.

    It is made like any run, of the newest version, and moved to the other before anybody else can see it.
    """
    dag_id = pinned.workflow_id
    version = version_of(session, loaded_model(session, dag_id), pinned)
    dag = _dag_bag().get_dag(version.id, session=session)
    if dag is None:
        raise not_loaded(dag_id)
    kind = DagRunType.OPERATOR_TRIGGERED, DagRunTriggeredByType.OPERATOR
    run = _queued(session, dag, run_id, conf, user_name, kind)
    run.created_dag_version = version
    run.bundle_version = version.bundle_version
    for task_instance in run.get_task_instances(session=session):
        task_instance.dag_version_id = version.id
    session.flush()
    return StartedRun(
        dag_id, run_id, created=True, conf=conf, bundle_version=version.bundle_version, triggered_by=user_name
    )


def _queued(
    session: Session,
    dag: SerializedDAG,
    run_id: str,
    conf: Mapping[str, Any],
    user_name: str | None,
    kind: tuple[DagRunType, DagRunTriggeredByType],
) -> DagRun:
    run_type, triggered_by = kind
    try:
        run = dag.create_dagrun(
            run_id=run_id,
            logical_date=None,
            run_after=now("UTC"),
            conf=dict(conf),
            run_type=run_type,
            triggered_by=triggered_by,
            triggering_user_name=user_name,
            state=DagRunState.QUEUED,
            session=session,
        )
    except (ParamValidationError, ValueError) as error:
        raise Misuse(str(error), code="run-refused") from error
    session.flush()
    return run


def _find(session: Session, dag_id: str, run_id: str) -> StartedRun | None:
    run = session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
    if run is None:
        return None
    return StartedRun(
        dag_id,
        run_id,
        created=False,
        conf=run.conf or {},
        bundle_version=run.bundle_version,
        triggered_by=run.triggering_user_name,
    )


def _startable(session: Session, dag_id: str) -> DagModel:
    model = loaded_model(session, dag_id)
    if model.has_import_errors:
        message = f"Airflow could not load workflow {dag_id!r}"
        raise Conflict(message, code="workflow-import-error", suggestion="see Airflow's import errors")
    if model.is_paused:
        raise _paused(dag_id)
    return model


def _paused(dag_id: str) -> Conflict:
    message = f"The DAG of workflow {dag_id!r} is paused in Airflow: an instance would wait for ever"
    return Conflict(message, code="workflow-paused", suggestion="unpause the DAG")


@cache
def _dag_bag() -> DBDagBag:
    return create_dag_bag()
