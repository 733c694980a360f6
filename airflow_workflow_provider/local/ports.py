"""Free loopback ports."""

from __future__ import annotations

import socket

HOST = "127.0.0.1"


def free_port(wanted: int = 0) -> int:
    """Return ``wanted`` if it is free, else another free port of the loopback interface.

    :param wanted: a port that was used before, so that addresses stay the same over restarts; 0 for any
    """
    for port in (wanted, 0) if wanted else (0,):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    message = f"No free port on {HOST}"
    raise OSError(message)
