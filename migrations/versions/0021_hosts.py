"""The hosts of the components, each with its version and its clock."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

TABLE = "workflow_hosts"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("version", sa.String(50), nullable=False),
        sa.Column("ahead", sa.Interval(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("host", "version", name="workflow_hosts_pkey"),
    )


def downgrade() -> None:
    op.drop_table(TABLE)
