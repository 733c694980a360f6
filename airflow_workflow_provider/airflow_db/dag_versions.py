"""Versions of a workflow's DAG that are missing in Airflow's own tables (rule P5).

Airflow keeps a version of a DAG only if it ran before the next one came. A run that is pinned to another one needs
its serialized DAG, so it is written here as Airflow's dag-processor would have written it then: below the newest
version, which stays the newest. Its tasks run with the files of its bundle version, as those of any older run do.

Needs Airflow's metadata database, and tables of Airflow that are no public interface.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from airflow.models.dag import DagModel
from airflow.models.dag_version import DagVersion
from airflow.models.dagcode import DagCode
from airflow.models.serialized_dag import SerializedDagModel
from airflow.serialization.serialized_objects import LazyDeserializedDAG
from sqlalchemy import select

from airflow_workflow_provider.errors import Conflict
from airflow_workflow_provider.model.bundle_versions import revision_in
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow.sdk import DAG
    from sqlalchemy.orm import Session

NOT_LOADED: Final = ProblemCode.WORKFLOW_NOT_LOADED
"""Code of the conflict that passes by itself: Airflow has not read the definition yet."""

UNVERSIONED: Final = ProblemCode.BUNDLE_WITHOUT_VERSIONS
"""Code of the conflict that stays: the DAG comes from a bundle that only has its newest version."""


@dataclass(frozen=True)
class PinnedDag:
    """A revision of a workflow's DAG, made when it is needed.

    :param dag: gives the DAG
    :param source: gives the text of its file
    """

    workflow_id: str
    revision: int
    dag: Callable[[], DAG]
    source: Callable[[], str]


def loaded_model(session: Session, dag_id: str) -> DagModel:
    """Return what Airflow knows of a workflow's DAG.

    :raises Conflict: it does not know the DAG
    """
    model: DagModel | None = session.scalar(select(DagModel).where(DagModel.dag_id == dag_id, ~DagModel.is_stale))
    if model is None:
        raise not_loaded(dag_id)
    return model


def not_loaded(dag_id: str) -> Conflict:
    """Return the conflict of a DAG that Airflow does not know."""
    message = f"Airflow has not loaded workflow {dag_id!r} yet"
    return Conflict(message, code=NOT_LOADED, suggestion="it takes some seconds after publishing; try again")


def version_of(session: Session, model: DagModel, pinned: PinnedDag) -> DagVersion:
    """Return Airflow's version of a DAG that runs a revision of its workflow; written, where it is not there.

    :raises Conflict: Airflow has not loaded the DAG, or its bundle has no versions
    :raises InvalidDefinition: the definition cannot become a DAG here
    """
    if revision_in(model.bundle_version) is None:
        message = f"The DAG of workflow {model.dag_id!r} comes from a bundle that only has its newest version"
        raise Conflict(message, code=UNVERSIONED, suggestion="use the WorkflowDagBundle")
    found = _found(session, model, pinned)
    if found is not None:
        return found
    # Made before anything is locked: the first time it imports the operators.
    serialized = _serialized(model, pinned)
    versions = select(DagVersion).where(DagVersion.dag_id == model.dag_id)
    newest = session.scalar(versions.order_by(DagVersion.version_number.desc()).limit(1).with_for_update())
    if newest is None:
        raise not_loaded(model.dag_id)
    # A writer of a version locks the newest one, so that no number is given twice.
    return _found(session, model, pinned) or _written(session, model, newest, pinned, serialized)


def _found(session: Session, model: DagModel, pinned: PinnedDag) -> DagVersion | None:
    query = select(DagVersion).join(SerializedDagModel, SerializedDagModel.dag_version_id == DagVersion.id)
    query = query.where(DagVersion.dag_id == model.dag_id, DagVersion.bundle_version == str(pinned.revision))
    found: DagVersion | None = session.scalar(query.order_by(DagVersion.version_number.desc()).limit(1))
    return found


def _serialized(model: DagModel, pinned: PinnedDag) -> SerializedDagModel:
    dag = pinned.dag()
    dag.fileloc, dag.relative_fileloc = str(model.fileloc), model.relative_fileloc
    return SerializedDagModel(LazyDeserializedDAG.from_dag(dag))


def _written(
    session: Session, model: DagModel, newest: DagVersion, pinned: PinnedDag, serialized: SerializedDagModel
) -> DagVersion:
    number = newest.version_number
    newest.version_number += 1
    session.flush()
    version = DagVersion(
        dag_id=model.dag_id,
        version_number=number,
        bundle_name=newest.bundle_name,
        bundle_version=str(pinned.revision),
    )
    serialized.dag_version = version
    session.add_all([version, serialized, DagCode(version, str(model.fileloc), pinned.source())])
    session.flush()
    return version
