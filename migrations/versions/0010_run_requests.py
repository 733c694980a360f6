"""DAG runs that are to be made of a particular version of a workflow."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NOW = sa.text("now()")


def upgrade() -> None:
    op.create_table(
        "workflow_run_requests",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("dag_id", sa.String(length=255), nullable=False),
        sa.Column("run_id", sa.String(length=255), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("conf", JSONB(), nullable=False),
        sa.Column("user_name", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name="workflow_run_requests_pkey"),
        sa.UniqueConstraint("dag_id", "run_id", name="workflow_run_requests_dag_id_run_id_key"),
    )
    op.create_index("workflow_run_requests_due_idx", "workflow_run_requests", ["due_at"])


def downgrade() -> None:
    op.drop_table("workflow_run_requests")
