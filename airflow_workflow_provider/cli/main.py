"""The console script ``airflow-workflows``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
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


class _Parser(argparse.ArgumentParser):
    """A parser that gets what is inside of it when it is used: all commands together have hundreds of arguments.

    :param inside: adds it
    """

    def __init__(self, *, inside: Callable[[_Parser], None] = lambda _: None, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)
        self._inside: Callable[[_Parser], None] | None = inside

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse as :mod:`argparse` does."""
        inside, self._inside = self._inside, None
        if inside is not None:
            inside(self)
        return super().parse_known_args(args, namespace)


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    from rich_argparse import RichHelpFormatter

    parser = _Parser(
        prog=PROGRAM,
        description="Business workflows as JSON documents in PostgreSQL, run by Apache Airflow.",
        epilog="Exit codes: 0 success, 1 failure, 2 wrong usage, 3 changes (plan, drift).",
        formatter_class=RichHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    _add_commands(parser, COMMANDS)
    return parser


def _add_commands(parser: _Parser, commands: Sequence[Command | Group]) -> None:
    # Without a given name argparse would lay out the usage, to find the name there.
    subparsers = parser.add_subparsers(prog=parser.prog, metavar="COMMAND", required=True)
    for command in commands:
        details = command.help
        if isinstance(command, Command) and command.details:
            details = f"{command.help} {command.details}"
        subparsers.add_parser(
            command.name,
            help=command.help,
            description=details,
            formatter_class=parser.formatter_class,
            inside=partial(_add_inside, command=command),
        )


def _add_inside(parser: _Parser, command: Command | Group) -> None:
    if isinstance(command, Group):
        _add_commands(parser, command.commands)
        return
    for argument in command.arguments:
        parser.add_argument(*argument.flags, help=argument.help, **argument.settings)
    parser.set_defaults(handler=command.handler)


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
