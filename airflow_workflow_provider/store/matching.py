"""Which workflows and which waiting steps an event is for, by index (rules E1, E5).

``workflow_event_interests`` holds the shapes of the patterns in use: a row for each kind of pattern, not for each
pattern. An event and the shapes give the few patterns that can match it; those are looked up. Rows are never removed:
one that is not needed any more costs a look-up that finds nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import Connection, String, bindparam, cast, select, text
from sqlalchemy.dialects.postgresql import JSONPATH, insert

from airflow_workflow_provider.model.digests import digest
from airflow_workflow_provider.model.patterns import candidates, shape_of, values_at
from airflow_workflow_provider.store.tables import workflow_definitions as heads
from airflow_workflow_provider.store.tables import workflow_event_interests as interests

if TYPE_CHECKING:
    from airflow_workflow_provider.model.events import CloudEvent

ORDER_KEY: Final = 7_206_041_120_331_904_003
NO_SHAPE: Final = ""
"""Stands for patterns without wildcards."""


@dataclass(frozen=True)
class Interests:
    """The kinds of patterns in use.

    :param triggers: shapes of the patterns of definitions
    :param waits: shapes of the patterns of waiting steps, each with the paths that its correlation compares
    """

    triggers: tuple[str, ...]
    waits: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def read(cls, connection: Connection) -> Interests:
        """Read them as they are now."""
        return cls.of(connection.execute(select(interests.c.kind, interests.c.shape, interests.c.paths)).all())

    @classmethod
    def of(cls, rows: Sequence[Any]) -> Interests:
        """Those of rows that have ``kind``, ``shape`` and ``paths``; others are passed over."""
        return cls(
            tuple(row.shape for row in rows if row.kind == "trigger"),
            tuple((row.shape, tuple(json.loads(row.paths))) for row in rows if row.kind == "wait"),
        )


# The planner estimates a scan of a thousand definitions as cheaper than the index, because it does not know what
# comparing documents costs; unless it is switched off, it prices plans so high that it would compile them.
_ENTER: Final = text("""
    SELECT pg_advisory_xact_lock_shared(:key), set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)
""")
_LEAVE: Final = text("SELECT set_config('enable_seqscan', 'on', true), set_config('jit', 'on', true)")


def enter_arrival(connection: Connection) -> None:
    """Let events arrive until this transaction ends; any number at once, but none while :func:`stop_arrivals` holds."""
    connection.execute(_ENTER, {"key": ORDER_KEY})


def leave_arrival(connection: Connection) -> None:
    """Let the further statements of the transaction be planned as usual."""
    connection.execute(_LEAVE)


def stop_arrivals(connection: Connection) -> None:
    """Wait until every event that is arriving has arrived, and let no other arrive until this transaction ends.

    So what a reader sees is all there is up to now, without gaps; and a step that begins to wait and an event that
    arrives in the same moment cannot miss each other.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ORDER_KEY})


def note_triggers(connection: Connection, patterns: Iterable[str]) -> None:
    """Have events look for these patterns of a definition."""
    shapes = {shape for pattern in patterns if (shape := shape_of(pattern)) is not None}
    _note(connection, [{"kind": "trigger", "shape": shape, "paths": ""} for shape in sorted(shapes)])


def note_wait(connection: Connection, pattern: str, paths: Sequence[str]) -> None:
    """Have events look for the pattern of a waiting step and compare the values at these paths."""
    shape = shape_of(pattern) or NO_SHAPE
    _note(connection, [{"kind": "wait", "shape": shape, "paths": json.dumps(sorted(paths))}])


def _note(connection: Connection, rows: list[dict[str, str]]) -> None:
    if rows:
        connection.execute(insert(interests).values(rows).on_conflict_do_nothing())


def triggered_by(patterns: Iterable[str]) -> Any:
    """The condition that a definition is active and one of its triggers has one of these patterns."""
    tests = " || ".join(f"@ == {json.dumps(pattern)}" for pattern in sorted(patterns))
    path = bindparam(None, f"$[*].eventPattern ? ({tests})", String)
    return heads.c.active & heads.c.triggers.op("@?")(cast(path, JSONPATH))


def matching_workflows(connection: Connection, event_type: str) -> list[str]:
    """The ids of the workflows that an event of a type starts."""
    patterns = candidates(event_type, Interests.read(connection).triggers)
    query = select(heads.c.workflow_id).where(triggered_by(patterns)).order_by(heads.c.workflow_id)
    return list(connection.execute(query).scalars())


_NAMED: Final = text("""
    SELECT name
    FROM unnest(CAST(:names AS text[])) AS offered (name)
    WHERE EXISTS (
        SELECT FROM workflow_definitions AS definition
        WHERE definition.active
          AND definition.triggers @> jsonb_build_array(jsonb_build_object('eventPattern', offered.name))
    ) OR EXISTS (
        SELECT FROM workflow_event_waits AS wait WHERE wait.status = 'waiting' AND wait.pattern = offered.name
    )
""")


def named_literally(connection: Connection, names: Iterable[str]) -> set[str]:
    """Which of some names a definition or a waiting step has as its pattern, word for word (rule E1: assets)."""
    return set(connection.execute(_NAMED, {"names": sorted(set(names))}).scalars())


_ADD_DELIVERIES: Final = text("""
    WITH matched AS MATERIALIZED (
        SELECT DISTINCT wanted.type, found.workflow_id
        FROM unnest(CAST(:types AS text[]), CAST(:patterns AS text[])) AS wanted (type, pattern)
        -- OFFSET 0 keeps this a search of its own for each pattern.
        CROSS JOIN LATERAL (
            SELECT definition.workflow_id
            FROM workflow_definitions AS definition
            WHERE definition.active
              AND definition.triggers @> jsonb_build_array(jsonb_build_object('eventPattern', wanted.pattern))
            OFFSET 0
        ) AS found
    )
    , added AS (
        INSERT INTO workflow_event_deliveries (event_id, workflow_id)
        SELECT arrived.id, matched.workflow_id
        FROM matched
        JOIN unnest(CAST(:events AS uuid[]), CAST(:event_types AS text[])) AS arrived (id, type) USING (type)
        ON CONFLICT DO NOTHING
    )
    SELECT pg_notify(:channel, ''), set_config('enable_seqscan', 'on', true), set_config('jit', 'on', true)
""")


def add_deliveries(connection: Connection, events: Mapping[UUID, CloudEvent], known: Interests, channel: str) -> None:
    """Note for each event which workflows it has to start (rule E2), and leave the arrival.

    :param channel: whose listeners are notified, once it is true
    """
    types = {event.type for event in events.values()}
    wanted = [(name, pattern) for name in types for pattern in candidates(name, known.triggers)]
    values = {
        "types": [name for name, _ in wanted],
        "patterns": [pattern for _, pattern in wanted],
        "events": list(events),
        "event_types": [event.type for event in events.values()],
        "channel": channel,
    }
    connection.execute(_ADD_DELIVERIES, values)


_DELIVER_TO_WAITS: Final = text("""
    WITH first AS (
        SELECT DISTINCT ON (wait.id) wait.id, offered.event_id
        FROM unnest(CAST(:patterns AS text[]), CAST(:keys AS text[]), CAST(:events AS uuid[]))
             WITH ORDINALITY AS offered (pattern, key, event_id, place)
        JOIN workflow_event_waits AS wait
          ON wait.status = 'waiting' AND wait.pattern = offered.pattern AND wait.correlation_key = offered.key
        ORDER BY wait.id, offered.place
    )
    UPDATE workflow_event_waits AS wait
    SET status = 'received', event_id = first.event_id, updated_at = statement_timestamp()
    FROM first
    WHERE wait.id = first.id AND wait.status = 'waiting'
      AND (wait.deadline_at IS NULL OR wait.deadline_at > statement_timestamp())
""")


def deliver_to_waits(connection: Connection, events: Mapping[UUID, CloudEvent], known: Interests) -> int:
    """Give events to the steps that wait for them (rule E5); return how many steps got one.

    :param events: in the order of their arrival; a step gets the first that matches
    """
    patterns: list[str] = []
    keys: list[str] = []
    ids: list[UUID] = []
    for identifier, event in events.items():
        for shape, paths in known.waits:
            values = values_at(event.data, paths)
            if values is None:
                continue
            found = candidates(event.type, [shape]) - {event.type} if shape else {event.type}
            patterns += found
            keys += [correlation_key(values)] * len(found)
            ids += [identifier] * len(found)
    if not ids:
        return 0
    values = {"patterns": patterns, "keys": keys, "events": ids}
    return connection.execute(_DELIVER_TO_WAITS, values).rowcount


def correlation_key(values: Mapping[str, Any]) -> str:
    """One short text for the values that a waiting step compares; 1 and 1.0 are the same."""
    return digest({"values": dict(values)})
