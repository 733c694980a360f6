"""The first tables: definitions, tasks, instances, the execution log, events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import CreateSequence, DropSequence, Sequence

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

REVISIONS = Sequence("workflow_revision_seq", data_type=sa.BigInteger())


def upgrade() -> None:
    op.execute(CreateSequence(REVISIONS))
    op.create_table(
        "task_definition_versions",
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("task_id", sa.String(length=255), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("document", JSONB(none_as_null=True), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("id", name="task_definition_versions_pkey"),
        sa.UniqueConstraint("revision", name="task_definition_versions_revision_key"),
    )
    op.create_index(
        "task_definition_versions_task_id_idx", "task_definition_versions", ["task_id", "revision"], unique=False
    )
    op.create_table(
        "task_definitions",
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("task_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("operator", sa.String(length=500), nullable=False),
        sa.Column("arguments", JSONB(none_as_null=True), nullable=True),
        sa.Column("input_schema", JSONB(none_as_null=True), nullable=True),
        sa.Column("output_schema", JSONB(none_as_null=True), nullable=True),
        sa.Column("retry_policy", JSONB(none_as_null=True), nullable=True),
        sa.Column("timeout", sa.String(length=50), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="task_definitions_pkey"),
        sa.UniqueConstraint("task_id", name="task_definitions_task_id_key"),
    )
    op.create_table(
        "workflow_definition_versions",
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("workflow_id", sa.String(length=255), nullable=False),
        sa.Column("version", sa.String(length=50), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("document", JSONB(none_as_null=True), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("id", name="workflow_definition_versions_pkey"),
        sa.UniqueConstraint("revision", name="workflow_definition_versions_revision_key"),
    )
    op.create_index(
        "workflow_definition_versions_workflow_id_idx",
        "workflow_definition_versions",
        ["workflow_id", "revision"],
        unique=False,
    )
    op.create_table(
        "workflow_definitions",
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("workflow_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("version", sa.String(length=50), nullable=False),
        sa.Column("input_schema", JSONB(none_as_null=True), nullable=True),
        sa.Column("triggers", JSONB(none_as_null=True), nullable=True),
        sa.Column("steps", JSONB(none_as_null=True), nullable=False),
        sa.Column("ui_components", JSONB(none_as_null=True), nullable=True),
        sa.Column("execution_log", JSONB(none_as_null=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("settings", JSONB(none_as_null=True), nullable=True),
        sa.Column("on_failure", JSONB(none_as_null=True), nullable=True),
        sa.Column("output", JSONB(none_as_null=True), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="workflow_definitions_pkey"),
    )
    op.create_index(
        "workflow_definitions_triggers_idx", "workflow_definitions", ["triggers"], unique=False, postgresql_using="gin"
    )
    op.create_index("workflow_definitions_workflow_id_idx", "workflow_definitions", ["workflow_id"], unique=True)
    op.create_table(
        "workflow_events",
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("data", JSONB(none_as_null=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="workflow_events_pkey"),
        sa.UniqueConstraint("source", "event_id", name="workflow_events_source_event_id_key"),
    )
    op.create_table(
        "workflow_event_deliveries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("event_id", sa.UUID(), nullable=False),
        sa.Column("workflow_id", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=20), server_default="pending", nullable=False),
        sa.Column("instance_id", sa.UUID(), nullable=True),
        sa.Column("reason", JSONB(none_as_null=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'started', 'dead')", name=op.f("workflow_event_deliveries_status_check")
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["workflow_events.id"], name="workflow_event_deliveries_event_id_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="workflow_event_deliveries_pkey"),
        sa.UniqueConstraint("event_id", "workflow_id", name="workflow_event_deliveries_event_id_workflow_id_key"),
    )
    op.create_index("workflow_event_deliveries_status_idx", "workflow_event_deliveries", ["status"], unique=False)
    op.create_table(
        "workflow_instances",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("workflow_definition_id", sa.UUID(), nullable=False),
        sa.Column("status", sa.String(length=50), nullable=False),
        sa.Column("current_step_id", sa.String(length=255), nullable=True),
        sa.Column("input", JSONB(none_as_null=True), nullable=False),
        sa.Column("state", JSONB(none_as_null=True), nullable=False),
        sa.Column("error", JSONB(none_as_null=True), nullable=True),
        sa.Column("trigger_event_id", sa.UUID(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("correlation_id", sa.String(length=255), nullable=True),
        sa.Column("workflow_id", sa.String(length=255), nullable=False),
        sa.Column("version", sa.String(length=50), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("dag_id", sa.String(length=255), nullable=False),
        sa.Column("run_id", sa.String(length=255), nullable=False),
        sa.Column("output", JSONB(none_as_null=True), nullable=True),
        sa.Column("event", JSONB(none_as_null=True), nullable=True),
        sa.Column("parent_instance_id", sa.UUID(), nullable=True),
        sa.Column("parent_step_id", sa.String(length=255), nullable=True),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('running', 'completed', 'failed', 'suspended')", name=op.f("workflow_instances_status_check")
        ),
        sa.ForeignKeyConstraint(
            ["parent_instance_id"],
            ["workflow_instances.id"],
            name="workflow_instances_parent_instance_id_fkey",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["trigger_event_id"],
            ["workflow_events.id"],
            name="workflow_instances_trigger_event_id_fkey",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["workflow_definition_id"],
            ["workflow_definitions.id"],
            name="workflow_instances_workflow_definition_id_fkey",
        ),
        sa.PrimaryKeyConstraint("id", name="workflow_instances_pkey"),
        sa.UniqueConstraint("dag_id", "run_id", name="workflow_instances_dag_id_run_id_key"),
    )
    op.create_index("workflow_instances_correlation_idx", "workflow_instances", ["correlation_id"], unique=False)
    op.create_index("workflow_instances_definition_idx", "workflow_instances", ["workflow_definition_id"], unique=False)
    op.create_index("workflow_instances_started_idx", "workflow_instances", ["started_at", "id"], unique=False)
    op.create_index("workflow_instances_status_idx", "workflow_instances", ["status"], unique=False)
    op.create_table(
        "workflow_execution_logs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("instance_id", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("event", sa.String(length=100), nullable=False),
        sa.Column("step_id", sa.String(length=255), nullable=True),
        sa.Column("scope", sa.Text(), server_default="", nullable=False),
        sa.Column("visit", sa.Integer(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=True),
        sa.Column("actor", JSONB(none_as_null=True), nullable=True),
        sa.Column("metadata", JSONB(none_as_null=True), nullable=True),
        sa.Column("data", JSONB(none_as_null=True), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.CheckConstraint("level IN ('debug', 'info', 'error')", name=op.f("workflow_execution_logs_level_check")),
        sa.ForeignKeyConstraint(
            ["instance_id"],
            ["workflow_instances.id"],
            name="workflow_execution_logs_instance_id_fkey",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="workflow_execution_logs_pkey"),
    )
    op.create_index("workflow_execution_logs_at_idx", "workflow_execution_logs", ["at"], unique=False)
    op.create_index(
        "workflow_execution_logs_instance_idx", "workflow_execution_logs", ["instance_id", "id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("workflow_execution_logs")
    op.drop_table("workflow_instances")
    op.drop_table("workflow_event_deliveries")
    op.drop_table("workflow_events")
    op.drop_table("workflow_definitions")
    op.drop_table("workflow_definition_versions")
    op.drop_table("task_definitions")
    op.drop_table("task_definition_versions")
    op.execute(DropSequence(REVISIONS))
