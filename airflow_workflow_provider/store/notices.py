"""Notifications from PostgreSQL that events have arrived, so that nobody has to poll all the time."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final, Self

import psycopg
from psycopg import sql

from airflow_workflow_provider.store.database import APPLICATION
from airflow_workflow_provider.store.events import CHANNEL

if TYPE_CHECKING:
    from sqlalchemy import URL

log = logging.getLogger(__name__)

POLL: Final = 5.0
"""Seconds after which a listener looks by itself, in case a notification went unheard."""

LOOK: Final = 0.5
"""Seconds between two looks whether to stop."""


class Notices:
    """Listens on a connection of its own, opened when first needed and again after it was lost.

    A notification that is sent while nobody listens is lost: a caller polls from time to time as well.

    :param url: of the database
    """

    def __init__(self, url: URL, channel: str = CHANNEL) -> None:
        self._conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._channel = channel
        self._connection: psycopg.Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def listen(self) -> bool:
        """Listen from now on; False where the database is not reached."""
        if self._connection is not None:
            return True
        try:
            connection = psycopg.connect(
                self._conninfo, autocommit=True, connect_timeout=5, application_name=f"{APPLICATION}-listen"
            )
            connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._channel)))
        except psycopg.Error as error:
            log.warning("Notifications of PostgreSQL cannot be received: %s", type(error).__name__)
            return False
        self._connection = connection
        return True

    def wait(self, seconds: float, stop: threading.Event | None = None) -> bool:
        """Wait until something is announced, and return whether it was.

        After the first time that it listens it returns at once: what came before may have gone unheard.

        :param seconds: how long at most
        :param stop: ends the wait
        """
        if self._connection is None:
            if self.listen():
                return True
            _sleep(seconds, stop)
            return False
        until = time.monotonic() + seconds
        try:
            while (left := until - time.monotonic()) > 0 and not (stop is not None and stop.is_set()):
                for _ in self._connection.notifies(timeout=min(left, LOOK), stop_after=1):
                    return True
        except psycopg.Error as error:
            log.warning("Notifications of PostgreSQL are not received any more: %s", type(error).__name__)
            self.close()
        return False


def _sleep(seconds: float, stop: threading.Event | None) -> None:
    if stop is not None:
        stop.wait(seconds)
    else:
        time.sleep(seconds)
