"""The DAG of a revision of a workflow, for runs that are pinned to it (rule P5)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from airflow_workflow_provider.airflow_db.dag_versions import PinnedDag
from airflow_workflow_provider.dag.source import dag_of, dag_source

if TYPE_CHECKING:
    from airflow.sdk import DAG

    from airflow_workflow_provider.instances.graphs import Resolved


def pinned_dag(resolved: Resolved) -> PinnedDag:
    """Return the DAG that a definition and its tasks become."""

    def dag() -> DAG:
        return dag_of(
            revision=resolved.revision,
            definition=json.dumps(resolved.document),
            tasks=json.dumps(list(resolved.tasks)),
            grants=json.dumps(resolved.grants),
            dag_shape=resolved.dag_shape,
        )

    def source() -> str:
        return dag_source(
            resolved.document, resolved.tasks, resolved.revision, resolved.grants, dag_shape=resolved.dag_shape
        )

    return PinnedDag(resolved.workflow_id, resolved.revision, dag, source)
