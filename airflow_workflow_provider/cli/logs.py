"""``logs``: the execution log of one instance."""

from __future__ import annotations

import json
import time
from argparse import Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import UUID

from airflow_workflow_provider.cli.access import open_database
from airflow_workflow_provider.cli.console import console, flush, print_json
from airflow_workflow_provider.cli.instances import parse_instance_id
from airflow_workflow_provider.cli.main import FINE
from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.store.instances import Instances
from airflow_workflow_provider.store.logs import LogRow, Logs
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database

PAGE = 500
POLL = 0.5
"""Seconds between two looks for new rows."""

ENDED = frozenset({"completed", "failed"})
LEVEL_STYLES = {"error": "bold red", "info": "", "debug": "dim"}
MAX_DATA = 200
"""Characters of a row's data that the table shows; ``--output jsonl`` has all of it."""


def logs(options: Namespace) -> int:
    """Print an instance's log in order; with ``--follow`` also what comes, until the instance ended."""
    wanted = parse_instance_id(options.instance_id)
    if options.follow and options.output == "json":
        message = "One JSON array cannot be followed"
        raise Misuse(message, code=ProblemCode.BAD_ARGUMENTS, suggestion="Use --output jsonl")
    with open_database() as database:
        rows = _rows(database, wanted, options.level, follow=options.follow)
        if options.output == "json":
            print_json([as_json(row) for row in rows])
            return FINE
        for row in rows:
            if options.output == "jsonl":
                print_json(as_json(row), indent=None)
            else:
                _print(row)
            flush()
    return FINE


def _rows(database: Database, wanted: UUID, level: Any, *, follow: bool) -> Iterator[LogRow]:
    instances, stored = Instances(database), Logs(database)
    instances.get(wanted)
    last = 0
    while True:
        # The status is read first: an instance that has ended by now writes no more rows.
        ended = not follow or instances.get(wanted).status in ENDED
        page = stored.read(wanted, after_id=last, level=level, limit=PAGE)
        yield from page
        if page:
            last = page[-1].id
        if len(page) == PAGE:
            continue
        if ended:
            return
        time.sleep(POLL)


def as_json(row: LogRow) -> dict[str, Any]:
    """Return the JSON object that stands for a row."""
    return {
        "id": row.id,
        "instanceId": str(row.instance_id),
        "at": row.at.isoformat(),
        "level": row.level,
        "event": row.event,
        "stepId": row.step_id,
        "scope": row.scope,
        "visit": row.visit,
        "attempt": row.attempt,
        "actor": row.actor,
        "metadata": row.metadata,
        "data": row.data,
        "message": row.message,
    }


def _print(row: LogRow) -> None:
    from rich.text import Text

    line = Text(row.at.astimezone().strftime("%H:%M:%S.%f")[:-3] + "  ", style="dim")
    line.append(f"{row.level:5}  ", style=LEVEL_STYLES[row.level])
    line.append(f"{row.event:20}")
    if row.step_id is not None:
        place = f"{row.scope}/{row.step_id}" if row.scope else row.step_id
        line.append(f"  {place}", style="cyan")
        line.append(f" #{row.visit}.{row.attempt}", style="dim")
    if row.message:
        line.append(f"  {row.message}")
    if row.data:
        text = json.dumps(row.data, ensure_ascii=False, default=str)
        line.append(f"  {text if len(text) <= MAX_DATA else text[: MAX_DATA - 1] + '…'}", style="dim")
    console().print(line, soft_wrap=True)
