"""Since when the schedules of a definition count (rule E6)."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Row, func, select


def since_of(triggers: object, before: Row[Any, Any, Any, Any] | None, connection: Connection) -> list[str]:
    """Return since when the schedules of a definition that is published count, as ISO 8601, in their order.

    It is now, or for longer where the definition before had the same: so a new version misses no time that is due while
    it is published.

    :param before: of that definition, with ``triggers`` and ``scheduled_since``
    """
    schedules = _schedules(triggers)
    if not schedules:
        return []
    known: dict[str, list[str]] = {}
    if before is not None:
        for schedule, since in zip(_schedules(before.triggers), before.scheduled_since or [], strict=False):
            known.setdefault(_times(schedule), []).append(since)
    now = _now(connection)
    return [found.pop(0) if (found := known.get(_times(each))) else now for each in schedules]


def since_again(triggers: object, since: list[str], connection: Connection) -> list[str]:
    """Return since when schedules count whose workflow is active again; those that catch up missed nothing."""
    now = _now(connection)
    return [
        begin if schedule.get("catchup") is True else now
        for schedule, begin in zip(_schedules(triggers), since, strict=False)
    ]


def _now(connection: Connection) -> str:
    return str(connection.execute(select(func.statement_timestamp())).scalar_one().isoformat())


def _schedules(triggers: object) -> list[dict[str, Any]]:
    found = [each.get("schedule") for each in triggers if isinstance(each, dict)] if isinstance(triggers, list) else []
    return [each for each in found if isinstance(each, dict)]


def _times(schedule: dict[str, Any]) -> str:
    return json.dumps({key: value for key, value in schedule.items() if key != "input"}, sort_keys=True)
