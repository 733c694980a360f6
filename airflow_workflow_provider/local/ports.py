"""Loopback ports for servers that are about to start."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import psutil

HOST: Final = "127.0.0.1"
_HOLDS: Final = sys.platform == "linux"
"""Whether a bound socket lets another process listen on its port, if both have ``SO_REUSEADDR``."""


def free_port(wanted: int = 0) -> int:
    """Return ``wanted`` if it is free, else another free port of the loopback interface.

    Another program may take it at any time; :func:`hold_port` prevents most of that.

    :param wanted: a port that was used before, so that addresses stay the same over restarts; 0 for any
    """
    with hold_port(wanted) as port:
        return port


@contextmanager
def hold_port(wanted: int = 0) -> Iterator[int]:
    """Keep a free port for a server that sets ``SO_REUSEADDR``, as uvicorn does, until it listens.

    On Linux, no other program gets the port when it asks for any, and no outgoing connection uses it. A program that
    asks for exactly this port can still take it.

    :param wanted: as for :func:`free_port`
    """
    with ExitStack() as stack:
        port = _bound(stack.enter_context(socket.socket()), wanted)
        if port is None:
            port = _bound(stack.enter_context(socket.socket()), 0)
        if port is None:
            message = f"No free port on {HOST}"
            raise OSError(message)
        if not _HOLDS:
            stack.close()
        yield port


def _bound(holder: socket.socket, port: int) -> int | None:
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        holder.bind((HOST, port))
    except OSError:
        return None
    return int(holder.getsockname()[1])


def is_listened_on(port: int) -> bool:
    """Return whether some program listens on a port of the loopback interface."""
    with socket.socket() as probe:
        return _bound(probe, port) is None


def listens(process: psutil.Process, port: int) -> bool:
    """Return whether a process, or one that it started, listens on a port; True where that cannot be known."""
    try:
        family = [process, *process.children(recursive=True)]
        return any(_listens(each, port) for each in family)
    except psutil.AccessDenied:
        return True
    except psutil.NoSuchProcess:
        return False


def _listens(process: psutil.Process, port: int) -> bool:
    try:
        found = process.net_connections("inet")
    except psutil.NoSuchProcess:
        return False
    return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in found)
