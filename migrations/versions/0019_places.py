"""Instances whose number is limited: those that run, and the queue."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TABLE = "workflow_places"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column(
            "instance_id",
            UUID(),
            sa.ForeignKey("workflow_instances.id", name="workflow_places_instance_id_fkey", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("workflow_id", sa.String(255), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("admitted_at", sa.DateTime(timezone=True)),
        sa.Column("replaced_by", UUID()),
        sa.PrimaryKeyConstraint("instance_id", name="workflow_places_pkey"),
        sa.UniqueConstraint("sequence", name="workflow_places_sequence_key"),
    )
    key = ["workflow_id", "key", "sequence"]
    op.create_index("workflow_places_key_idx", TABLE, key)
    op.create_index("workflow_places_queue_idx", TABLE, key, postgresql_where=sa.text("admitted_at IS NULL"))
    replaced = sa.text("replaced_by IS NOT NULL")
    op.create_index("workflow_places_replaced_idx", TABLE, ["instance_id"], postgresql_where=replaced)


def downgrade() -> None:
    op.drop_table(TABLE)
