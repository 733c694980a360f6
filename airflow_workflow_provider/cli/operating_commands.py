"""The commands that operate instances: one by id, or all that a filter finds."""

from __future__ import annotations

from typing import Final

from airflow_workflow_provider.cli.shapes import Argument, Command, argument, output

OWED: Final = argument(
    "--compensation-owed",
    help="Only instances that ended before their compensations had run.",
    action="store_true",
    default=False,
)
_WHICH: Final = (
    argument(
        "instance_ids",
        help="Ids of instances; without ids, all instances that match the filters.",
        nargs="*",
        metavar="ID",
    ),
    argument("--workflow", help="Filter by workflow.", default=None, metavar="ID"),
    argument(
        "--status",
        help="Filter by status; can be repeated.",
        choices=("running", "completed", "failed", "suspended"),
        action="append",
        default=[],
    ),
    argument("--correlation-id", help="Filter by correlation id.", default=None, metavar="ID"),
    argument("--step", help="Filter by current step.", default=None, metavar="ID"),
    OWED,
)
_HOW: Final = (
    argument("--reason", help="Reason, recorded in the execution log.", default=None, metavar="TEXT"),
    argument("--dry-run", help="Only print what would be done.", action="store_true", default=False),
    argument("--yes", help="Do not ask for confirmation.", action="store_true", default=False),
    output(),
)
_NEWEST: Final = argument(
    "--newest", help="Continue on the newest version of the workflow.", action="store_true", default=False
)
_DETAILS: Final = (
    "Exit code 1 if the operation is refused for an instance. Uses the same API settings as 'run'. The execution log "
    "records the operation and the user."
)


def _command(name: str, help: str, *own: Argument) -> Command:
    return Command(name, help, f"operating:{name}", (*_WHICH, *own, *_HOW), _DETAILS)


OPERATING: Final = (
    _command("suspend", "Suspend instances: no new step starts."),
    _command("resume", "Resume suspended instances."),
    _command(
        "cancel",
        "Cancel instances and stop their running tasks.",
        argument("--compensate", help="Run the compensations first.", action="store_true", default=False),
    ),
    _command("retry", "Run failed and stopped steps again.", _NEWEST),
    _command(
        "restart",
        "Run ended instances again, from the start or from a step.",
        argument("--from", help="Step to start from.", dest="from_step", default=None, metavar="STEP"),
        argument("--input", help="New input: JSON text, or @file.", default=None, metavar="JSON"),
        _NEWEST,
    ),
    _command(
        "skip",
        "Replace the result of a failed step with an output and continue.",
        argument("--result", help="Output: JSON text, or @file.", default="{}", metavar="JSON"),
        argument("--failed-step", help="Failed step; required if several failed.", default=None, metavar="STEP"),
    ),
    _command("compensate", "Run the compensations that failed and cancelled instances still owe."),
    _command(
        "migrate",
        "Let instances that have not ended continue in another version of their workflow.",
        argument("--to", help="Version; default: the newest.", default=None, metavar="VERSION"),
    ),
)
