"""How the steps of each published version run where its document leaves that open; null means one task per step."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLE = "workflow_definition_versions"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("execution", sa.String(10), nullable=True))


def downgrade() -> None:
    op.drop_column(TABLE, "execution")
