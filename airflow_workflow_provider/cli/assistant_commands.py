"""The command ``mcp``."""

from __future__ import annotations

from typing import Final

from airflow_workflow_provider.cli.shapes import Command, argument

MCP: Final = Command(
    "mcp",
    "Make the API available to an assistant, over the Model Context Protocol on standard input and output.",
    "assistant:serve",
    (
        argument(
            "--allow-writes",
            help="Also offer tools that start and operate instances and answer questions.",
            action="store_true",
            default=False,
        ),
    ),
    "Needs the extra 'mcp'. Uses the same API settings as 'run'; the API decides what their user may read and do. "
    "Ends when standard input is closed.",
)
