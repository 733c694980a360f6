"""What instances are found and failures grouped by: kind and step of the error, who started them, and a text to search.

PostgreSQL computes the columns itself, also for what components of the version before write. It writes the table once
again for that, which takes about a minute for a million instances.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLE = "workflow_instances"
COMPUTED = {
    "error_type": "left(error ->> 'type', 100)",
    "error_code": "left(error ->> 'code', 100)",
    "error_step_id": "left(error ->> 'stepId', 100)",
    "started_by": "left(state #>> '{instance,startedBy,name}', 250)",
    "search_text": r"lower(coalesce(correlation_id, '') || E'\n' || run_id)",
}


def upgrade() -> None:
    # All in one statement, so that the table is written once.
    added = ", ".join(f"ADD COLUMN {name} text GENERATED ALWAYS AS ({how}) STORED" for name, how in COMPUTED.items())
    op.execute(f"ALTER TABLE {TABLE} {added}")
    op.create_index(
        "workflow_instances_failed_idx",
        TABLE,
        ["started_at", "workflow_id", "error_step_id", "error_type", "error_code"],
        postgresql_where=sa.text("status = 'failed'"),
    )
    op.create_index(
        "workflow_instances_started_by_idx",
        TABLE,
        ["started_by", "started_at", "id"],
        postgresql_where=sa.text("started_by IS NOT NULL"),
    )
    op.create_index(
        "workflow_instances_search_idx",
        TABLE,
        ["started_at", "id"],
        postgresql_include=["search_text", "workflow_id", "status"],
    )


def downgrade() -> None:
    for name in ("search", "started_by", "failed"):
        op.drop_index(f"workflow_instances_{name}_idx", table_name=TABLE)
    for name in reversed(COMPUTED):
        op.drop_column(TABLE, name)
