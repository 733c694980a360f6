"""What people read instead of the names of options, and an index for what somebody has decided."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

TABLE = "workflow_questions"
INDEX = "workflow_questions_votes_idx"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("option_labels", JSONB(), nullable=True))
    op.create_index(INDEX, TABLE, ["votes"], postgresql_using="gin", postgresql_ops={"votes": "jsonb_path_ops"})


def downgrade() -> None:
    op.drop_index(INDEX, table_name=TABLE)
    op.drop_column(TABLE, "option_labels")
