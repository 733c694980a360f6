"""The processes in which the api-server evaluates untrusted input, and the user of each evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from airflow_workflow_provider.bounded.doors import behind
from airflow_workflow_provider.bounded.limits import Limits
from airflow_workflow_provider.bounded.pool import Pool, PoolDoor, shared_pool
from airflow_workflow_provider.settings import load_settings

WARM: Final = (
    "airflow_workflow_provider.tasks.evaluating",
    "airflow_workflow_provider.views.components",
    "airflow_workflow_provider.engine.masking",
    "airflow_workflow_provider.engine.triggering",
    "airflow_workflow_provider.store.reasons",
    "airflow_workflow_provider.model.checks",
    "airflow_workflow_provider.model.expressions.jmes",
    "airflow_workflow_provider.model.expressions.jsonata",
    "jsonschema",
)
"""What the processes have imported before they are ready."""


def evaluations() -> Pool:
    """Return the pool of this process."""
    return shared_pool(lambda: Pool(Limits.configured(load_settings()), WARM))


@contextmanager
def evaluating_for(who: str, what: str) -> Iterator[None]:
    """Have everything that is computed over foreign words until the context ends done in the pool.

    :param who: whose work it is
    :param what: by which way it came, as messages and the log call it
    """
    with behind(PoolDoor(evaluations, who, what)):
        yield
