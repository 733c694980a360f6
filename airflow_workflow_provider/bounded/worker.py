"""The child process: ``python -m airflow_workflow_provider.bounded.worker SOCKET LIMITS MODULE…``.

It reads a request, computes, answers, and ends when its parent has ended: then there is nothing more to read, or the
kernel ends a computation that has had its time.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from airflow_workflow_provider.bounded.doors import FUNCTIONS
from airflow_workflow_provider.bounded.limits import Limits, allow_seconds, confine, is_panic, memory_of
from airflow_workflow_provider.bounded.messages import PACKAGE, TooLarge, encoded, error_to_json, receive, send
from airflow_workflow_provider.errors import WorkflowsError


def main(arguments: list[str]) -> None:
    """Serve the parent until it ends."""
    parent = socket.socket(fileno=int(arguments[0]))
    limits = Limits(**json.loads(arguments[1]))
    for module in arguments[2:]:
        import_module(module)
    _silence()
    confine(limits.memory)
    send(parent, encoded({"ready": os.getpid()}, limits.message))
    while True:
        try:
            request = receive(parent, limits.message)
        except (EOFError, OSError):
            return
        except MemoryError:
            send(parent, encoded({"limit": "memory", "worn": True}, limits.message))
            return
        allow_seconds(request["seconds"])
        send(parent, _reply(request, limits))
        del request


def _reply(request: dict[str, Any], limits: Limits) -> bytes:
    try:
        reply = _computed(request)
        reply["worn"] = (memory_of("VmHWM") or 0) > limits.memory // 2
        return encoded(reply, limits.message)
    except MemoryError:
        # The work is undone in Python, but the state of C libraries is unknown.
        reply = {"limit": "memory", "worn": True}
    except RecursionError:
        reply = {"limit": "depth", "worn": False}
    except TooLarge:
        reply = {"limit": "size", "worn": True}
    except Exception as error:
        reply = {"failed": type(error).__name__, "worn": False}
    except BaseException as error:
        if not is_panic(error):
            raise
        reply = {"limit": "depth", "worn": True}
    return encoded(reply, limits.message)


def _computed(request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"value": _function(request["function"])(*request["args"], **request["kwargs"])}
    except WorkflowsError as error:
        return {"error": error_to_json(error)}


def _function(name: str) -> Callable[..., Any]:
    module = name.partition(":")[0]
    if name not in FUNCTIONS and module.startswith(PACKAGE):
        import_module(module)
    return FUNCTIONS[name]


def _silence() -> None:
    """Discard everything that a library prints: it may contain a user's data."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


if __name__ == "__main__":
    main(sys.argv[1:])
