"""Faults of the databases: away, killed, cut off, read-only, full."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import psutil
from sqlalchemy import text

from tests.chaos.place import Place
from tests.chaos.workload import insist

AWAY: Final = 15.0
"""Seconds for which a fault of a database lasts if nothing else is said."""

CUT: Final = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL"
)


def _do(place: Place, *statements: str) -> None:
    """Run statements one by one, as the superuser, and all of them again where the connection was lost."""

    def work() -> None:
        with place.server() as database, database.session() as connection:
            for statement in statements:
                connection.execute(text(statement))

    insist(work)


def kill_postgres(place: Place) -> None:
    """Kill the server with all its processes, and start it again: it recovers from its log."""
    status = place.environment.postgres.status()
    with suppress(psutil.Error):
        server = psutil.Process(status.pid)
        for process in [server, *server.children()]:
            with suppress(psutil.Error, ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        psutil.wait_procs([server], timeout=30)
    insist(place.environment.postgres.start)


def restart_postgres(place: Place, seconds: float) -> None:
    """Stop the server, for both databases, and start it again."""
    place.environment.postgres.stop()
    time.sleep(seconds)
    insist(place.environment.postgres.start)


def cut_connections(place: Place) -> None:
    """End every connection of both databases."""
    _do(place, CUT)


def _for_a_while(place: Place, begin: Sequence[str], end: Sequence[str], seconds: float = AWAY) -> None:
    try:
        _do(place, *begin)
        time.sleep(seconds)
    finally:
        _do(place, *end)


def read_only(place: Place) -> None:
    """Let both databases refuse writes for a while, as after a failover."""
    change = "ALTER SYSTEM SET default_transaction_read_only = {}"
    reload = "SELECT pg_reload_conf()"
    writable = "SET default_transaction_read_only = off"
    _for_a_while(place, [change.format("on"), reload], [writable, change.format("off"), reload])


def one_read_only(place: Place, name: str) -> None:
    """Let one database refuse writes for a while."""
    change = f"ALTER DATABASE {name} SET default_transaction_read_only = {{}}"
    cut = f"{CUT} AND datname = '{name}'"
    _for_a_while(place, [change.format("on"), cut], [change.format("off"), cut])


def one_away(place: Place, name: str, seconds: float) -> None:
    """Let one database refuse connections; the other is there."""
    allow = f"ALTER DATABASE {name} ALLOW_CONNECTIONS {{}}"
    _for_a_while(place, [allow.format("false"), f"{CUT} AND datname = '{name}'"], [allow.format("true")], seconds)


def full(place: Place) -> None:
    """Let the disk of the workflow database be full for a while."""
    if place.disk is None:
        return
    before = _refusals(place)
    place.disk.fill()
    try:
        time.sleep(AWAY)
    finally:
        place.disk.free()
    place.notes.append(f"{_refusals(place) - before} writes refused")


def _refusals(place: Place) -> int:
    log: Callable[[], str] = lambda: place.environment.postgres.log_file.read_text(errors="replace")  # noqa: E731
    return log().count("No space left on device")
