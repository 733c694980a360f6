"""What instances are found and failures grouped by: columns that PostgreSQL computes, and their indexes."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Column, Computed, Index, Text, text

MAX_ERROR_TEXT: Final = 100
"""Characters of an error's type, code and step that lists are filtered and grouped by; an index takes no long texts."""

MAX_STARTED_BY: Final = 250
"""Characters of a user's name that lists are filtered by."""

COMPUTED: Final = {
    "error_type": f"left(error ->> 'type', {MAX_ERROR_TEXT})",
    "error_code": f"left(error ->> 'code', {MAX_ERROR_TEXT})",
    "error_step_id": f"left(error ->> 'stepId', {MAX_ERROR_TEXT})",
    "started_by": f"left(state #>> '{{instance,startedBy,name}}', {MAX_STARTED_BY})",
    "search_text": r"lower(coalesce(correlation_id, '') || E'\n' || run_id)",
}


def columns_and_indexes() -> list[Any]:
    """Return what the table of instances has more for this."""
    return [
        *(Column(name, Text, Computed(how, persisted=True)) for name, how in COMPUTED.items()),
        Index(
            "workflow_instances_failed_idx",
            *("started_at", "workflow_id", "error_step_id", "error_type", "error_code"),
            postgresql_where=text("status = 'failed'"),
        ),
        Index(
            "workflow_instances_started_by_idx",
            *("started_by", "started_at", "id"),
            postgresql_where=text("started_by IS NOT NULL"),
        ),
        # Searched for a text anywhere, newest first, without a look at the table.
        Index(
            "workflow_instances_search_idx",
            *("started_at", "id"),
            postgresql_include=["search_text", "workflow_id", "status"],
        ),
    ]
