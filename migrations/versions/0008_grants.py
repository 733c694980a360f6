"""What the publisher of a version was allowed; null of the versions that were published before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("grants", postgresql.JSONB(astext_type=sa.Text()), nullable=True)
    op.add_column("workflow_definition_versions", column)


def downgrade() -> None:
    op.drop_column("workflow_definition_versions", "grants")
