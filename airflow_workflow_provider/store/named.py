"""The fields of log lines that say what they are about, outside of the attempts of steps."""

from __future__ import annotations

from contextlib import AbstractContextManager

from structlog.contextvars import bound_contextvars

from airflow_workflow_provider.store.instances import instance_id


def named(**names: object) -> AbstractContextManager[None]:
    """Give each line that is logged meanwhile these fields; a name without a value gives none."""
    return bound_contextvars(**{name: str(value) for name, value in names.items() if value is not None})


def named_run(dag_id: str, run_id: str, **names: object) -> AbstractContextManager[None]:
    """Like :func:`named`, about the instance of a DAG run."""
    return named(instance_id=instance_id(dag_id, run_id), dag_id=dag_id, run_id=run_id, **names)
