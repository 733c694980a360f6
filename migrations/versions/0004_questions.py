"""The questions to people, their answers, and what notifiers have to be sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NOW = sa.text("now()")


def _json(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, JSONB(none_as_null=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "workflow_questions",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("instance_id", sa.UUID(), nullable=False),
        sa.Column("task_id", sa.String(length=255), nullable=False),
        sa.Column("step_id", sa.String(length=255), nullable=False),
        sa.Column("scope", sa.Text(), server_default="", nullable=False),
        sa.Column("visit", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        _json("options", nullable=False),
        _json("schema", nullable=False),
        _json("defaults", nullable=False),
        _json("comment_required", nullable=False),
        sa.Column("min_approvals", sa.Integer(), nullable=False),
        _json("assignees"),
        sa.Column("keys", ARRAY(sa.Text()), nullable=False),
        _json("excluded", nullable=False),
        sa.Column("status", sa.String(length=20), server_default="open", nullable=False),
        _json("claimed_by"),
        _json("votes", nullable=False),
        _json("answer"),
        _json("plan", nullable=False),
        _json("notifiers"),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('open', 'answered', 'expired', 'withdrawn')", name=op.f("workflow_questions_status_check")
        ),
        sa.ForeignKeyConstraint(
            ["instance_id"],
            ["workflow_instances.id"],
            name="workflow_questions_instance_id_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="workflow_questions_pkey"),
    )
    is_open = sa.text("status = 'open'")
    op.create_index("workflow_questions_instance_idx", "workflow_questions", ["instance_id"])
    op.create_index("workflow_questions_open_idx", "workflow_questions", ["asked_at", "id"], postgresql_where=is_open)
    op.create_index(
        "workflow_questions_keys_idx",
        "workflow_questions",
        ["keys"],
        postgresql_using="gin",
        postgresql_where=is_open,
    )
    op.create_index(
        "workflow_questions_next_idx",
        "workflow_questions",
        ["next_at"],
        postgresql_where=sa.text("status = 'open' AND next_at IS NOT NULL"),
    )
    op.create_table(
        "workflow_notifications",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("instance_id", sa.UUID(), nullable=False),
        sa.Column("question_id", sa.UUID(), nullable=True),
        sa.Column("occasion", sa.String(length=20), nullable=False),
        sa.Column("notifier", sa.String(length=250), nullable=False),
        sa.Column("status", sa.String(length=20), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.CheckConstraint("status IN ('pending', 'sent', 'failed')", name=op.f("workflow_notifications_status_check")),
        sa.ForeignKeyConstraint(
            ["instance_id"],
            ["workflow_instances.id"],
            name="workflow_notifications_instance_id_fkey",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["question_id"],
            ["workflow_questions.id"],
            name="workflow_notifications_question_id_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="workflow_notifications_pkey"),
    )
    op.create_index("workflow_notifications_instance_idx", "workflow_notifications", ["instance_id"])
    op.create_index(
        "workflow_notifications_question_idx",
        "workflow_notifications",
        ["question_id"],
        postgresql_where=sa.text("question_id IS NOT NULL"),
    )
    op.create_index(
        "workflow_notifications_due_idx",
        "workflow_notifications",
        ["due_at"],
        postgresql_where=sa.text("status = 'pending'"),
    )


def downgrade() -> None:
    op.drop_table("workflow_notifications")
    op.drop_table("workflow_questions")
