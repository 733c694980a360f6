"""Indexes for lists of instances: of some workflows, of a status, of a parent, newest first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLE = "workflow_instances"
ORDER = ("started_at", "id")


def upgrade() -> None:
    op.create_index("workflow_instances_workflow_idx", TABLE, ["workflow_id", *ORDER])
    op.create_index("workflow_instances_workflow_status_idx", TABLE, ["workflow_id", "status", *ORDER])
    op.create_index("workflow_instances_status_started_idx", TABLE, ["status", *ORDER])
    op.create_index(
        "workflow_instances_parent_idx",
        TABLE,
        ["parent_instance_id"],
        postgresql_where=sa.text("parent_instance_id IS NOT NULL"),
    )


def downgrade() -> None:
    for name in ("parent", "status_started", "workflow_status", "workflow"):
        op.drop_index(f"workflow_instances_{name}_idx", table_name=TABLE)
