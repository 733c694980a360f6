"""Since when the schedules of a workflow count, and when it was last activated or deactivated."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TABLE = "workflow_definitions"
INDEX = "workflow_definitions_activation_revision_idx"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("scheduled_since", JSONB()))
    op.add_column(TABLE, sa.Column("activation_revision", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    op.create_index(INDEX, TABLE, ["activation_revision"])


def downgrade() -> None:
    op.drop_index(INDEX, TABLE)
    op.drop_column(TABLE, "activation_revision")
    op.drop_column(TABLE, "scheduled_since")
