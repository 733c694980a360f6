"""Indexes of what refers to an event, so that old events can be removed without looking at every instance."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "workflow_instances_event_idx",
        "workflow_instances",
        ["trigger_event_id"],
        postgresql_where=sa.text("trigger_event_id IS NOT NULL"),
    )
    op.create_index(
        "workflow_event_waits_event_idx",
        "workflow_event_waits",
        ["event_id"],
        postgresql_where=sa.text("event_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("workflow_event_waits_event_idx", "workflow_event_waits")
    op.drop_index("workflow_instances_event_idx", "workflow_instances")
