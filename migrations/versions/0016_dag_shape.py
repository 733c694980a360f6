"""The shape of the DAG of each published version; 1 of the versions that were published before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLE = "workflow_definition_versions"


def upgrade() -> None:
    # What a release publishes that knows no shapes has the first one too.
    op.add_column(TABLE, sa.Column("dag_shape", sa.SmallInteger(), nullable=False, server_default=sa.text("1")))


def downgrade() -> None:
    op.drop_column(TABLE, "dag_shape")
