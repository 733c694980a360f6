"""The faults that are injected: a table, so that another one is one more function."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import MappingProxyType
from typing import Final

from airflow_workflow_provider.failpoints import FAILPOINTS
from tests.chaos import databases, processes, runs
from tests.chaos.place import Place

Fault = Callable[[Place], None]

AT: Final = "killed at "
"""Before the name of a failpoint."""

DIRECT: Final[MappingProxyType[str, Fault]] = MappingProxyType(
    {
        "api-server killed": partial(processes.kill_daemon, name="api-server"),
        "scheduler and workers killed": partial(processes.kill_daemon, name="scheduler"),
        "scheduler killed alone": processes.kill_scheduler_alone,
        "workers killed": processes.kill_workers,
        "tasks killed": processes.kill_some_tasks,
        "dag-processor killed": partial(processes.kill_daemon, name="dag-processor"),
        "triggerer killed": partial(processes.kill_daemon, name="triggerer"),
        "two schedulers, one killed": processes.two_schedulers,
        "PostgreSQL killed": databases.kill_postgres,
        "PostgreSQL away for 15 s": partial(databases.restart_postgres, seconds=15),
        "PostgreSQL away for 2 minutes": partial(databases.restart_postgres, seconds=120),
        "connections cut": databases.cut_connections,
        "databases read-only for 15 s": databases.read_only,
        "workflow database read-only for 15 s": databases.workflows_read_only,
        "workflow database full for 15 s": databases.full,
        "workflow database away for 15 s": partial(databases.workflows_away, seconds=15),
        "workflow database away for 2 minutes": partial(databases.workflows_away, seconds=120),
        "workflow database away for 10 minutes": partial(databases.workflows_away, seconds=600),
        "metadata database away for 15 s": partial(databases.metadata_away, seconds=15),
        "metadata database away for 2 minutes": partial(databases.metadata_away, seconds=120),
        "runs deleted": runs.delete_runs,
        "runs ended in silence": runs.end_runs_in_silence,
        "runs marked failed": partial(runs.mark_runs, state="failed"),
        "runs marked success": partial(runs.mark_runs, state="success"),
        "tasks marked failed": runs.mark_tasks,
        "tasks cleared": runs.clear_tasks,
        "DAG deleted": runs.delete_dag,
        "versions published": runs.publish_versions,
        "instances restarted": runs.restart_instances,
        "instances cancelled": runs.cancel_instances,
    }
)

FAULTS: Final[MappingProxyType[str, Fault]] = MappingProxyType(
    {**DIRECT, **{f"{AT}{name}": partial(processes.arm, name=name) for name in FAILPOINTS}}
)
RARE: Final = frozenset(name for name in FAULTS if "minutes" in name)
"""Faults that take long, which a run injects only if it is asked for them."""

SHORT: Final = ("runs deleted", "runs ended in silence", "api-server killed", "tasks killed", "connections cut")
"""The faults of the short form."""


def possible(place: Place, name: str) -> bool:
    """Tell whether this machine allows a fault."""
    return place.disk is not None or "full" not in name
