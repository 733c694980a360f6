"""The commands that operate instances: one by id, or all that a filter finds."""

from __future__ import annotations

from typing import Final

from airflow_workflow_provider.cli.shapes import Argument, Command, argument, output

_WHICH: Final = (
    argument("instance_ids", help="Ids of instances; without, those that a filter finds.", nargs="*", metavar="ID"),
    argument("--workflow", help="Filter: those of this workflow.", default=None, metavar="ID"),
    argument(
        "--status",
        help="Filter: those of this status; may be given several times.",
        choices=("running", "completed", "failed", "suspended"),
        action="append",
        default=[],
    ),
    argument("--correlation-id", help="Filter: those with this correlation id.", default=None, metavar="ID"),
    argument("--step", help="Filter: those whose current step is this.", default=None, metavar="ID"),
)
_HOW: Final = (
    argument("--reason", help="Why; kept in the execution log.", default=None, metavar="TEXT"),
    argument("--dry-run", help="Change nothing, say only what would be done.", action="store_true", default=False),
    argument("--yes", help="Do not ask before a filter is followed.", action="store_true", default=False),
    output(),
)
_NEWEST: Final = argument(
    "--newest", help="Go on with the newest version of the workflow.", action="store_true", default=False
)
_DETAILS: Final = (
    "Exit code 1 where an instance refuses. The API is found as by 'run'; what is done, and by whom, is in the "
    "execution log."
)


def _command(name: str, help: str, *own: Argument) -> Command:
    return Command(name, help, f"operating:{name}", (*_WHICH, *own, *_HOW), _DETAILS)


OPERATING: Final = (
    _command("suspend", "Suspend instances: no new step starts."),
    _command("resume", "Let suspended instances go on."),
    _command(
        "cancel",
        "Cancel instances; what runs is stopped.",
        argument("--compensate", help="Let the compensations run first.", action="store_true", default=False),
    ),
    _command("retry", "Run again what failed or was stopped.", _NEWEST),
    _command(
        "restart",
        "Run ended instances again, from the start or from a step.",
        argument("--from", help="The step to start from.", dest="from_step", default=None, metavar="STEP"),
        argument("--input", help="The new input: JSON text, or @file.", default=None, metavar="JSON"),
        _NEWEST,
    ),
    _command(
        "skip",
        "Let an output stand for the result of a step that failed.",
        argument("--result", help="The output: JSON text, or @file.", default="{}", metavar="JSON"),
        argument("--failed-step", help="The step; needed where several failed.", default=None, metavar="STEP"),
    ),
)
