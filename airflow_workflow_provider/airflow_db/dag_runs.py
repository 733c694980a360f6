"""Creating the DAG run of an instance, as Airflow's own API does it (rule E4).

Needs Airflow's metadata database, so it works in the api-server and the scheduler, not in workers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from airflow.api_fastapi.common.dagbag import create_dag_bag
from airflow.exceptions import ParamValidationError
from airflow.models.dag import DagModel
from airflow.models.dag_version import DagVersion
from airflow.models.dagbundle import DagBundleModel
from airflow.models.dagrun import DagRun
from airflow.models.errors import ParseImportError
from airflow.models.serialized_dag import SerializedDagModel
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from pendulum import now
from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError

from airflow_workflow_provider.airflow_db.dag_versions import (
    NOT_LOADED,
    PinnedDag,
    loaded_model,
    not_loaded,
    version_of,
)
from airflow_workflow_provider.engine.scheduling import Due
from airflow_workflow_provider.errors import Conflict, Misuse
from airflow_workflow_provider.model.bundle_versions import revision_in
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow.models.dagbag import DBDagBag
    from airflow.serialization.definitions.dag import SerializedDAG
    from sqlalchemy.orm import Session

__all__ = ["NOT_LOADED"]

MOVED: Final = ProblemCode.WORKFLOW_VERSION_MOVED
"""Code of the conflict that Airflow has loaded another version since it was looked; look again."""


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


@dataclass(frozen=True)
class LoadedVersion:
    """The version of a workflow's DAG that Airflow would run now.

    :param id: of Airflow's row of it
    :param content: changes with the serialized DAG, of which Airflow may write another one into the same row
    :param bundle_version: null where the DAG's bundle has no versions
    :param tags: of the DAG; read only where the bundle has no versions
    """

    id: UUID
    content: str
    bundle_version: str | None
    tags: tuple[str, ...] = ()


def loaded_version(dag_id: str, *, paused_too: bool = False) -> LoadedVersion:
    """Return the version of which Airflow would run a DAG now.

    It is that of the serialized DAG. The DAG's own row is not asked: it has the number of each new bundle version even
    where Airflow puts off writing the DAG itself (``[core] min_serialized_dag_update_interval``).

    :param paused_too: also of a DAG that is paused, whose runs wait
    :raises Conflict: Airflow cannot start it: it does not know the DAG yet, could not read it, or it is paused
    """
    with create_session() as session:
        _startable(session, dag_id, paused_too=paused_too)
        return _loaded(session, dag_id)


def failed_to_load(dag_id: str, file: str, revision: int, published_at: datetime) -> bool:
    """Return whether Airflow has tried to load a revision of a workflow and could not.

    :param file: the name of its own file in its bundle, which it may have got when it could not be built
    :param published_at: when it was published; import errors from before are about something older
    """
    with create_session() as session:
        model = session.get(DagModel, dag_id)
        names = [file] if model is None else [file, model.relative_fileloc]
        query = (
            select(DagBundleModel.version)
            .select_from(ParseImportError)
            .outerjoin(DagBundleModel, DagBundleModel.name == ParseImportError.bundle_name)
            .where(
                or_(*(ParseImportError.filename == name for name in names)),
                ParseImportError.timestamp >= published_at,
            )
        )
        if model is not None:
            query = query.where(ParseImportError.bundle_name == model.bundle_name)
        found = session.scalars(query).all()
    known = map(revision_in, found)
    return any(each is None or each >= revision for each in known)


def import_error(dag_id: str) -> Conflict:
    """Return the conflict of a workflow whose DAG Airflow cannot load."""
    message = f"Airflow could not load workflow {dag_id!r}"
    return Conflict(message, code=ProblemCode.WORKFLOW_IMPORT_ERROR, suggestion="see Airflow's import errors")


def refuse_paused(dag_id: str) -> None:
    """Return only a DAG whose runs Airflow executes.

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
    version: LoadedVersion | None = None,
    pinned: PinnedDag | None = None,
    by_step: bool = False,
) -> StartedRun:
    """Make a queued DAG run, once: where one of this id is there already, that one is returned.

    :param conf: the input of the instance, and what is known about its start
    :param user_name: who starts it, as Airflow shows it
    :param version: what it is to run, as :func:`loaded_version` gave it; by default what is loaded
    :param pinned: what it is to run instead of the newest version
    :param by_step: a step of another workflow waits for it; it is made even where the DAG is paused
    :raises Conflict: see :func:`loaded_version`; ``workflow-version-moved``: it is not what Airflow would run any more
    :raises Misuse: Airflow itself does not accept the run
    """
    try:
        with create_session() as session:
            found = _find(session, dag_id, run_id)
            if found is not None:
                return found
            if pinned is not None:
                return _create_pinned(session, pinned, _Order(run_id, conf, user_name, by_step))
            _startable(session, dag_id, paused_too=by_step)
            return _create(session, dag_id, _Order(run_id, conf, user_name, by_step), version)
    except IntegrityError:
        # Somebody else made it in the same moment.
        found = find_run(dag_id, run_id)
        if found is None:
            raise
        return found


@dataclass(frozen=True)
class _Order:
    """A run that is to be made; see :func:`start_run`."""

    run_id: str
    conf: Mapping[str, Any]
    user_name: str | None
    by_step: bool

    @property
    def due(self) -> Due | None:
        """What the run is for, where a schedule is the reason for it."""
        return Due.of_run(self.run_id)

    @property
    def kind(self) -> tuple[DagRunType, DagRunTriggeredByType]:
        if self.by_step:
            return DagRunType.OPERATOR_TRIGGERED, DagRunTriggeredByType.OPERATOR
        if self.due is not None:
            # It is made again for an instance whose run was deleted; only a timetable makes runs of such an id.
            return DagRunType.SCHEDULED, DagRunTriggeredByType.TIMETABLE
        return DagRunType.MANUAL, DagRunTriggeredByType.REST_API

    def made(self, run: DagRun) -> StartedRun:
        return StartedRun(
            run.dag_id,
            self.run_id,
            created=True,
            conf=self.conf,
            bundle_version=run.bundle_version,
            triggered_by=self.user_name,
        )


def _create(session: Session, dag_id: str, order: _Order, expected: LoadedVersion | None) -> StartedRun:
    """Make a run of the newest version, whose code it runs too, whatever the DAG's own row says."""
    newest = DagVersion.get_latest_version(dag_id, session=session)
    if newest is None:
        raise not_loaded(dag_id)
    # So that Airflow does not write another DAG into the row while the run is made.
    session.refresh(newest, with_for_update=True)
    found = _loaded(session, dag_id)
    serialized = SerializedDagModel.get(dag_id, session=session)
    if serialized is None or found.id != newest.id or (expected is not None and found != expected):
        raise _moved(dag_id)
    run = _queued(session, serialized.dag, order)
    if run.created_dag_version_id != found.id:
        raise _moved(dag_id)
    run.bundle_version = found.bundle_version
    session.flush()
    return order.made(run)


def _moved(dag_id: str) -> Conflict:
    return Conflict(f"Airflow has just loaded another version of workflow {dag_id!r}", code=MOVED)


def _loaded(session: Session, dag_id: str) -> LoadedVersion:
    row = session.execute(
        select(DagVersion.id, SerializedDagModel.dag_hash, DagVersion.bundle_version)
        .join(SerializedDagModel, SerializedDagModel.dag_version_id == DagVersion.id)
        .where(DagVersion.dag_id == dag_id)
        .order_by(DagVersion.version_number.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        raise not_loaded(dag_id)
    if row.bundle_version is not None:
        return LoadedVersion(row.id, row.dag_hash, row.bundle_version)
    serialized = SerializedDagModel.get(dag_id, session=session)
    tags = sorted(serialized.dag.tags) if serialized is not None else ()
    return LoadedVersion(row.id, row.dag_hash, None, tuple(tags))


def _create_pinned(session: Session, pinned: PinnedDag, order: _Order) -> StartedRun:
    """Make a run of an older version, as it would have been made when that was the newest.

    It is made like any run, of the newest version, and moved to the other before anybody else can see it.
    """
    dag_id = pinned.workflow_id
    version = version_of(session, loaded_model(session, dag_id), pinned)
    dag = _dag_bag().get_dag(version.id, session=session)
    if dag is None:
        raise not_loaded(dag_id)
    run = _queued(session, dag, order)
    run.created_dag_version = version
    run.bundle_version = version.bundle_version
    for task_instance in run.get_task_instances(session=session):
        task_instance.dag_version_id = version.id
    session.flush()
    return order.made(run)


def _queued(session: Session, dag: SerializedDAG, order: _Order) -> DagRun:
    run_type, triggered_by = order.kind
    moment = order.due.moment if order.due is not None else None
    try:
        run = dag.create_dagrun(
            run_id=order.run_id,
            logical_date=moment,
            data_interval=(moment, moment) if moment is not None else None,
            run_after=now("UTC"),
            conf=dict(order.conf),
            run_type=run_type,
            triggered_by=triggered_by,
            triggering_user_name=order.user_name,
            state=DagRunState.QUEUED,
            session=session,
        )
    except (ParamValidationError, ValueError) as error:
        raise Misuse(str(error), code=ProblemCode.RUN_REFUSED) from error
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


def _startable(session: Session, dag_id: str, *, paused_too: bool = False) -> None:
    model = loaded_model(session, dag_id)
    if model.has_import_errors:
        raise import_error(dag_id)
    if model.is_paused and not paused_too:
        raise _paused(dag_id)


def _paused(dag_id: str) -> Conflict:
    message = f"The DAG of workflow {dag_id!r} is paused in Airflow: an instance would wait forever"
    return Conflict(message, code=ProblemCode.WORKFLOW_PAUSED, suggestion="unpause the DAG")


@cache
def _dag_bag() -> DBDagBag:
    return create_dag_bag()
