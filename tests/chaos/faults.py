"""The faults that are injected: a table, so that another one is one more function."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Final

from airflow_workflow_provider.failpoints import FAILPOINTS
from airflow_workflow_provider.local.configuration import METADATA_DATABASE, WORKFLOWS_DATABASE
from tests.chaos import databases, processes, runs
from tests.chaos.place import Place

Fault = Callable[[Place], None]

AT: Final = "killed at "
"""Before the name of a failpoint."""

_OUTAGES: Final = MappingProxyType({"15 s": 15, "2 minutes": 120, "10 minutes": 600})
_BY_NAME: Final = MappingProxyType({"workflow": WORKFLOWS_DATABASE, "metadata": METADATA_DATABASE})

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
        "connections cut": databases.cut_connections,
        "both databases read-only for 15 s": databases.read_only,
        "workflow database full for 15 s": databases.full,
        **{
            f"{name} database read-only for 15 s": partial(databases.one_read_only, name=database)
            for name, database in _BY_NAME.items()
        },
        **{
            f"PostgreSQL away for {time}": partial(databases.restart_postgres, seconds=seconds)
            for time, seconds in _OUTAGES.items()
        },
        **{
            f"{name} database away for {time}": partial(databases.one_away, name=database, seconds=seconds)
            for name, database in _BY_NAME.items()
            for time, seconds in _OUTAGES.items()
        },
        "clock stepped 90 s ahead, and back": partial(processes.step_clock, seconds=90),
        "clock stepped 90 s back, and ahead": partial(processes.step_clock, seconds=-90),
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

_LEADING: Final[MappingProxyType[str, Fault]] = MappingProxyType(
    {
        "rerun.run-made": runs.delete_runs,
        "end.noted": partial(runs.mark_runs, state="failed"),
        "operation.cleared": runs.restart_instances,
        "cancel.stored": runs.cancel_instances,
    }
)
"""What leads a process to a failpoint that no instance reaches by itself."""

FAULTS: Final[MappingProxyType[str, Fault]] = MappingProxyType(
    {
        **DIRECT,
        **{f"{AT}{name}": partial(processes.arm, name=name, then=_LEADING.get(name)) for name in FAILPOINTS},
    }
)
RARE: Final = MappingProxyType({name: 4 if "10 minutes" in name else 2 for name in FAULTS if "minutes" in name})
"""Faults that take long, which a run injects only if it is asked for them, and how many others come for each."""

_REACHING: Final = MappingProxyType(
    {
        "attempt.asked": "chaos.approved",
        "attempt.parked": "chaos.approved",
        "attempt": "chaos.plain",
        "answer": "chaos.approved-inline",
        "child": "chaos.parent-inline",
        "call": "chaos.branches-inline",
        "turn": "chaos.items-inline",
        "wakeup": "chaos.approved-inline",
    }
)


def reaching(fault: str) -> tuple[str, ...]:
    """Return the workflows of which instances must be started, so that a process comes to the failpoint of a fault."""
    name = fault.removeprefix(AT)
    found = _REACHING.get(name, _REACHING.get(name.partition(".")[0])) if fault.startswith(AT) else None
    return () if found is None else (found, found)


SHORT: Final = ("runs deleted", "runs ended in silence", "api-server killed", "tasks killed", "connections cut")
"""The faults of the short form."""


def possible(place: Place, name: str) -> bool:
    """Tell whether this machine allows a fault."""
    return (place.disk is not None or "full" not in name) and (place.clock is not None or "clock" not in name)


def turns(names: Sequence[str], seen: Mapping[str, int], number: int, dice: random.Random) -> list[str]:
    """Return the faults of some rounds: each time one of those that had the fewest, in proportion to :data:`RARE`."""
    counted = Counter(seen)
    found: list[str] = []
    for _ in range(number):
        name = min(names, key=lambda each: ((counted[each] + 1) * RARE.get(each, 1), dice.random()))
        counted[name] += 1
        found.append(name)
    return found
