"""The commands on folders of definitions: tests, publication, comparison with what is stored."""

from __future__ import annotations

from typing import Final

from airflow_workflow_provider.cli.shapes import Command, argument, output

PATHS: Final = argument("paths", help="JSON files or folders.", nargs="+", metavar="PATH")
ONLY: Final = argument(
    "--only",
    help="Only workflows and tasks whose id matches this pattern with * and ?; nothing else is changed.",
    default=None,
    metavar="PATTERN",
)
FORCE: Final = argument("--force", help="Publish a version lower than the newest.", action="store_true", default=False)

ENV: Final = argument(
    "--env",
    help="JSON file with the values of an environment, which replace ${env:NAME} in definitions.",
    default=None,
    metavar="FILE",
)

FIX: Final = argument(
    "--fix",
    help="Apply fixes that are unambiguous, such as for a misspelled key, and write the files in the layout of fmt.",
    action="store_true",
    default=False,
)
FMT: Final = Command(
    "fmt",
    "Write definitions in one layout: keys in the order of the format, two spaces, short values on one line.",
    "formatting:fmt",
    (
        argument("paths", help="JSON files or folders; '-' is standard input.", nargs="+", metavar="PATH"),
        argument("--check", help="Only list files that have another layout.", action="store_true", default=False),
    ),
    "The meaning does not change, and neither does the order of keys that authors define, such as arguments. Exit code "
    "1 if a file cannot be read, or with --check if one would change.",
)

TEST: Final = Command(
    "test",
    "Run scenario files in memory: tests of definitions with mocked tasks, in virtual time.",
    "testing:test",
    (
        argument("paths", help="Folders, or scenario files.", nargs="+", metavar="PATH"),
        argument(
            "--definitions",
            help="Further folder or file with definitions and tasks; can be repeated. Those in the folders of the "
            "scenario files are always found.",
            action="append",
            default=[],
            metavar="PATH",
        ),
        argument(
            "--fail-under",
            help="Fail if the scenarios take less than this percentage of the ways.",
            type=float,
            default=0,
            metavar="N",
        ),
        ENV,
        argument("--junit", help="Also write a JUnit report.", default=None, metavar="FILE"),
        argument(
            "--coverage",
            help="Also write the coverage as JSON, which graph --coverage draws.",
            default=None,
            metavar="FILE",
        ),
        output("table", "json", "junit"),
    ),
    "Scenario files are named *.scenario.json, *.scenario.yaml or *.scenario.yml. Exit code 1 if a scenario fails or "
    "the coverage is below --fail-under.",
)

FOLDERS: Final = (
    Command(
        "plan",
        "Show what publishing a folder would change.",
        "planning:plan",
        (
            PATHS,
            FORCE,
            ONLY,
            ENV,
            argument("--output", "--format", help="Output format.", choices=("table", "json"), default="table"),
        ),
        "The folder is the source of truth: workflows that are stored but not in it are listed for removal by apply "
        "--prune. Exit code 0 if nothing would change, 3 if something would, 1 if a document is invalid or contradicts "
        "what is stored.",
    ),
    Command(
        "apply",
        "Publish workflow and task definitions.",
        "applying:apply",
        (
            PATHS,
            FORCE,
            ONLY,
            ENV,
            argument(
                "--prune",
                help="Deactivate the workflows that are not in the folder, and activate those that are.",
                action="store_true",
                default=False,
            ),
            argument(
                "--allow-live",
                help="Also remove workflows with instances that have not ended; these continue to their end.",
                action="store_true",
                default=False,
            ),
            argument(
                "--plan-revision",
                help="Publish nothing if something was published since the plan that printed this revision.",
                type=int,
                default=None,
                metavar="N",
            ),
            output(),
        ),
        "Task definitions are published first. Each document has its own transaction: valid documents are published, "
        "invalid ones are reported, and the exit code is then 1. A document that somebody else has published meanwhile "
        "is rejected. In folders, files named *.input.json, *.mocks.json, *.scenario.json and *.env.json are ignored.",
    ),
    Command(
        "drift",
        "Show the differences between the stored definitions and a folder.",
        "planning:drift",
        (PATHS, ONLY, ENV, output()),
        "Exit code 0 if there are none, 3 if there are.",
    ),
    Command(
        "export",
        "Write the stored definitions and tasks into a folder.",
        "planning:export",
        (
            argument("folder", help="Folder; created if it does not exist.", metavar="FOLDER"),
            ONLY,
            argument("--force", help="Replace files that have other content.", action="store_true", default=False),
            output(),
        ),
        "Definitions of active workflows are written as they were published, task definitions into the folder 'tasks'.",
    ),
)
