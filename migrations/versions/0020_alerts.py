"""When something in an instance is reported because it takes too long."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TABLE = "workflow_instances"
INDEX = "workflow_instances_alert_idx"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("alert_at", sa.DateTime(timezone=True)))
    op.create_index(INDEX, TABLE, ["alert_at"], postgresql_where=sa.text("alert_at IS NOT NULL"))


def downgrade() -> None:
    op.drop_index(INDEX, table_name=TABLE)
    op.drop_column(TABLE, "alert_at")
