"""The DAG of a revision of a workflow, for runs that are pinned to it (rule P5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_workflow_provider.airflow_db.dag_versions import PinnedDag
from airflow_workflow_provider.dag.source import dag_from, dag_source
from airflow_workflow_provider.settings import load_settings

if TYPE_CHECKING:
    from airflow.sdk import DAG

    from airflow_workflow_provider.instances.graphs import Resolved


def pinned_dag(resolved: Resolved) -> PinnedDag:
    """Return the DAG that a definition and its tasks become."""

    def dag() -> DAG:
        return dag_from(
            resolved.document,
            resolved.tasks,
            revision=resolved.revision,
            grants=resolved.grants,
            shape=resolved.dag_shape,
            settings=load_settings(),
        )

    def source() -> str:
        return dag_source(
            resolved.document, resolved.tasks, resolved.revision, resolved.grants, dag_shape=resolved.dag_shape
        )

    return PinnedDag(resolved.workflow_id, resolved.revision, dag, source)
