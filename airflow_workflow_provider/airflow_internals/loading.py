"""What Airflow does with a DAG after reading its file, and the errors that it then reports for the file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import structlog
from airflow import settings

from airflow_workflow_provider.errors import InvalidDefinition

if TYPE_CHECKING:
    from airflow.sdk import DAG

_KNOWN: Final = (
    f"{__name__.partition('.')[0]}.",
    "airflow.sdk.",
    "airflow.providers.standard.",
    "abc",
    "builtins",
    "typing",
)
"""Begins the modules of classes whose instances can be serialized, whatever the definition says."""


def check_loadable(dag: DAG, another: Callable[[], DAG]) -> None:
    """Raise what Airflow would raise about a DAG, of which it would say that the whole file is wrong.

    Airflow does the same again when it has the DAG; a cluster policy may change what it is given. So a DAG of foreign
    operators, or of an installation with policies, is tried with another one that is thrown away.

    :param another: builds the same DAG once more
    :raises Exception: whatever Airflow, a cluster policy or an operator that cannot be serialized raises
    """
    anything: Any = dag
    anything.validate()
    if _is_plain(dag) and not _policies():
        return
    # Not where a task imports this: it reads one DAG, and Airflow checks it anyway.
    from airflow.dag_processing import dagbag, processor

    tried = another()
    dagbag._validate_executor_fields(tried)
    bag = dagbag.DagBag(collect_dags=False)
    bag.bag_dag(tried)
    _, errors = processor._serialize_dags(bag, structlog.get_logger(__name__))
    for error in errors.values():
        raise InvalidDefinition(error)


def _is_plain(dag: DAG) -> bool:
    """Return whether all operators are known to be serializable."""
    kinds = {type(task) for task in dag.tasks}
    foreign = any(not each.__module__.startswith(_KNOWN) for kind in kinds for each in kind.__mro__)
    return not foreign and not any(task.executor for task in dag.tasks)


def _policies() -> bool:
    manager = settings.get_policy_plugin_manager()
    hooks = (manager.hook.dag_policy, manager.hook.task_policy)
    return any(hook.get_hookimpls() for hook in hooks)
