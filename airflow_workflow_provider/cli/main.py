"""The console script ``airflow-workflows``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from airflow_workflow_provider import __version__
from airflow_workflow_provider.cli.commands import COMMANDS, Command, Group

PROGRAM = "airflow-workflows"

FINE = 0
FAILED = 1
MISUSE = 2
CHANGES = 3
INTERRUPTED = 130


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    from rich_argparse import RichHelpFormatter

    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Business workflows as JSON documents in PostgreSQL, run by Apache Airflow.",
        epilog="Exit codes: 0 success, 1 failure, 2 wrong usage, 3 changes (plan, drift).",
        formatter_class=RichHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    _add_commands(parser, COMMANDS, RichHelpFormatter)
    return parser


def _add_commands(parser: argparse.ArgumentParser, commands: Sequence[Command | Group], formatter: Any) -> None:
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in commands:
        details = command.help
        if isinstance(command, Command) and command.details:
            details = f"{command.help} {command.details}"
        added = subparsers.add_parser(
            command.name, help=command.help, description=details, formatter_class=formatter, allow_abbrev=False
        )
        if isinstance(command, Group):
            _add_commands(added, command.commands, formatter)
            continue
        for argument in command.arguments:
            added.add_argument(*argument.flags, help=argument.help, **argument.settings)
        added.set_defaults(handler=command.handler)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 fine, 1 the check failed, 2 misuse."""
    options = build_parser().parse_args(argv)
    return invoke(options.handler, options)


def invoke(handler: str, options: argparse.Namespace) -> int:
    """Run a command's handler; errors become one line on standard error and an exit code.

    :param handler: as in :class:`~airflow_workflow_provider.cli.commands.Command`
    :param options: the parsed options
    """
    from airflow_workflow_provider.cli.console import never_fail, print_error
    from airflow_workflow_provider.errors import Misuse, WorkflowsError

    never_fail()
    try:
        code = _load(handler)(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # the reader of our output has closed it; without this Python complains once more when it flushes at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except WorkflowsError as error:
        print_error(error)
        if error.findings:
            from airflow_workflow_provider.cli.console import print_diagnostics
            from airflow_workflow_provider.model.diagnostics import diagnostics_of

            print_diagnostics(diagnostics_of(error), stderr=True)
        return MISUSE if isinstance(error, Misuse) else FAILED
    return code


def _load(handler: str) -> Callable[[argparse.Namespace], int]:
    module, _, name = handler.partition(":")
    function: Callable[[argparse.Namespace], int] = getattr(
        import_module(f"airflow_workflow_provider.cli.{module}"), name
    )
    return function


if __name__ == "__main__":
    sys.exit(main())
