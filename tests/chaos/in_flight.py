"""What has still to happen after the faults: until there is none of it left, nothing can be judged."""

from __future__ import annotations

import time
from collections.abc import Callable, Set
from typing import Any, Final

from sqlalchemy import text

from airflow_workflow_provider.store.database import Database

_OURS: Final = """
    SELECT 'instance ' || id FROM workflow_instances
    WHERE workflow_id LIKE 'chaos.%' AND (status NOT IN ('completed', 'failed') OR compensations_owed > 0)
    UNION ALL SELECT 'delivery of event ' || event.event_id
    FROM workflow_event_deliveries AS delivery JOIN workflow_events AS event ON event.id = delivery.event_id
    WHERE delivery.workflow_id LIKE 'chaos.%' AND delivery.status = 'pending'
    UNION ALL SELECT 'request of run ' || run_id FROM workflow_run_requests WHERE dag_id LIKE 'chaos.%'
    UNION ALL SELECT 'wake-up ' || id FROM workflow_wakeups WHERE dag_id LIKE 'chaos.%'
"""
"""A delivery that was claimed is pending, too: where its process died it is made when its lease is over."""

_OF_AIRFLOW: Final = """
    SELECT 'run ' || run_id || ' of ' || dag_id FROM dag_run
    WHERE dag_id LIKE 'chaos.%' AND state IN ('queued', 'running')
"""


def in_flight(workflows: Database, metadata: Database) -> frozenset[str]:
    """Return the names of what has not ended: instances, what they owe, and what starts or continues one.

    Our database is asked first: a run that it has requested meanwhile is in the other one then.
    """

    def names(database: Database, query: str) -> set[str]:
        found: Any = database.run(lambda connection: connection.execute(text(query)).scalars().all())
        return set(found)

    return frozenset(names(workflows, _OURS) | names(metadata, _OF_AIRFLOW))


def wait_for_the_end(
    look: Callable[[], Set[str]],
    seconds: float,
    *,
    without: Set[str] = frozenset(),
    meanwhile: Callable[[float], None] = lambda _: None,
    every: float = 1.0,
) -> frozenset[str]:
    """Wait until nothing is in flight; return what still is when the time is over.

    :param look: returns what is in flight
    :param without: what nobody waits for, because it had not ended before, and is known to be wrong
    :param meanwhile: is told the seconds since the begin each time that something is
    """
    began = time.monotonic()
    while left := frozenset(look() - without):
        waited = time.monotonic() - began
        if waited >= seconds:
            break
        meanwhile(waited)
        time.sleep(every)
    return left
