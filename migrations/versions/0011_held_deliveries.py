"""Deliveries of events whose tries end badly: a claim that nobody heard of again, an evaluation that was stopped."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TABLE = "workflow_event_deliveries"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("held", sa.Boolean(), server_default="false", nullable=False))
    op.add_column(TABLE, sa.Column("lapses", sa.Integer(), server_default="0", nullable=False))
    op.add_column(TABLE, sa.Column("kills", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    for name in ("kills", "lapses", "held"):
        op.drop_column(TABLE, name)
