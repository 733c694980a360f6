"""Doors: the door of a request is a context variable, so it is not passed from call to call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, Final, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {}
"""The functions that a child process may be asked for, by ``module:name``."""


class Door(Protocol):
    """Runs a marked function within limits."""

    def run(self, name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return what the function gives, or raise what it raises.

        :raises LimitExceeded: it passed a limit
        :raises Overloaded: there is no place for it now
        """

    def renewed(self) -> Door:
        """Return a door of the same limits, of which nothing is used up."""


_door: ContextVar[Door | None] = ContextVar("_door", default=None)


def bounded(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a function that computes over foreign words; where there is a door, it runs behind it.

    Its arguments and its result are JSON values, and what it raises on purpose is a
    :class:`~airflow_workflow_provider.errors.WorkflowsError` of JSON values, for they go from process to process.
    """
    name = f"{function.__module__}:{function.__qualname__}"
    FUNCTIONS[name] = function

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        door = _door.get()
        if door is None:
            return function(*args, **kwargs)
        found: R = door.run(name, function, args, kwargs)
        return found

    return run


@contextmanager
def behind(door: Door | None) -> Iterator[None]:
    """Have marked functions run behind a door until the context ends; None: as if they were not marked."""
    token = _door.set(door)
    try:
        yield
    finally:
        _door.reset(token)


@contextmanager
def renewed() -> Iterator[None]:
    """Have marked functions run with all of their time again until the context ends."""
    door = _door.get()
    with behind(None if door is None else door.renewed()):
        yield
