"""The commands on files of definitions, most of which need neither Airflow nor a database."""

from __future__ import annotations

from typing import Final

from airflow_workflow_provider.cli.folder_commands import ENV, FIX, FMT, TEST
from airflow_workflow_provider.cli.shapes import Command, argument, output

OUTPUT: Final = output()
TASKS: Final = argument(
    "--tasks",
    help="File or folder with task definitions, and for simulate also sub-workflows; can be repeated. Default: a "
    "folder 'tasks' beside the file.",
    action="append",
    default=[],
    metavar="PATH",
)

CHECKS: Final = (
    Command(
        "validate",
        "Check workflow and task definitions.",
        "checking:validate",
        (
            argument("files", help="JSON files; '-' is standard input.", nargs="+", metavar="FILE"),
            TASKS,
            ENV,
            FIX,
            OUTPUT,
        ),
        "Prints every finding with its code, place and suggestion. With --output json, one JSON object per file and "
        'line: {"file", "valid", "diagnostics"}. Exit code 1 if a file is invalid; a file with only warnings is valid.',
    ),
    Command(
        "schema",
        "Print the JSON Schema of definitions.",
        "checking:schema",
        (
            argument(
                "kind",
                help="Kind of document (default: workflow).",
                nargs="?",
                choices=("workflow", "task", "scenario"),
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
            argument(
                "--coverage",
                help="Mark how often the scenarios took each part; FILE was written by 'test --coverage FILE'.",
                default=None,
                metavar="FILE",
            ),
        ),
    ),
    Command(
        "explain",
        "Explain in words a code, or what a definition does.",
        "explaining:explain",
        (
            argument(
                "what",
                help="Code of a finding (WF203), a problem (workflow-not-loaded), an error type (WorkerLost) or a log "
                "event (step.failed); or a JSON file, '-' is standard input.",
                metavar="CODE|FILE",
            ),
        ),
    ),
    Command(
        "schedule",
        "Print the next times at which the schedules of a definition start it, with the input of each.",
        "scheduling:schedule",
        (
            argument("file", help="JSON file of the definition; '-' is standard input.", metavar="FILE"),
            argument("--count", help="How many times (default: 10).", type=int, default=10, metavar="N"),
            argument("--after", help="Start after this time, in RFC 3339; default: now.", default=None, metavar="TIME"),
            OUTPUT,
        ),
        "Needs no running Airflow and no database. Exit code 1 if the definition is invalid, or the input for a time.",
    ),
    Command(
        "simulate",
        "Run a definition in memory, without Airflow.",
        "simulating:simulate",
        (
            argument("file", help="JSON file of the definition; '-' is standard input.", nargs="?", metavar="FILE"),
            argument("--input", help="JSON text, or @file or a file's name.", default=None, metavar="JSON"),
            argument("--mocks", help="JSON file with outcomes of steps or tasks.", default=None, metavar="FILE"),
            argument(
                "--batch",
                help='JSON Lines of {"definition", "input", "mocks"}; one result per line. Instead of FILE.',
                default=None,
                metavar="FILE",
            ),
            argument(
                "--like",
                help="Replay this ended instance in another version, with the results of its tasks, and compare.",
                default=None,
                metavar="INSTANCE",
            ),
            argument(
                "--version", help="With --like: a stored version instead of FILE; default: the newest.", default=None
            ),
            TASKS,
            ENV,
            output("json", "table"),
        ),
        "The built-in tasks noop, set, fail and wait run for real, in virtual time; all other tasks take "
        "their results from --mocks. Exit code 0 when the instance completed, 1 for any other end or an invalid "
        "document. --like needs the workflow database; its exit code is 0 if the version leads to the same path, "
        "output and error, and 1 if it does not or that is unknown.",
    ),
    FMT,
    TEST,
)
