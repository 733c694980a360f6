"""``reconcile``: compare instances with Airflow's DAG runs, through the API (rule I1)."""

from __future__ import annotations

import time
from argparse import Namespace
from typing import Any, Final

from airflow_workflow_provider.cli.console import print_json, print_line, print_rows
from airflow_workflow_provider.cli.main import FAILED, FINE
from airflow_workflow_provider.cli.running import api_client
from airflow_workflow_provider.errors import Conflict, Misuse
from airflow_workflow_provider.vocabulary import ProblemCode

COLUMNS: Final = {
    "instanceId": "instance",
    "workflowId": "workflow",
    "found": "found",
    "deed": "action",
    "outcome": "outcome",
    "code": "code",
    "detail": "detail",
}


def reconcile(options: Namespace) -> int:
    """Compare, and fix what does not agree; with ``--follow`` again and again until interrupted."""
    if options.interval < 1:
        message = f"--interval is {options.interval}; expected a number of seconds from 1"
        raise Misuse(message, code=ProblemCode.BAD_INTERVAL, pointer="--interval")
    body = {"dryRun": options.dry_run, "all": options.all}
    with api_client() as client:
        while True:
            try:
                found = client.workflows("POST", "/reconciliations", json=body)
            except Conflict:
                if not options.follow:
                    raise
            else:
                _print(found, options)
                if not options.follow:
                    is_open = any(row["outcome"] != "fixed" for row in found["items"])
                    return FAILED if is_open else FINE
            time.sleep(options.interval)


def _print(found: dict[str, Any], options: Namespace) -> None:
    if options.output == "json":
        print_json(found)
        return
    if found["items"]:
        print_rows("table", COLUMNS, found["items"])
    if not (options.follow and not found["items"]):
        print_line(f"{found['compared']} instances compared, {len(found['items'])} do not agree with their DAG run.")
