"""What must hold after every round, whatever was injected: each invariant gives the sentences that are not true."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from sqlalchemy import text

from airflow_workflow_provider.store.database import Database
from tests.chaos.workload import COMPENSATING, Accepted

Rows = Callable[..., list[Any]]

TERMINAL: Final = ("completed", "failed")
NO_RUN: Final[Mapping[tuple[str, str], str]] = MappingProxyType({})
OPENED_AGAIN: Final = ("instance.restarted", "instance.retried", "instance.compensationStarted", "step.rerun")
"""What the log says before an instance that has ended continues; the last one where Airflow runs a task again."""


@dataclass(frozen=True)
class Violation:
    """What does not hold.

    :param kind: ``lost`` where something accepted is not there or twice
    """

    kind: Literal["lost", "wrong"]
    sentence: str


def violations(
    workflows: Database, metadata: Database, accepted: Accepted, ended: Mapping[tuple[str, str], str] = NO_RUN
) -> list[Violation]:
    """Return everything that does not hold.

    :param ended: the runs whose end a fault decided, by the ids of DAG and run, with that end
    """
    rows, airflow = _asking(workflows), _asking(metadata)
    lost = (_every_start_once(rows, accepted), _every_event_once(rows, accepted))
    wrong: tuple[Iterable[str], ...] = (
        _everything_ended_as_its_run(rows, airflow, ended),
        _results_once(rows),
        _compensations_complete(rows),
        _nothing_open_on_the_ended(rows),
        _log_without_gaps(rows, ended),
    )
    return [
        *(Violation("lost", sentence) for check in lost for sentence in check),
        *(Violation("wrong", sentence) for check in wrong for sentence in check),
    ]


def unpaid(workflows: Database) -> list[tuple[str, str]]:
    """Return what waits for payment, as the ids of waits with the keys of instances."""
    query = """
        SELECT id::text, correlation ->> 'key' FROM workflow_event_waits
        WHERE status = 'waiting' AND pattern = 'chaos.paid'
    """
    return [(row[0], row[1]) for row in _asking(workflows)(query)]


def last_change(workflows: Database, prefix: str) -> float | None:
    """Return when an instance of a round changed last, in seconds since 1970; None where there is none."""
    query = "SELECT extract(epoch FROM max(updated_at)) FROM workflow_instances WHERE correlation_id LIKE :prefix"
    found = _asking(workflows)(query, prefix=f"{prefix}-%")[0][0]
    return None if found is None else float(found)


def keys_of(workflows: Database) -> dict[str, str]:
    """Return the keys with which instances were started, by the ids of the instances."""
    query = "SELECT id::text, correlation_id FROM workflow_instances WHERE correlation_id IS NOT NULL"
    return {row[0]: row[1] for row in _asking(workflows)(query)}


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

    def delivery(event: str) -> str:
        states = rows(
            "SELECT delivery.status, delivery.reason ->> 'message' AS reason, delivery.attempts, delivery.held, "
            "extract(epoch FROM delivery.due_at - now())::int AS due FROM workflow_events AS event "
            "JOIN workflow_event_deliveries AS delivery ON delivery.event_id = event.id WHERE event.event_id = :event",
            event=event,
        )
        return ", ".join(_delivery(row) for row in states) or "missing"

    for event in accepted.events:
        if numbers.get(event) != 1:
            yield f"event {event} has started {numbers.get(event, 0)} instances, its delivery is {delivery(event)}"


def _delivery(row: Any) -> str:
    found = f"{row.status} ({row.reason})" if row.reason else str(row.status)
    if row.status != "pending":
        return found
    return f"{found}, tried {row.attempts} times, {'claimed' if row.held else 'not claimed'}, due in {row.due} s"


def _everything_ended_as_its_run(rows: Rows, airflow: Rows, ended: Mapping[tuple[str, str], str]) -> Iterable[str]:
    """Each instance has ended, and as its run; where a fault let the run fail, the instance may have been faster."""
    states = {
        (row.dag_id, row.run_id): row.state
        for row in airflow("SELECT dag_id, run_id, state FROM dag_run WHERE dag_id LIKE 'chaos.%'")
    }
    query = "SELECT id, dag_id, run_id, status, error FROM workflow_instances WHERE workflow_id LIKE 'chaos.%'"
    for row in rows(query):
        state = states.get((row.dag_id, row.run_id))
        run = f"run {row.run_id} of {row.dag_id}"
        if row.status not in TERMINAL:
            yield f"instance {row.id} is {row.status} without an end, {run} is {state}"
        elif (row.status, state) == ("completed", "failed") and ended.get((row.dag_id, row.run_id)) == "failed":
            continue
        elif state is not None and state != {"completed": "success", "failed": "failed"}[row.status]:
            yield f"instance {row.id} is {row.status}, {run} is {state}"


def _results_once(rows: Rows) -> Iterable[str]:
    query = """
        SELECT instance_id, scope, step_id, visit, event, count(*) AS number FROM workflow_execution_logs
        WHERE event IN ('step.completed', 'compensation.completed')
          AND instance_id IN (SELECT id FROM workflow_instances WHERE workflow_id LIKE 'chaos.%')
        GROUP BY 1, 2, 3, 4, 5 HAVING count(*) > 1
    """
    for row in rows(query):
        yield f"{row.event} of step {row.step_id} of instance {row.instance_id} is there {row.number} times"


def _compensations_complete(rows: Rows) -> Iterable[str]:
    """Each completed visit of a failed instance is compensated, or owed.

    Its error tells whether its workflow handled the failure: an instance whose compensations failed says so.
    """
    query = """
        SELECT instance.id, instance.compensations_owed AS owed,
               count(*) FILTER (WHERE log.event = 'step.completed' AND log.step_id IN ('reserve', 'pay')) AS completed,
               count(*) FILTER (WHERE log.event = 'compensation.completed') AS compensated,
               count(*) FILTER (WHERE log.event = 'compensation.failed') AS failed
        FROM workflow_instances AS instance JOIN workflow_execution_logs AS log ON log.instance_id = instance.id
        WHERE instance.workflow_id = ANY(:compensating) AND instance.status = 'failed'
          AND NOT EXISTS (SELECT 1 FROM workflow_execution_logs AS again WHERE again.instance_id = instance.id
                          AND again.event IN ('instance.restarted', 'instance.retried'))
        GROUP BY 1, 2
    """
    for row in rows(query, compensating=list(COMPENSATING)):
        if row.completed != row.compensated + row.failed + row.owed:
            yield (
                f"instance {row.id} has completed {row.completed} visits, compensated {row.compensated}, "
                f"failed to compensate {row.failed}, and owes {row.owed}"
            )


def _nothing_open_on_the_ended(rows: Rows) -> Iterable[str]:
    for table, status in (("workflow_questions", "open"), ("workflow_event_waits", "waiting")):
        query = f"""
            SELECT open.id, open.instance_id
            FROM {table} AS open JOIN workflow_instances AS instance ON instance.id = open.instance_id
            WHERE open.status = :status AND instance.status IN ('completed', 'failed')
              AND instance.workflow_id LIKE 'chaos.%'
        """  # noqa: S608 - names of ours
        for row in rows(query, status=status):
            yield f"{row.id} of {table} is {status}, and instance {row.instance_id} has ended"


def _log_without_gaps(rows: Rows, ended: Mapping[tuple[str, str], str]) -> Iterable[str]:
    """Each instance has a start and an end; a second end, of the other kind, where a fault decided how its run ends."""
    query = """
        SELECT instance.id, instance.status, instance.dag_id, instance.run_id,
               count(*) FILTER (WHERE log.event = 'instance.started') AS starts,
               count(*) FILTER (WHERE log.event = 'instance.restarted') AS restarts,
               count(*) FILTER (WHERE log.event = 'instance.completed') AS completed,
               count(*) FILTER (WHERE log.event = 'instance.failed') AS failed,
               count(*) FILTER (WHERE log.event = ANY(:again)) AS again
        FROM workflow_instances AS instance LEFT JOIN workflow_execution_logs AS log ON log.instance_id = instance.id
        WHERE instance.workflow_id LIKE 'chaos.%' GROUP BY 1, 2, 3, 4
    """
    for row in rows(query, again=list(OPENED_AGAIN)):
        if not 1 <= row.starts <= 1 + row.restarts:
            yield f"the log of instance {row.id} has {row.starts} starts, and {row.restarts} restarts"
        ends = row.completed + row.failed
        decided = (row.dag_id, row.run_id) in ended and row.completed and row.failed
        if row.status in TERMINAL and not 1 <= ends <= 1 + row.again + bool(decided):
            yield (
                f"the log of instance {row.id} has {ends} ends, {row.completed} of them completed, "
                f"and was opened again {row.again} times"
            )
    yield from _steps_without_gaps(rows)


def _steps_without_gaps(rows: Rows) -> Iterable[str]:
    """Each visit of a step that has completed has begun, and the visits of a step are counted from one."""
    query = """
        SELECT log.instance_id AS id, log.scope, log.step_id,
               array_agg(DISTINCT log.visit) FILTER (WHERE log.event = 'step.started') AS started,
               array_agg(DISTINCT log.visit) FILTER (WHERE log.event = 'step.completed') AS completed
        FROM workflow_execution_logs AS log JOIN workflow_instances AS instance ON instance.id = log.instance_id
        WHERE instance.workflow_id LIKE 'chaos.%' AND log.event IN ('step.started', 'step.completed')
        GROUP BY 1, 2, 3
    """
    for row in rows(query):
        started, completed = set(row.started or ()), set(row.completed or ())
        place = f"step {row.step_id} in {row.scope!r} of instance {row.id}"
        if completed - started:
            yield f"{place} has completed visits {sorted(completed)}, and {sorted(started)} have begun"
        if started and started != set(range(1, max(started) + 1)):
            yield f"{place} has visits {sorted(started)}"
