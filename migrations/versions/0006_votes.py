"""A question begins without votes by default, so that the role that asks needs no right to write any."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE workflow_questions ALTER COLUMN votes SET DEFAULT '[]'::jsonb")


def downgrade() -> None:
    op.execute("ALTER TABLE workflow_questions ALTER COLUMN votes DROP DEFAULT")
