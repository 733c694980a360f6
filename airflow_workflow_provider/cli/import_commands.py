"""The command ``import``."""

from __future__ import annotations

from airflow_workflow_provider.cli.shapes import Command, argument

IMPORT = Command(
    "import",
    "Import definitions of another workflow system.",
    "importing:import_files",
    (
        argument("dialect", help="Language of the files.", choices=("stepfunctions", "conductor", "open-workflow")),
        argument("files", help="JSON or YAML files; '-' is standard input.", nargs="+", metavar="FILE"),
        argument("--output", help="Folder for the definitions and their tasks.", required=True, metavar="DIR"),
        argument("--format", help="Format of the report.", choices=("text", "json"), default="text"),
        argument("--all", help="Also report what was kept exactly.", action="store_true", default=False),
        argument("--incomplete", help="Write even if something is left to do.", action="store_true", default=False),
        argument("--force", help="Replace files that are different.", action="store_true", default=False),
    ),
    "Writes a definition for each file and a task definition for each task that it calls, and reports for each "
    "construct whether it is kept exactly, kept by a detour, or left to do. Exit code 1 if a file cannot be imported "
    "or something is left to do; then nothing is written.",
)
