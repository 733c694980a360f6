"""Every command, once: the console script ``airflow-workflows`` and ``airflow workflows`` are both made from this.

Handlers are named, not imported, so that the definition costs nothing and a pure command never loads Airflow.
"""

from __future__ import annotations

from airflow_workflow_provider.cli.assistant_commands import MCP
from airflow_workflow_provider.cli.checking_commands import CHECKS
from airflow_workflow_provider.cli.folder_commands import FOLDERS
from airflow_workflow_provider.cli.import_commands import IMPORT
from airflow_workflow_provider.cli.operating_commands import OPERATING, OWED
from airflow_workflow_provider.cli.question_commands import QUESTIONS
from airflow_workflow_provider.cli.shapes import (
    LIMIT,
    ONE_INSTANCE,
    ONE_WORKFLOW,
    Argument,
    Command,
    Group,
    argument,
    output,
)

OUTPUT = output()
WORKFLOW_ID = argument("workflow_id", help="Id of the workflow.", metavar="ID")
INSTANCE_ID = argument("instance_id", help="Id of the instance.", metavar="ID")
VERSION = argument("--version", help="Version; default: the newest.", default=None)

STORED = (
    *FOLDERS,
    Command(
        "list",
        "List the stored workflows.",
        "definitions:list_definitions",
        (
            argument(
                "--findings",
                help="Instead, validate all stored workflows and tasks against the current rules and settings and list "
                "the findings; exit code 1 if there is an error.",
                action="store_true",
            ),
            OUTPUT,
        ),
        "Stored definitions with errors continue to run; their next publication is refused until the errors are fixed.",
    ),
    Command("show", "Print a stored definition.", "definitions:show", (WORKFLOW_ID, VERSION, OUTPUT)),
    Command("versions", "List the published versions of a workflow.", "definitions:versions", (WORKFLOW_ID, OUTPUT)),
    Command(
        "diff",
        "Compare two versions of a workflow.",
        "definitions:diff",
        (
            WORKFLOW_ID,
            argument("old", help="First version.", metavar="V1"),
            argument("new", help="Second version.", metavar="V2"),
            OUTPUT,
        ),
    ),
)

RUNNING = (
    Command(
        "run",
        "Start an instance through the API of workflows.",
        "running:run",
        (
            WORKFLOW_ID,
            argument("--input", help="JSON text, or @file.", default="{}", metavar="JSON"),
            argument("--version", help="Start only if this version will run.", default=None, metavar="VERSION"),
            argument("--wait", help="Wait until the instance has ended.", action="store_true", default=False),
            argument("--timeout", help="With --wait: maximum number of seconds.", type=float, default=None),
            OUTPUT,
        ),
        "Set AIRFLOW_WORKFLOWS_API_URL, with AIRFLOW_WORKFLOWS_API_USER and AIRFLOW_WORKFLOWS_API_PASSWORD or "
        "AIRFLOW_WORKFLOWS_API_TOKEN; without them, the environment that 'standalone up' started is used. With --wait "
        "the exit code is 0 if the instance completed, else 1.",
    ),
)

LOGS = Command(
    "logs",
    "Print the execution log of an instance.",
    "logs:logs",
    (
        INSTANCE_ID,
        argument("--follow", help="Follow the log until the instance has ended.", action="store_true", default=False),
        argument("--level", help="Omit more detailed levels.", choices=("debug", "info", "error"), default=None),
        output("table", "jsonl", "json"),
    ),
)

DOCTOR = Command(
    "doctor",
    "Check configuration, database, components and their versions.",
    "doctor:doctor",
    (OUTPUT,),
    "Prints each finding with its fix. Exit code 1 if something does not work; warnings do not count.",
)
RECONCILE = Command(
    "reconcile",
    "Compare instances with Airflow's DAG runs.",
    "reconciling:reconcile",
    (
        argument("--dry-run", help="List what would be done, and change nothing.", action="store_true"),
        argument("--follow", help="Repeat the comparison until interrupted.", action="store_true"),
        argument("--interval", help="Seconds between two comparisons with --follow.", type=int, default=10),
        argument(
            "--all",
            help="Create missing DAG runs again even if there are more than [workflows] missing_runs_limit.",
            action="store_true",
        ),
        OUTPUT,
    ),
    "The api-server does this automatically every [workflows] reconcile_interval seconds. An instance whose DAG run "
    "has ended ends as the run did; one whose DAG run is missing gets a new one and continues from its stored state, "
    "or fails ([workflows] on_missing_run). Exit code 1 if something is left to do.",
)
PURGE = Command(
    "purge",
    "Delete expired rows of the execution log.",
    "purging:purge",
    (argument("--dry-run", help="Only count them.", action="store_true", default=False), OUTPUT),
    "Retention is the workflow's executionLog.retention, else the option log_retention of the section workflows. "
    "Instances and their state are kept.",
)

INSTANCES = Group(
    "instances",
    "List, show and operate instances.",
    (
        Command(
            "list",
            "List instances, newest first.",
            "instances:list_instances",
            (
                argument(
                    "--status",
                    help="Filter by status.",
                    choices=("running", "completed", "failed", "suspended"),
                    default=None,
                ),
                ONE_WORKFLOW,
                argument("--correlation-id", help="Filter by correlation id.", default=None, metavar="ID"),
                OWED,
                LIMIT,
                OUTPUT,
            ),
        ),
        Command("show", "Show one instance.", "instances:show", (INSTANCE_ID, OUTPUT)),
        Command(
            "scenario",
            "Print a scenario file that repeats an ended instance, with secrets masked.",
            "recording:scenario",
            (INSTANCE_ID, argument("--name", help="Name of the scenario.", default=None)),
            "The scenario is run in memory; a warning reports where it differs from the instance.",
        ),
        *OPERATING,
    ),
)

ONE_EVENT = argument("--event", help="Filter by event.", default=None, metavar="UUID")

EVENTS = Group(
    "events",
    "Send events, list them and redrive dead letters.",
    (
        Command(
            "send",
            "Send one CloudEvent, or an array of which all or none are accepted.",
            "events:send",
            (argument("event", help="JSON text, a file's name, or @file.", metavar="JSON"), OUTPUT),
            "An event with a known source and id is ignored, so sending it again is safe.",
        ),
        Command(
            "list",
            "List events, newest first.",
            "events:list_events",
            (
                argument("--type", help="Filter by type.", default=None),
                argument("--source", help="Filter by source.", default=None),
                LIMIT,
                OUTPUT,
            ),
        ),
        Command(
            "deliveries",
            "List the deliveries of events, newest first.",
            "events:deliveries",
            (
                argument(
                    "--status",
                    help="Filter by status; 'dead' are the dead letters.",
                    choices=("pending", "started", "dead"),
                    default=None,
                ),
                ONE_WORKFLOW,
                ONE_EVENT,
                LIMIT,
                OUTPUT,
            ),
        ),
        Command(
            "redrive",
            "Deliver dead letters again.",
            "events:redrive",
            (
                argument("delivery", help="Ids of deliveries.", nargs="*", type=int, metavar="DELIVERY"),
                ONE_WORKFLOW,
                ONE_EVENT,
                argument("--all", help="All dead letters.", action="store_true", default=False),
                OUTPUT,
            ),
        ),
        Command(
            "purge",
            "Delete expired events.",
            "events:purge",
            (argument("--dry-run", help="Only count them.", action="store_true", default=False), OUTPUT),
            "Retention is the option log_retention of the section workflows. Undelivered events are kept.",
        ),
        Command(
            "waiting",
            "List the steps that wait for an event.",
            "events:waiting",
            (
                ONE_WORKFLOW,
                ONE_INSTANCE,
                LIMIT,
                OUTPUT,
            ),
        ),
    ),
)

DATABASE = Group(
    "db",
    "Migrate the workflow database and create its roles.",
    (
        Command("migrate", "Migrate the tables to the newest revision.", "database:migrate", (OUTPUT,)),
        Command("check", "Check whether the tables are at the newest revision.", "database:check", (OUTPUT,)),
        Command(
            "roles",
            "Create the database roles of the components and grant their rights.",
            "database:roles",
            (
                argument("--sql", help="Only print the SQL statements.", action="store_true", default=False),
                OUTPUT,
            ),
            "There is one role each for the api-server, for workers and the other daemons, for maintenance and for "
            "reading, named after [workflows] role_prefix. A role cannot log in until an administrator sets its "
            "password. Needs a connection that owns the tables and can create roles; without one, run the output of "
            "--sql as an administrator.",
        ),
        Command(
            "downgrade",
            "Downgrade the tables to an older revision.",
            "database:downgrade",
            (
                argument("revision", help="Target revision; 'base' removes everything.", metavar="REVISION"),
                argument("--yes", help="Do not ask for confirmation.", action="store_true", default=False),
                OUTPUT,
            ),
        ),
    ),
)

FOLDER = argument(
    "--folder",
    help="Folder of the environment (default: AIRFLOW_WORKFLOWS_HOME, else .local/standalone).",
    default=None,
    metavar="PATH",
)

STANDALONE = Group(
    "standalone",
    "Run PostgreSQL and Airflow on this machine.",
    (
        Command("up", "Start everything.", "standalone:up", (FOLDER, OUTPUT)),
        Command("down", "Stop everything that 'up' started.", "standalone:down", (FOLDER, OUTPUT)),
        Command("status", "List the processes and their addresses.", "standalone:status", (FOLDER, OUTPUT)),
    ),
)

COMMANDS: tuple[Command | Group, ...] = (
    *CHECKS,
    IMPORT,
    *STORED,
    *RUNNING,
    INSTANCES,
    LOGS,
    RECONCILE,
    DOCTOR,
    PURGE,
    QUESTIONS,
    EVENTS,
    MCP,
    DATABASE,
    STANDALONE,
)
"""All commands, in the order of the help page."""

__all__ = ["COMMANDS", "Argument", "Command", "Group"]
