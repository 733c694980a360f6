"""The hosts of the components: which version of this package each one has, and how far its clock is ahead.

Api-server, scheduler, dag-processor, triggerer and workers note their host when they begin to work with the database
and every few minutes after. ``doctor`` compares what they noted.
"""

from __future__ import annotations

import logging
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from airflow_workflow_provider import __version__

log = logging.getLogger(__name__)

SKEW_WARNING: Final = timedelta(seconds=2)
SKEW_ERROR: Final = timedelta(seconds=30)

_KEPT: Final = timedelta(days=1)
_NOTED_AGAIN: Final = timedelta(minutes=5)

# One row is read for each process; only the first process of a host in five minutes writes.
_IS_RECENT: Final = text("""
    SELECT clock_timestamp() AS now, EXISTS (
        SELECT 1 FROM workflow_hosts
        WHERE host = :host AND version = :version AND seen_at > now() - CAST(:again AS interval)
    ) AS is_recent
""")
_NOTE: Final = text("""
    INSERT INTO workflow_hosts AS known (host, version, ahead, seen_at) VALUES (:host, :version, :ahead, now())
    ON CONFLICT (host, version) DO UPDATE SET ahead = excluded.ahead, seen_at = excluded.seen_at
    WHERE known.seen_at <= now() - CAST(:again AS interval)
""")
_FORGET: Final = text("""
    DELETE FROM workflow_hosts WHERE (host, version) IN (
        SELECT host, version FROM workflow_hosts WHERE seen_at < now() - CAST(:kept AS interval)
        FOR UPDATE SKIP LOCKED
    )
""")
_SEEN: Final = text("""
    SELECT host, version, ahead, now() - seen_at AS age FROM workflow_hosts
    WHERE seen_at > now() - CAST(:within AS interval) ORDER BY host, version
""")


@dataclass(frozen=True)
class Host:
    """A host of a component, as it was seen last.

    :param name: what it calls itself
    :param version: of this package there
    :param ahead: how far its clock is ahead of the database's; negative where it is behind
    :param age: how long ago it was seen
    """

    name: str
    version: str
    ahead: timedelta
    age: timedelta


def note_host(connection: Connection, engine: Engine) -> None:
    """Write down that this host works with the database, unless that was done in the last minutes.

    A database that takes no writes now is no reason to fail: the next process tries again.

    :param connection: asks, in the transaction of its user
    :param engine: makes the connection that writes
    """
    before = datetime.now(UTC)
    this = {"host": socket.gethostname()[:255], "version": __version__, "again": _NOTED_AGAIN}
    found = connection.execute(_IS_RECENT, this).one()
    if found.is_recent:
        return
    # The server read its clock some time in between.
    ahead = before + (datetime.now(UTC) - before) / 2 - found.now
    if abs(ahead) >= SKEW_ERROR:
        log.warning(
            "The clock of this host and that of the workflow database differ by %.0f s: times in the execution log and"
            " deadlines of steps are wrong by as much. Synchronize the clocks with NTP.",
            abs(ahead).total_seconds(),
        )
    try:
        with engine.begin() as own:
            own.execute(_NOTE, {**this, "ahead": ahead})
            own.execute(_FORGET, {"kept": _KEPT})
    except DBAPIError as error:
        log.debug("This host was not noted in the workflow database: %s", error)


def hosts_seen(connection: Connection, within: timedelta) -> tuple[Host, ...]:
    """Return the hosts that were seen in the last time, by name."""
    rows = connection.execute(_SEEN, {"within": within}).all()
    return tuple(Host(row.host, row.version, row.ahead, row.age) for row in rows)
