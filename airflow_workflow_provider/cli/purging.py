"""``purge``: remove rows of the execution log whose retention has expired."""

from __future__ import annotations

from argparse import Namespace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_workflow_provider.cli.access import open_database
from airflow_workflow_provider.cli.console import print_json, print_line, print_rows, progress
from airflow_workflow_provider.cli.main import FINE
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.retention import Retention

if TYPE_CHECKING:
    from airflow_workflow_provider.store.retention import Expired


def purge(options: Namespace) -> int:
    """Remove what is past its retention, or with ``--dry-run`` only count it; safe to stop and to repeat."""
    now = datetime.now(UTC)
    with open_database() as database:
        retention = Retention(database, load_settings().log_retention)
        with progress("Counting" if options.dry_run else "Purging", None) as advance:

            def report(done: Expired) -> None:
                advance(f"Purging {done.workflow_id}: {done.rows} rows", 0)

            found = retention.expired(now) if options.dry_run else retention.purge(now, report)
    found = [each for each in found if each.rows]
    rows = [
        {
            "workflowId": each.workflow_id,
            "retention": each.retention,
            "before": each.before.isoformat(),
            "rows": each.rows,
        }
        for each in found
    ]
    if options.output == "json":
        print_json({"dryRun": options.dry_run, "rows": sum(each.rows for each in found), "workflows": rows})
        return FINE
    columns = {"workflowId": "workflow", "retention": "retention", "before": "older than", "rows": "rows"}
    print_rows("table", columns, rows)
    verb = "would be removed" if options.dry_run else "removed"
    print_line(f"{sum(each.rows for each in found)} rows {verb}.")
    return FINE
