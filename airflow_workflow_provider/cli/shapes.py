"""The data structures of a command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True)
class Argument:
    """One positional argument or option of a command.

    :param flags: its name, or its flags
    :param help: what it means
    :param settings: further keywords of :meth:`argparse.ArgumentParser.add_argument`
    """

    flags: tuple[str, ...]
    help: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Command:
    """One command.

    :param name: what the user types
    :param help: one line
    :param handler: ``module:function`` below ``airflow_workflow_provider.cli``; it takes the parsed options and returns
        the exit code
    :param arguments: its arguments
    :param details: more than one line
    """

    name: str
    help: str
    handler: str
    arguments: tuple[Argument, ...] = ()
    details: str | None = None


@dataclass(frozen=True)
class Group:
    """Commands under one name."""

    name: str
    help: str
    commands: tuple[Command, ...]


def argument(*flags: str, help: str, **settings: Any) -> Argument:
    """Return an argument or option."""
    return Argument(flags, help, settings)


def output(*choices: str) -> Argument:
    """Return the option that says how a result is printed; the first choice is the default."""
    choices = choices or ("table", "json")
    return argument("--output", help="Output format.", choices=choices, default=choices[0])


LIMIT: Final = argument("--limit", help="Maximum number of rows.", type=int, default=100)
ONE_WORKFLOW: Final = argument("--workflow", help="Filter by workflow.", default=None, metavar="ID")
ONE_INSTANCE: Final = argument("--instance", help="Filter by instance.", default=None, metavar="ID")
