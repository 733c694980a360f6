"""Requests for DAG runs of the newest version: those of a revision, or of any newer one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLE = "workflow_run_requests"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("at_least", sa.Boolean(), server_default="false", nullable=False))


def downgrade() -> None:
    op.drop_column(TABLE, "at_least")
