"""The messages between parent and child: JSON, each prefixed with its length."""

from __future__ import annotations

import json
import socket
import struct
import sys
import time
from importlib import import_module
from typing import Any, Final

from airflow_workflow_provider.errors import WorkflowsError
from airflow_workflow_provider.vocabulary import ProblemCode

_HEAD: Final = struct.Struct(">Q")
PACKAGE: Final = "airflow_workflow_provider."


class TooLarge(Exception):
    """A message has more bytes than it may."""


def encoded(message: Any, limit: int) -> bytes:
    """Return a message as it is sent.

    :raises TooLarge: it has too many bytes
    """
    body = json.dumps(message, separators=(",", ":")).encode()
    if len(body) > limit:
        raise TooLarge
    return _HEAD.pack(len(body)) + body


def send(to: socket.socket, message: bytes) -> None:
    """Send an encoded message, within the socket's timeout."""
    to.sendall(message)


def receive(source: socket.socket, limit: int, deadline: float | None = None) -> Any:
    """Return the next message.

    :param deadline: on the monotonic clock; None: whenever it comes
    :raises EOFError: there is nobody any more
    :raises TimeoutError: it did not come in time
    :raises TooLarge: it has too many bytes
    """
    (length,) = _HEAD.unpack(_exactly(source, _HEAD.size, deadline))
    if length > limit:
        raise TooLarge
    return json.loads(_exactly(source, length, deadline))


def _exactly(source: socket.socket, length: int, deadline: float | None) -> bytes:
    found = bytearray()
    while len(found) < length:
        if deadline is not None:
            source.settimeout(max(deadline - time.monotonic(), 0.001))
        part = source.recv(min(length - len(found), 1 << 20))
        if not part:
            raise EOFError
        found += part
    return bytes(found)


def error_to_json(error: WorkflowsError) -> dict[str, Any]:
    """Return one of our exceptions as a JSON value."""
    kind = type(error)
    return {"class": f"{kind.__module__}:{kind.__qualname__}", "args": list(error.args), "attributes": vars(error)}


def error_from_json(found: dict[str, Any]) -> WorkflowsError:
    """Return the exception that :func:`error_to_json` has described; only ours come from another process."""
    module, _, name = str(found["class"]).partition(":")
    kind = getattr(sys.modules.get(module) or import_module(module), name) if module.startswith(PACKAGE) else None
    if not (isinstance(kind, type) and issubclass(kind, WorkflowsError)):
        message = "The evaluation process raised an unknown exception"
        return WorkflowsError(message, code=ProblemCode.EVALUATION_FAILED)
    error = kind.__new__(kind)
    error.args = tuple(found["args"])
    error.__dict__.update(found["attributes"])
    return error
