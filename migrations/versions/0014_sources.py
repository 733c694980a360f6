"""The text of each published version as its author wrote it; null of the versions that were published before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLE = "workflow_definition_versions"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("source", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column(TABLE, "source")
