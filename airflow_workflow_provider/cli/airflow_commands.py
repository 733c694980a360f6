"""The same commands as ``airflow workflows …``, through Airflow's own command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from airflow.cli.cli_config import ActionCommand, Arg, CLICommand, GroupCommand

from airflow_workflow_provider.cli.commands import COMMANDS, Argument, Command, Group


def get_airflow_cli_commands() -> list[CLICommand]:
    """Return the command group ``workflows`` (named in the provider's ``cli`` section)."""
    return [
        GroupCommand(
            name="workflows",
            help="Define, store, run and watch workflows",
            subcommands=tuple(_converted(command) for command in COMMANDS),
        )
    ]


def _arg(argument: Argument) -> Arg:
    return Arg(argument.flags, help=argument.help, **argument.settings)  # type: ignore[no-untyped-call]


def _converted(command: Command | Group) -> CLICommand:
    if isinstance(command, Group):
        inner = tuple(_converted(each) for each in command.commands)
        return GroupCommand(name=command.name, help=command.help, subcommands=inner)
    return ActionCommand(
        name=command.name,
        help=command.help,
        description=f"{command.help} {command.details}" if command.details else None,
        func=_lazily(command.handler),
        args=tuple(_arg(argument) for argument in command.arguments),
    )


def _lazily(handler: str) -> Callable[..., Any]:
    def command(options: argparse.Namespace) -> None:
        from airflow_workflow_provider.cli.main import invoke

        # Airflow's own main() takes no exit code from a command
        code = invoke(handler, options)
        if code:
            sys.exit(code)

    command.__name__ = handler.partition(":")[2]
    return command
