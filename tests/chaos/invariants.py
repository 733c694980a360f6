"""What must hold after every round, whatever was injected: each invariant gives the sentences that are not true."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from sqlalchemy import text

from airflow_workflow_provider.store.database import Database
from tests.chaos.workload import Accepted

Rows = Callable[..., list[Any]]

TERMINAL: Final = ("completed", "failed")


def violations(workflows: Database, metadata: Database, accepted: Accepted) -> list[str]:
    """Return everything that does not hold."""
    rows, airflow = _asking(workflows), _asking(metadata)
    checks: tuple[Iterable[str], ...] = (
        _every_start_once(rows, accepted),
        _every_event_once(rows, accepted),
        _everything_ended_as_its_run(rows, airflow),
        _results_once(rows),
        _nothing_open_on_the_ended(rows),
        _log_without_gaps(rows),
    )
    return [sentence for check in checks for sentence in check]


def unfinished(workflows: Database) -> int:
    """Return how many instances have not ended."""
    query = """
        SELECT count(*) FROM workflow_instances
        WHERE workflow_id LIKE 'chaos.%' AND status NOT IN ('completed', 'failed')
    """
    return int(_asking(workflows)(query)[0][0])


def _asking(database: Database) -> Rows:
    def ask(query: str, **values: Any) -> list[Any]:
        return list(database.run(lambda connection: connection.execute(text(query), values).all()))

    return ask


def _every_start_once(rows: Rows, accepted: Accepted) -> Iterable[str]:
    found = rows(
        "SELECT correlation_id, count(*) AS number, min(id::text) AS id FROM workflow_instances "
        "WHERE correlation_id = ANY(:keys) AND parent_instance_id IS NULL GROUP BY correlation_id",
        keys=list(accepted.starts),
    )
    numbers = {row.correlation_id: row for row in found}
    for key in accepted.starts:
        row = numbers.get(key)
        if row is None or row.number != 1 or row.id != accepted.instances[key]:
            yield f"start {key} has {0 if row is None else row.number} instances"


def _every_event_once(rows: Rows, accepted: Accepted) -> Iterable[str]:
    found = rows(
        "SELECT event ->> 'id' AS id, count(*) AS number FROM workflow_instances "
        "WHERE workflow_id = 'chaos.triggered' GROUP BY 1"
    )
    numbers = {row.id: row.number for row in found}
    for event in accepted.events:
        if numbers.get(event) != 1:
            yield f"event {event} has started {numbers.get(event, 0)} instances"


def _everything_ended_as_its_run(rows: Rows, airflow: Rows) -> Iterable[str]:
    states = {
        (row.dag_id, row.run_id): row.state
        for row in airflow("SELECT dag_id, run_id, state FROM dag_run WHERE dag_id LIKE 'chaos.%'")
    }
    query = "SELECT id, dag_id, run_id, status, error FROM workflow_instances WHERE workflow_id LIKE 'chaos.%'"
    for row in rows(query):
        state = states.get((row.dag_id, row.run_id))
        if row.status not in TERMINAL:
            yield f"instance {row.id} of {row.dag_id} is {row.status} for ever, its run {state}"
        elif state is not None and state != {"completed": "success", "failed": "failed"}[row.status]:
            yield f"instance {row.id} of {row.dag_id} is {row.status}, its run {state}"


def _results_once(rows: Rows) -> Iterable[str]:
    query = """
        SELECT instance_id, scope, step_id, visit, count(*) AS number FROM workflow_execution_logs
        WHERE event = 'step.completed' GROUP BY 1, 2, 3, 4 HAVING count(*) > 1
    """
    for row in rows(query):
        yield f"step {row.step_id} of instance {row.instance_id} was completed {row.number} times"


def _nothing_open_on_the_ended(rows: Rows) -> Iterable[str]:
    for table, status in (("workflow_questions", "open"), ("workflow_event_waits", "waiting")):
        query = f"""
            SELECT open.id FROM {table} AS open JOIN workflow_instances AS instance ON instance.id = open.instance_id
            WHERE open.status = :status AND instance.status IN ('completed', 'failed')
        """  # noqa: S608 - names of ours
        for row in rows(query, status=status):
            yield f"{row.id} of {table} is {status}, and its instance has ended"


def _log_without_gaps(rows: Rows) -> Iterable[str]:
    query = """
        SELECT instance.id, instance.status,
               count(*) FILTER (WHERE log.event = 'instance.started') AS starts,
               count(*) FILTER (WHERE log.event IN ('instance.completed', 'instance.failed')) AS ends,
               count(*) FILTER (WHERE log.event = 'step.completed') AS completed,
               count(DISTINCT (log.scope, log.step_id, log.visit)) FILTER (WHERE log.event = 'step.started') AS started
        FROM workflow_instances AS instance LEFT JOIN workflow_execution_logs AS log ON log.instance_id = instance.id
        WHERE instance.workflow_id LIKE 'chaos.%' GROUP BY 1, 2
    """
    for row in rows(query):
        if row.starts != 1 or (row.status in TERMINAL and row.ends != 1):
            yield f"the log of instance {row.id} has {row.starts} starts and {row.ends} ends"
        if row.completed > row.started:
            yield f"the log of instance {row.id} has {row.completed} completed steps, and {row.started} that started"
