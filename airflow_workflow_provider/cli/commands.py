"""Every command, once: the console script ``airflow-workflows`` and ``airflow workflows`` are both made from this.

Handlers are named, not imported, so that the definition costs nothing and a pure command never loads Airflow.
"""

from __future__ import annotations

from airflow_workflow_provider.cli.operating_commands import OPERATING
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
TASKS = argument(
    "--tasks",
    help="File or folder with task definitions (for simulate also with sub-workflows); may be given several times. "
    "Without it, a folder 'tasks' beside the file is taken.",
    action="append",
    default=[],
    metavar="PATH",
)
WORKFLOW_ID = argument("workflow_id", help="Id of the workflow.", metavar="ID")
INSTANCE_ID = argument("instance_id", help="Id of the instance.", metavar="ID")
VERSION = argument("--version", help="A version other than the newest published.", default=None)

CHECKS = (
    Command(
        "validate",
        "Check workflow and task definitions.",
        "checking:validate",
        (argument("files", help="JSON files; '-' is standard input.", nargs="+", metavar="FILE"), TASKS, OUTPUT),
        "Prints every finding with its code, place and suggestion. With --output json, one JSON object a file, each on "
        'a line of its own: {"file", "valid", "diagnostics"}. Exit code 1 when a file is invalid; warnings alone are '
        "fine.",
    ),
    Command(
        "schema",
        "Print the JSON Schema of the documents.",
        "checking:schema",
        (
            argument(
                "kind",
                help="Which document (default: workflow).",
                nargs="?",
                choices=("workflow", "task"),
                default="workflow",
            ),
        ),
    ),
    Command(
        "graph",
        "Draw a definition.",
        "checking:graph",
        (
            argument("file", help="JSON file; '-' is standard input.", metavar="FILE"),
            argument("--format", help="Mermaid source, or an outline.", choices=("mermaid", "text"), default="mermaid"),
        ),
    ),
    Command(
        "simulate",
        "Run a definition in memory, without Airflow and without a database.",
        "simulating:simulate",
        (
            argument("file", help="JSON file of the definition; '-' is standard input.", nargs="?", metavar="FILE"),
            argument("--input", help="JSON text, or @file or a file's name.", default=None, metavar="JSON"),
            argument("--mocks", help="JSON file: results of steps or tasks.", default=None, metavar="FILE"),
            argument(
                "--batch",
                help='JSON Lines of {"definition", "input", "mocks"}; one result a line. Instead of FILE.',
                default=None,
                metavar="FILE",
            ),
            TASKS,
            output("json", "table"),
        ),
        "Built-in tasks that need nothing outside (noop, set, fail, wait) run for real, in virtual time; others take "
        "their results from --mocks. Exit code 0 when the instance completed, 1 for any other end or an invalid "
        "document.",
    ),
)

STORED = (
    Command(
        "apply",
        "Store workflow and task definitions.",
        "applying:apply",
        (
            argument("paths", help="JSON files, or folders of them.", nargs="+", metavar="PATH"),
            argument("--force", help="Publish a version lower than the newest.", action="store_true", default=False),
            OUTPUT,
        ),
        "Task definitions go first. Each document is stored in a transaction of its own: the good ones are stored, the "
        "bad ones reported, and then the exit code is 1. In folders, files named *.input.json and *.mocks.json are "
        "left out.",
    ),
    Command(
        "list",
        "List the stored workflows.",
        "definitions:list_definitions",
        (
            argument(
                "--findings",
                help="Instead, check what is stored, workflows and tasks, by the rules and settings of today and list "
                "the findings; exit code 1 when there is an error.",
                action="store_true",
            ),
            OUTPUT,
        ),
        "Stored definitions with errors keep running as they did; their next publication is refused until they are "
        "mended.",
    ),
    Command("show", "Print a stored definition.", "definitions:show", (WORKFLOW_ID, VERSION, OUTPUT)),
    Command("versions", "List the published versions of a workflow.", "definitions:versions", (WORKFLOW_ID, OUTPUT)),
    Command(
        "diff",
        "Compare two versions of a workflow.",
        "definitions:diff",
        (
            WORKFLOW_ID,
            argument("old", help="The one version.", metavar="V1"),
            argument("new", help="The other version.", metavar="V2"),
            OUTPUT,
        ),
    ),
)

RUNNING = (
    Command(
        "run",
        "Start an instance through Airflow's REST API.",
        "running:run",
        (
            WORKFLOW_ID,
            argument("--input", help="JSON text, or @file.", default="{}", metavar="JSON"),
            argument("--wait", help="Wait until the instance ended.", action="store_true", default=False),
            argument("--timeout", help="Seconds to wait at most.", type=float, default=None),
            OUTPUT,
        ),
        "The API is found by AIRFLOW_WORKFLOWS_API_URL, with AIRFLOW_WORKFLOWS_API_USER and "
        "AIRFLOW_WORKFLOWS_API_PASSWORD or AIRFLOW_WORKFLOWS_API_TOKEN, else in the environment that 'standalone up' "
        "started. With --wait the exit code is 0 when the instance completed, else 1.",
    ),
)

LOGS = Command(
    "logs",
    "Print the execution log of an instance.",
    "logs:logs",
    (
        INSTANCE_ID,
        argument("--follow", help="Go on until the instance ended.", action="store_true", default=False),
        argument("--level", help="Leave out what is more detailed.", choices=("debug", "info", "error"), default=None),
        output("table", "jsonl", "json"),
    ),
)

PURGE = Command(
    "purge",
    "Remove rows of the execution log that are past their retention.",
    "purging:purge",
    (argument("--dry-run", help="Only count them.", action="store_true", default=False), OUTPUT),
    "A workflow's executionLog.retention applies, else the option log_retention of the section workflows. Instances "
    "and their state stay.",
)

INSTANCES = Group(
    "instances",
    "Look at instances, and operate them.",
    (
        Command(
            "list",
            "List instances, newest first.",
            "instances:list_instances",
            (
                argument(
                    "--status",
                    help="Only those of this status.",
                    choices=("running", "completed", "failed", "suspended"),
                    default=None,
                ),
                ONE_WORKFLOW,
                argument("--correlation-id", help="Only those with this correlation id.", default=None, metavar="ID"),
                LIMIT,
                OUTPUT,
            ),
        ),
        Command("show", "Show one instance.", "instances:show", (INSTANCE_ID, OUTPUT)),
        *OPERATING,
    ),
)

ONE_EVENT = argument("--event", help="Only those of this event.", default=None, metavar="UUID")

EVENTS = Group(
    "events",
    "Send events, and see what became of them.",
    (
        Command(
            "send",
            "Accept one CloudEvent, or an array of them, all or none.",
            "events:send",
            (argument("event", help="JSON text, a file's name, or @file.", metavar="JSON"), OUTPUT),
            "An event that is there already, by its source and id, is left as it is: sending again is safe.",
        ),
        Command(
            "list",
            "List events, newest first.",
            "events:list_events",
            (
                argument("--type", help="Only those of this type.", default=None),
                argument("--source", help="Only those of this source.", default=None),
                LIMIT,
                OUTPUT,
            ),
        ),
        Command(
            "deliveries",
            "List what events were to start, newest first.",
            "events:deliveries",
            (
                argument(
                    "--status",
                    help="Only those of this status; 'dead' are the dead letters.",
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
            "Have dead letters tried again.",
            "events:redrive",
            (
                argument("delivery", help="Numbers of deliveries.", nargs="*", type=int, metavar="DELIVERY"),
                ONE_WORKFLOW,
                ONE_EVENT,
                argument("--all", help="All of them.", action="store_true", default=False),
                OUTPUT,
            ),
        ),
        Command(
            "purge",
            "Remove events that are past their retention.",
            "events:purge",
            (argument("--dry-run", help="Only count them.", action="store_true", default=False), OUTPUT),
            "The option log_retention of the section workflows applies. Events that are still to be delivered stay.",
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
    "Care for the workflow tables.",
    (
        Command("migrate", "Bring the tables to the newest form.", "database:migrate", (OUTPUT,)),
        Command("check", "Say whether the tables are of the newest form.", "database:check", (OUTPUT,)),
        Command(
            "roles",
            "Make the database roles of the components, and give each its rights.",
            "database:roles",
            (
                argument("--sql", help="Only print the statements.", action="store_true", default=False),
                OUTPUT,
            ),
            "One role each for the api-server, for workers and the other daemons, for maintenance and for reading, "
            "named after [workflows] role_prefix. None can log in before an administrator gives it a password. Needs "
            "a connection that owns the tables and may make roles; where there is none, run what --sql prints as an "
            "administrator.",
        ),
        Command(
            "downgrade",
            "Take the tables back to an older form.",
            "database:downgrade",
            (
                argument("revision", help="Migration to go back to; 'base' removes everything.", metavar="REVISION"),
                argument("--yes", help="Do not ask.", action="store_true", default=False),
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
        Command("status", "Say what runs, and where.", "standalone:status", (FOLDER, OUTPUT)),
    ),
)

COMMANDS: tuple[Command | Group, ...] = (
    *CHECKS,
    *STORED,
    *RUNNING,
    INSTANCES,
    LOGS,
    PURGE,
    QUESTIONS,
    EVENTS,
    DATABASE,
    STANDALONE,
)
"""All commands, in the order of the help page."""

__all__ = ["COMMANDS", "Argument", "Command", "Group"]
